import test from 'ava';
import fc from 'fast-check';
import { Address, Prefix, PrefixIndex } from '../../../src/net/index.js';

const at = (text: string): Address => Address.parse(text);
const prefix = (text: string): Prefix => Prefix.parse(text);

test('the longest prefix that contains an address counts', (t) => {
  const index = new PrefixIndex([
    [prefix('2001:db8::/32'), 'all'],
    [prefix('2001:db8:1::/48'), 'one'],
    [prefix('2001:db8:1::7/128'), 'host'],
  ]);
  t.is(index.find(at('2001:db8:2::1')), 'all');
  t.is(index.find(at('2001:db8:1::1')), 'one');
  t.is(index.find(at('2001:db8:1::7')), 'host');
  t.is(index.find(at('2001:db9::')), undefined);
});

test('a prefix is found only where all of it is contained', (t) => {
  const index = new PrefixIndex([[prefix('2001:db8:1::/48'), 'one']]);
  t.is(index.find(prefix('2001:db8:1:2::/64')), 'one');
  t.is(index.find(prefix('2001:db8:1::/48')), 'one');
  t.is(index.find(prefix('2001:db8::/47')), undefined);
});

test('of two that are the same the first one counts, and families are apart', (t) => {
  const index = new PrefixIndex([
    [prefix('10.0.0.0/8'), 'four'],
    [prefix('a00::/8'), 'six'],
    [prefix('a00::/8'), 'again'],
  ]);
  t.is(index.find(at('10.1.2.3')), 'four');
  t.is(index.find(at('a01::')), 'six');
});

test('it finds what a search through all of them finds', (t) => {
  // Few bits that differ, so that prefixes and addresses meet.
  const word = fc.constantFrom(0, 1, 0x8000_0000, 0xffff_ffff);
  const address = fc.tuple(word, word, word, word).map((words) => Address.fromWords(...words));
  const any = fc.tuple(address, fc.integer({ min: 0, max: 128 })).map(([one, length]) => {
    return Prefix.covering(one, length);
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 20 }), address, (prefixes, wanted) => {
      const index = new PrefixIndex(prefixes.map((each) => [each, each.length]));
      const lengths = prefixes.filter((each) => each.contains(wanted)).map(({ length }) => length);
      return index.find(wanted) === (lengths.length === 0 ? undefined : Math.max(...lengths));
    }),
  );
  t.pass();
});

test('what starts like an address is what its masked bytes say', (t) => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, bytes, fc.integer({ min: 0, max: 128 }), (one, other, bits) => {
      const [a, b] = [Address.fromBytes(one), Address.fromBytes(other)];
      const mixed = Uint8Array.from(one, (byte, place) => {
        const left = Math.min(8, Math.max(0, bits - 8 * place));
        const mask = (0xff << (8 - left)) & 0xff;
        return (byte & mask) | ((other[place] ?? 0) & ~mask);
      });
      const same = Address.fromBytes(mixed);
      const isSame = a.masked(bits).equals(b.masked(bits));
      return (
        same.startsLike(a, bits) && b.startsLike(a, bits) === isSame && a.masked(bits).startsLike(a, bits)
      );
    }),
  );
  t.pass();
});
