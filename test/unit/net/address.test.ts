import { isIPv6 } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { Address, AddressError } from '../../../src/net/index.js';

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Mostly zero groups, so that compression has something to do. */
const sparse16 = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));

test('text and bytes of an IPv6 address round-trip', (t) => {
  fc.assert(
    fc.property(fc.oneof(bytes16, sparse16), (bytes) => {
      const address = Address.fromBytes(bytes);
      const text = address.toString();
      return (
        isIPv6(text) &&
        Address.parse(text).equals(address) &&
        Buffer.compare(Address.parse(text).toBytes(), bytes) === 0
      );
    }),
  );
  t.is(Address.fromBytes(new Uint8Array(16)).toString(), '::');
});

test('IPv4 round-trips and stays IPv4', (t) => {
  fc.assert(fc.property(fc.ipV4(), (text) => Address.parse(text).toString() === text));
  const address = Address.parse('192.0.2.1');
  t.is(address.family, 4);
  t.is(address.bits, 32);
  t.deepEqual([...address.toBytes()], [192, 0, 2, 1]);
  t.false(address.equals(Address.parse('::ffff:192.0.2.1')));
});

for (const [text, canonical] of [
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['1::', '1::'],
  ['::ffff:c000:201', '::ffff:192.0.2.1'],
] as const) {
  test(`canonical text of ${text}`, (t) => {
    t.is(Address.parse(text).toString(), canonical);
    t.is(JSON.stringify({ a: Address.parse(text) }), `{"a":"${canonical}"}`);
  });
}

for (const text of [
  '',
  '0x7f.1',
  '127.1',
  'fe80::1%eth0',
  '2001:db8::/32',
  '2001:db8::g',
  '1::2::3',
  ' ::1',
  '12',
]) {
  test(`'${text}' is refused`, (t) => {
    const error = t.throws(() => Address.parse(text), { instanceOf: AddressError });
    t.is(error?.code, 'ADDRESS_INVALID');
    t.is(error?.input, text);
  });
}

test('any text either parses to a canonical fixed point or raises AddressError', (t) => {
  const parses = (text: string): boolean => {
    try {
      const canonical = Address.parse(text).toString();
      return Address.parse(canonical).toString() === canonical;
    } catch (error) {
      return error instanceof AddressError;
    }
  };
  fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,40}$/)), parses));
  t.true(parses('::'));
});

test('bytes of another length are refused', (t) => {
  t.throws(() => Address.fromBytes(new Uint8Array(15)), { code: 'ADDRESS_INVALID' });
});

test('an address cannot be changed through its bytes', (t) => {
  const source = Address.parse('2001:db8::1').toBytes();
  const address = Address.fromBytes(source);
  source.fill(0xff);
  address.toBytes().fill(0xff);
  t.is(address.toString(), '2001:db8::1');
});

test('copyTo writes at the offset', (t) => {
  const target = new Uint8Array(18);
  Address.LOOPBACK.copyTo(target, 1);
  t.deepEqual([...target], [...new Uint8Array(16), 1, 0]);
});

test('classes of addresses', (t) => {
  const classes = (text: string) => {
    const a = Address.parse(text);
    return [a.isUnspecified, a.isLoopback, a.isLinkLocal, a.isMulticast, a.isGlobal].map(Number).join('');
  };
  t.is(classes('::'), '10000');
  t.is(classes('::1'), '01000');
  t.is(classes('fe80::1'), '00100');
  t.is(classes('febf::1'), '00100');
  t.is(classes('fec0::1'), '00001');
  t.is(classes('ff02::1'), '00010');
  t.is(classes('2001:db8::1'), '00001');
  t.is(classes('fd00::1'), '00001');
  t.is(classes('127.0.0.1'), '01000');
  t.is(classes('169.254.0.1'), '00100');
  t.is(classes('224.0.0.1'), '00010');
});

test('compare orders like the number', (t) => {
  fc.assert(
    fc.property(bytes16, bytes16, (left, right) => {
      const [a, b] = [Address.fromBytes(left), Address.fromBytes(right)];
      const difference = a.toBigInt() - b.toBigInt();
      return Math.sign(a.compare(b)) === (difference < 0n ? -1 : difference > 0n ? 1 : 0);
    }),
  );
  t.true(Address.parse('255.255.255.255').compare(Address.UNSPECIFIED) < 0);
});
