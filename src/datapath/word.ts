import { endianness } from 'node:os';

const LITTLE = endianness() === 'LE';

/** A `__u32` as a map key or value. */
export function encodeWord(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, LITTLE);
  return bytes;
}

/** Reads a `__u32`. */
export function decodeWord(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, LITTLE);
}
