import { endianness } from 'node:os';
import test from 'ava';
import { hasBtfName } from '../../../src/libbpf-ts/btf/names.js';

/** BTF without types: a header of 24 bytes, `gap` bytes where they would be, the names, and something behind them. */
function btf(names: string, gap = 8): Uint8Array {
  const strings = Buffer.from(names);
  const header = Buffer.alloc(24);
  const write = (value: number, offset: number): unknown =>
    endianness() === 'LE' ? header.writeUInt32LE(value, offset) : header.writeUInt32BE(value, offset);
  write(header.length, 4);
  write(gap, 16);
  write(strings.length, 20);
  return Buffer.concat([header, Buffer.from('in_types'.slice(0, gap)), strings, Buffer.from('behind\0')]);
}

test('whole names of the section of strings, and nothing else', (t) => {
  const bytes = btf('first\0second_name\0');
  for (const name of ['first', 'second_name']) t.true(hasBtfName(bytes, name), name);
  for (const name of ['second', 'name', 'in_types', 'behind']) t.false(hasBtfName(bytes, name), name);
});
