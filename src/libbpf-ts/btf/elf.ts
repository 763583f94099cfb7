import { BtfError } from '../errors.js';

const SECTION_HEADER = 64;

/**
 * The content of a section of a 64-bit ELF file; undefined without such a section.
 * @throws BtfError when the file is damaged or not ELF
 */
export function elfSection(file: Uint8Array, name: string): Uint8Array | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || view.getUint32(0, false) !== 0x7f454c46 || view.getUint8(4) !== 2) {
    throw new BtfError('Not a 64-bit ELF file');
  }
  const little = view.getUint8(5) === 1;
  const number = (offset: number): number => {
    const value = view.getBigUint64(offset, little);
    if (value > BigInt(file.length)) throw new BtfError('ELF: an offset lies beyond the end of the file');
    return Number(value);
  };
  const table = number(40);
  const count = view.getUint16(60, little);
  const namesIndex = view.getUint16(62, little);
  if (table + count * SECTION_HEADER > file.length || namesIndex >= count) {
    throw new BtfError('ELF: the section table is damaged');
  }
  const section = (index: number): { nameAt: number; content: Uint8Array } => {
    const header = table + index * SECTION_HEADER;
    const nameAt = view.getUint32(header, little);
    // Sections without content in the file (.bss) may claim any size.
    if (view.getUint32(header + 4, little) === 8) return { nameAt, content: new Uint8Array() };
    const at = number(header + 24);
    return { nameAt, content: file.subarray(at, at + number(header + 32)) };
  };
  const names = Buffer.from(section(namesIndex).content);
  for (let index = 1; index < count; index++) {
    const { nameAt, content } = section(index);
    const end = names.indexOf(0, nameAt);
    if (nameAt < names.length && end >= 0 && names.toString('utf8', nameAt, end) === name) return content;
  }
  return undefined;
}
