/** Where an option may start (RFC 8200 section 4.2, "xn+y"), and the padding that brings it there. */

/** An offset of `multiple` times n, plus `plus`. */
export interface Alignment {
  readonly multiple: number;
  readonly plus: number;
}

export const ANYWHERE: Alignment = { multiple: 1, plus: 0 };
/** What the length of a whole header is a multiple of. */
export const HEADER_UNIT = 8;

/** Bytes of padding between an offset and the next one that is aligned. */
export function paddingBefore(offset: number, { multiple, plus }: Alignment): number {
  return (((plus - offset) % multiple) + multiple) % multiple;
}

export const PAD1 = 0;
export const PADN = 1;
