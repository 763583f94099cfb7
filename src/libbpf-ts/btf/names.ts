import { endianness } from 'node:os';

/** Places of fields in struct btf_header (Documentation/bpf/btf.rst). */
const HEADER = { length: 4, stringsOffset: 16, stringsLength: 20 } as const;

/**
 * Whether anything in BTF of this machine has that name. A module's BTF continues the kernel's, so that its types cannot
 * be read without; its names can.
 */
export function hasBtfName(btf: Uint8Array, name: string): boolean {
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  const u32 = (offset: number): number => view.getUint32(offset, endianness() === 'LE');
  const start = u32(HEADER.length) + u32(HEADER.stringsOffset);
  const strings = btf.subarray(start, start + u32(HEADER.stringsLength));
  return Buffer.from(strings).toString('latin1').split('\0').includes(name);
}
