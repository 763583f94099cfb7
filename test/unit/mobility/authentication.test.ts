import { createHmac } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import {
  Address,
  type BindingUpdate,
  decodeMobilityHeader,
  encodeAuthenticated,
  encodeMobilityHeader,
  hasRightChecksum,
  MobilityError,
  ntpDifference,
  ntpTimestamp,
  timeOfNtp,
  verifyAuthentication,
} from '../../../src/mobility/index.js';
import { rawOptionsOf } from '../../support/mobility-bytes.js';
import { comparable, hexBytes, hexText, MESSAGES, seedOf } from '../../support/mobility-messages.js';

const PARTIES = { careOf: Address.parse('2001:db8:a::2'), homeAddress: Address.parse('2001:db8:77::1') };
const KEY = { spi: 0x1000, key: hexBytes('000102030405060708090a0b0c0d0e0f') };
const UPDATE: BindingUpdate = {
  type: 'binding-update',
  sequence: 1,
  flags: ['acknowledge', 'home'],
  lifetime: 60,
  options: [
    { type: 'binding-identifier', bid: 1, status: 0, home: false, priority: 1, careOf: PARTIES.careOf },
  ],
};
const keyOf = (spi: number): Uint8Array | undefined => (spi === KEY.spi ? KEY.key : undefined);

test('the value is HMAC-SHA1 of care-of address, home address and header up to the SPI, checksum 0', (t) => {
  const bytes = encodeAuthenticated(UPDATE, PARTIES, KEY, {
    source: PARTIES.homeAddress,
    destination: Address.parse('2001:db8:ffff::1'),
  });
  const place = rawOptionsOf(bytes, 12).at(-1);
  t.like(place, { number: 9, length: 17 });
  const at = place?.offset ?? 0;
  const header = `${hexText(bytes.subarray(0, 4))}0000${hexText(bytes.subarray(6, at + 7))}`;
  const all = `20010db8000a00000000000000000002${'20010db8007700000000000000000001'}${header}`;
  const wanted = createHmac('sha1', KEY.key).update(Buffer.from(all, 'hex')).digest('hex').slice(0, 24);
  t.is(hexText(bytes.subarray(at + 7, at + 19)), wanted);
  t.is(hexText(bytes.subarray(at, at + 7)), '09110100001000');
  t.true(
    hasRightChecksum(bytes, { source: PARTIES.homeAddress, destination: Address.parse('2001:db8:ffff::1') }),
  );
});

test('what was authenticated is valid, and no other byte, address, key or SPI is', (t) => {
  const seed = seedOf((text) => t.log(text));
  const message = MESSAGES['binding-update'];
  let tried = 0;
  fc.assert(
    fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, change) => {
      if (one.type !== 'binding-update') return;
      const plainMessage = { ...one, options: one.options.filter(({ type }) => type !== 'authentication') };
      const bytes = encodeAuthenticated(plainMessage, PARTIES, KEY);
      t.is(verifyAuthentication(bytes, PARTIES, keyOf), 'valid');
      const { options, ...fields } = decodeMobilityHeader(bytes) as BindingUpdate;
      t.deepEqual(comparable({ ...fields, options: options.slice(0, -1) }), comparable(plainMessage));
      t.is(verifyAuthentication(bytes, { ...PARTIES, careOf: PARTIES.homeAddress }, keyOf), 'wrong');
      t.is(verifyAuthentication(bytes, { ...PARTIES, homeAddress: PARTIES.careOf }, keyOf), 'wrong');
      t.is(
        verifyAuthentication(bytes, PARTIES, () => new Uint8Array(16)),
        'wrong',
      );
      t.is(
        verifyAuthentication(bytes, PARTIES, () => undefined),
        'key-unknown',
      );
      // A changed byte: refused in one way or another, but for the checksum, which is not covered.
      const damaged = Uint8Array.from(bytes);
      const end = (rawOptionsOf(bytes, 12).at(-1)?.offset ?? 0) + 19;
      const place = at % end;
      damaged[place] = (damaged[place] ?? 0) ^ change;
      tried += 1;
      if (place === 4 || place === 5) {
        t.is(verifyAuthentication(damaged, PARTIES, keyOf), 'valid');
        return;
      }
      try {
        t.not(verifyAuthentication(damaged, PARTIES, keyOf), 'valid', hexText(damaged));
      } catch (error) {
        if (!(error instanceof MobilityError)) throw error;
      }
    }),
    { seed, numRuns: 300 },
  );
  t.is(tried, 300);
});

