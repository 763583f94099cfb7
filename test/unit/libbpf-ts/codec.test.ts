import test from 'ava';
import fc from 'fast-check';
import { ArgumentError, Btf, BtfError } from '../../../src/libbpf-ts/index.js';
import { sampleBtf } from './sample.js';

interface Inner {
  port: number;
  mac: string;
}

const inner = fc.record({
  port: fc.nat(0xffff),
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((b) =>
    Buffer.from(b)
      .toString('hex')
      .replace(/..(?=.)/g, '$&:'),
  ),
});
const ipv6 = fc.constantFrom('::', '::1', '2001:db8::5', 'fe80::1:2', '::ffff:192.0.2.1');
const row = fc.record({
  kind: fc.nat(255),
  usable: fc.boolean(),
  bid: fc.nat(0xffff),
  offset: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  packets: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  balance: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  careOf: ipv6,
  homeAgent: ipv6,
  port: fc.nat(0xffff),
  label: fc.nat(0xffffffff),
  lastReason: fc.constantFrom(0, 1, 7),
  reason: fc.constantFrom(0, 1, 7),
  inner,
  raw: fc.uint8Array({ minLength: 5, maxLength: 5 }),
  labelText: fc.constantFrom('', 'a', 'uplink1', 'eight888', 'Ä'),
  list: fc.array(fc.nat(0xffffffff), { minLength: 3, maxLength: 3 }),
  pair: fc.array(inner, { minLength: 2, maxLength: 2 }),
  low: fc.nat(7),
  middle: fc.nat(2047),
  high: fc.nat(2 ** 18 - 1),
  signedBits: fc.integer({ min: -16, max: 15 }),
  asWord: fc.nat(0xffffffff),
  wide: fc.constantFrom(1n, 0x100000000n),
});

test('what is encoded is decoded', (t) => {
  const codec = sampleBtf().codec<object>('sample_row');
  fc.assert(
    fc.property(row, (value) => {
      const { asBytes, ...decoded } = codec.decode(codec.encode(value)) as { asBytes: Uint8Array };
      t.is(new DataView(asBytes.buffer).getUint32(0, true), value.asWord);
      t.deepEqual(decoded, value);
    }),
    { numRuns: 200 },
  );
});

test('bytes stand where C puts them, padding is zero', (t) => {
  const btf = sampleBtf();
  const into = new Uint8Array(144).fill(0xff);
  btf.codec('sample_row').encode({ bid: 0x0102, port: 443, label: 0x01020304, careOf: '2001:db8::1' }, into);
  t.deepEqual([...into.subarray(2, 4)], [2, 1]);
  t.deepEqual([...into.subarray(56, 64)], [1, 187, 0, 0, 1, 2, 3, 4]);
  t.is(Buffer.from(into.subarray(24, 40)).toString('hex'), '20010db8000000000000000000000001');
  t.true(into.subarray(93, 144).every((byte) => byte === 0));
});

test('values that do not fit are refused by name', (t) => {
  const btf = sampleBtf();
  const encode = (value: unknown) => () => btf.encode('sample_row', value);
  t.throws(encode({ bid: 70000 }), { instanceOf: ArgumentError, message: /sample_row\.bid.*70000/ });
  t.throws(encode({ inner: { port: -1 } }), { message: /sample_row\.inner\.port/ });
  t.throws(encode({ list: [1, 2, 3, 4] }), { message: /at most 3 elements/ });
  t.throws(encode({ careOf: '2001:db8::x' }), { message: /IPv6/ });
  t.throws(encode({ bidd: 1 }), { message: /one of the fields kind, usable/ });
  t.throws(encode({ packets: 2n ** 64n }), { message: /packets/ });
  t.throws(encode({ labelText: 'far too long' }), { message: /at most 8 bytes/ });
  t.throws(encode({ middle: 2048 }), { message: /11 bits/ });
  t.throws(encode(5), { message: /an object/ });
  t.throws(() => btf.decode('sample_row', new Uint8Array(143)), {
    instanceOf: BtfError,
    message: /144 bytes/,
  });
});

test('unions decode to all their members and encode the one given', (t) => {
  const btf = sampleBtf();
  const bytes = btf.encode('sample_union_holder', { choice: { number: 5n } });
  t.deepEqual(btf.decode('sample_union_holder', bytes), { choice: { number: 5n, address: '500::' } });
});

test('big-endian BTF gives big-endian values', (t) => {
  // An int, a struct {int a:4; int b:12;} with bit fields, as a big-endian compiler writes them.
  const words = [
    0xeb9f0100,
    24,
    0,
    52,
    52,
    7,
    1,
    1 << 24,
    4,
    32,
    1,
    0x84000002,
    2,
    3,
    1,
    4 << 24,
    5,
    1,
    (12 << 24) | 4,
  ];
  const bytes = new Uint8Array(words.length * 4 + 7);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(i * 4, word, false);
  });
  bytes.set(Buffer.from('\0i\0a\0b\0'), words.length * 4);
  const btf = Btf.fromBytes(bytes);
  t.is(btf.decode(1, Uint8Array.from([0, 0, 1, 2])), 0x102);
  const fields = { a: 0x5, b: 0xabc };
  t.deepEqual(btf.encode(2, fields), Uint8Array.from([0x5a, 0xbc]));
  t.deepEqual(btf.decode(2, Uint8Array.from([0x5a, 0xbc])), fields);
});

test('inner values keep their type', (t) => {
  const value: Inner = sampleBtf().decode<Inner>('sample_inner', Uint8Array.from([1, 187, 2, 0, 0, 0, 0, 9]));
  t.deepEqual(value, { port: 443, mac: '02:00:00:00:00:09' });
});
