import test from 'ava';
import fc from 'fast-check';
import { Address, AddressError, Prefix } from '../../../src/net/index.js';

const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Address.fromBytes(bytes));
const address4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Address.fromBytes(bytes));
const address = fc.oneof(address6, address4);
const prefix = address.chain((a) =>
  fc.integer({ min: 0, max: a.bits }).map((length) => Prefix.covering(a, length)),
);

/** Containment as arithmetic on numbers, independent of the byte code under test. */
function containsByNumber(outer: Prefix, inner: Address): boolean {
  const shift = BigInt(outer.address.bits - outer.length);
  return outer.family === inner.family && outer.address.toBigInt() >> shift === inner.toBigInt() >> shift;
}

test('text round-trips', (t) => {
  fc.assert(fc.property(prefix, (p) => Prefix.parse(p.toString()).equals(p)));
  t.is(Prefix.parse('2001:DB8::/32').toString(), '2001:db8::/32');
});

test('masking keeps the network bits and clears the others', (t) => {
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 128 }), (a, wanted) => {
      const length = Math.min(wanted, a.bits);
      const shift = BigInt(a.bits - length);
      return Prefix.covering(a, length).address.toBigInt() === (a.toBigInt() >> shift) << shift;
    }),
  );
  t.is(Prefix.covering(Address.parse('2001:db8:ffff::1'), 33).toString(), '2001:db8:8000::/33');
});

test('contains agrees with arithmetic', (t) => {
  fc.assert(
    fc.property(prefix, address, (p, a) => p.contains(a) === containsByNumber(p, a) && p.contains(p.address)),
  );
  fc.assert(
    fc.property(prefix, prefix, (p, q) => {
      const expected = q.length >= p.length && containsByNumber(p, q.address);
      return p.contains(q) === expected && p.overlaps(q) === (expected || q.contains(p));
    }),
  );
  t.true(Prefix.DEFAULT.contains(Address.LOOPBACK));
  t.false(Prefix.DEFAULT.contains(Address.parse('192.0.2.1')));
  t.false(Prefix.parse('2001:db8::/32').contains(Prefix.DEFAULT));
});

test('host bits are refused with the prefix that was probably meant', (t) => {
  const error = t.throws(() => Prefix.parse('2001:db8::1/64'), { instanceOf: AddressError });
  t.is(error?.code, 'PREFIX_HOST_BITS');
  t.regex(error?.message ?? '', /did you mean 2001:db8::\/64\?/);
});

for (const text of ['', '2001:db8::', '::/129', '10.0.0.0/33', '::/-1', '::/064', '::/1.0', '::/', '/64']) {
  test(`'${text}' is refused`, (t) => {
    t.throws(() => Prefix.parse(text), { code: 'PREFIX_INVALID' });
  });
}

test('a bad address inside a prefix is named as such', (t) => {
  t.throws(() => Prefix.parse('2001:db8::g/64'), { code: 'ADDRESS_INVALID' });
});

test('host and default', (t) => {
  t.true(Prefix.host(Address.LOOPBACK).isHost);
  t.is(Prefix.host(Address.parse('192.0.2.1')).toString(), '192.0.2.1/32');
  t.true(Prefix.parse('::/0').equals(Prefix.DEFAULT));
  t.true(Prefix.DEFAULT.isDefault);
});
