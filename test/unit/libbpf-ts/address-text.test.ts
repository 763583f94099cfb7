import { isIPv6 } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import {
  ArgumentError,
  formatIpv4,
  formatIpv6,
  formatMac,
  parseIpv4,
  parseIpv6,
  parseMac,
} from '../../../src/libbpf-ts/index.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

for (const [written, canonical] of [
  ['::', '::'],
  ['::1', '::1'],
  ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['fe80::', 'fe80::'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
] as const) {
  test(`${written} is written ${canonical}`, (t) => {
    t.is(formatIpv6(parseIpv6(written)), canonical);
  });
}

test('every address survives the way to text and back', (t) => {
  fc.assert(
    fc.property(bytes(16), (address) => {
      const text = formatIpv6(address);
      return isIPv6(text) && Buffer.compare(parseIpv6(text), address) === 0;
    }),
  );
  // Zeros are what the canonical form is about.
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }), (list) => {
      const address = Uint8Array.from(list);
      return Buffer.compare(parseIpv6(formatIpv6(address)), address) === 0;
    }),
  );
  fc.assert(
    fc.property(bytes(4), (address) => Buffer.compare(parseIpv4(formatIpv4(address)), address) === 0),
  );
  fc.assert(fc.property(bytes(6), (address) => Buffer.compare(parseMac(formatMac(address)), address) === 0));
  t.is(formatMac(parseMac('02:AB:00:00:00:0f')), '02:ab:00:00:00:0f');
});

test('what is no address is refused', (t) => {
  for (const text of ['', 'fe80::1%eth0', '1.2.3.4', '2001:db8::/64', ':::', 'x']) {
    t.throws(() => parseIpv6(text), { instanceOf: ArgumentError, code: 'INVALID_ARGUMENT' }, text);
  }
  t.throws(() => parseMac('02:00:00:00:00'), { code: 'INVALID_ARGUMENT' });
  t.throws(() => formatIpv6(new Uint8Array(4)), { message: /16 bytes/ });
});

test('what is an IPv6 address for Node is one here, whatever it looks like', (t) => {
  const letters = fc.constantFrom(
    ...'0',
    '1',
    'f',
    'A',
    '12',
    'ffff',
    ':',
    ':',
    ':',
    '::',
    '.',
    '1.2.3.4',
    'g',
    ' ',
  );
  const texts = fc.array(letters, { maxLength: 18 }).map((parts) => parts.join(''));
  const isTaken = (text: string): boolean => {
    try {
      parseIpv6(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(texts, (text) => isTaken(text) === isIPv6(text)),
    { numRuns: 5000 },
  );
  t.pass();
});
