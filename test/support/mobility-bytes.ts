/** The options of a mobility header, read without the codec that is tested. */

export interface OptionPlace {
  readonly number: number;
  /** Of its type byte. */
  readonly offset: number;
  /** Of its value. */
  readonly length: number;
}

/** Options from `start` to `end`, without padding; what does not fit is an error. */
export function rawOptionsOf(bytes: Uint8Array, start: number, end = bytes.length): OptionPlace[] {
  const places: OptionPlace[] = [];
  let at = start;
  while (at < end) {
    const number = bytes[at] ?? 0;
    if (number === 0) {
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (at + 2 + length > end) throw new Error(`option ${number} at ${at} ends behind ${end}`);
    if (number !== 1) places.push({ number, offset: at, length });
    at += 2 + length;
  }
  return places;
}