test('no option, an option elsewhere, a value of another length', (t) => {
  t.is(verifyAuthentication(encodeMobilityHeader(UPDATE), PARTIES, keyOf), 'missing');
  const aaa = { type: 'authentication', subtype: 2, spi: 3, data: new Uint8Array(20) } as const;
  const onlyAaa = encodeMobilityHeader({ ...UPDATE, options: [...UPDATE.options, aaa] });
  t.is(verifyAuthentication(onlyAaa, PARTIES, keyOf), 'missing');
  const short = { type: 'authentication', subtype: 1, spi: KEY.spi, data: new Uint8Array(11) } as const;
  t.is(verifyAuthentication(encodeMobilityHeader({ ...UPDATE, options: [short] }), PARTIES, keyOf), 'wrong');
  const moved = hexBytes(
    '3b 04 05 00 00 00 00 01 c0 00 00 0f 00 09 11 01 00 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 c8 00 01 04 00 00 00 00',
  );
  t.is(verifyAuthentication(moved, PARTIES, keyOf), 'misplaced');
  const cut = hexBytes('3b 01 05 00 00 00 00 01 c0 00 00 0f 00 09 01 01');
  t.is(verifyAuthentication(cut, PARTIES, keyOf), 'missing');
});

test('a short key, a reserved SPI and a second option are refused', (t) => {
  const weak = { ...KEY, key: new Uint8Array(15) };
  t.like(
    t.throws(() => encodeAuthenticated(UPDATE, PARTIES, weak), { instanceOf: MobilityError }),
    {
      code: 'MOBILITY_VALUE_INVALID',
      rule: 'RFC 4285 section 5.1',
    },
  );
  t.throws(() => encodeAuthenticated(UPDATE, PARTIES, { ...KEY, spi: 255 }), { message: /SPI 255/ });
  const bytes = encodeAuthenticated(UPDATE, PARTIES, KEY);
  t.throws(() => verifyAuthentication(bytes, PARTIES, () => weak.key), { message: /15 bytes/ });
  const message = decodeMobilityHeader(bytes) as BindingUpdate;
  t.throws(() => encodeAuthenticated(message, PARTIES, KEY), { message: /already/ });
});

test('timestamps of NTP and back, over the change of era in 2036', (t) => {
  // RFC 5905 figure 4: these seconds of NTP are these days.
  t.is(ntpTimestamp(0n), 2_208_988_800n << 32n);
  t.is(timeOfNtp(2_208_988_800n << 32n), 0n);
  t.is(timeOfNtp(3_155_673_600n << 32n), BigInt(Date.UTC(2000, 0, 1)) * 1_000_000n);
  t.is(timeOfNtp(63_104n << 32n), BigInt(Date.UTC(2036, 1, 8)) * 1_000_000n);
  t.is(ntpTimestamp(500_000_000n), (2_208_988_800n << 32n) + (1n << 31n));
  const seed = seedOf((text) => t.log(text));
  const last = BigInt(Date.UTC(2100, 0, 1)) * 1_000_000n;
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: last }),
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      (time, ms) => {
        const stamp = ntpTimestamp(time);
        t.is(timeOfNtp(stamp), time);
        const later = ntpTimestamp(time + BigInt(ms) * 1_000_000n + 10n ** 15n);
        t.true(Math.abs(ntpDifference(later, stamp) - (ms / 1000 + 1e6)) < 1e-6);
      },
    ),
    { seed, numRuns: 300 },
  );
});
