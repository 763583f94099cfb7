import test from 'ava';
import fc from 'fast-check';
import {
  Address,
  decodeMobilityHeader,
  encodeMobilityHeader,
  hasRightChecksum,
  mobilityChecksum,
  setChecksum,
} from '../../../src/mobility/index.js';
import { anyMessage, comparable, hexBytes, hexText, ipv6, seedOf } from '../../support/mobility-messages.js';

const ADDRESSES = { source: Address.parse('2001:db8::1'), destination: Address.parse('2001:db8::2') };

test('the sum of a Binding Refresh Request, added by hand (RFC 8200 section 8.1)', (t) => {
  // 2001 + 0db8 + 1, twice with 2: 5b75; length 8; next header 0087; header 3b00 0000 0000 0000. Together 9704.
  const header = hexBytes('3b 00 00 00 00 00 00 00');
  t.is(mobilityChecksum(header, ADDRESSES), 0xffff - 0x9704);
  setChecksum(header, ADDRESSES);
  t.is(hexText(header), '3b00000068fb0000');
  t.true(hasRightChecksum(header, ADDRESSES));
});

test('a checksum is right for its bytes and its addresses only, and does not change the message', (t) => {
  const seed = seedOf((text) => t.log(text));
  fc.assert(
    fc.property(
      anyMessage,
      ipv6,
      ipv6,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (message, a, b, at, change) => {
        const addresses = { source: a, destination: b };
        const header = encodeMobilityHeader(message, addresses);
        t.true(hasRightChecksum(header, addresses));
        t.deepEqual(comparable(decodeMobilityHeader(header)), comparable(message));
        // One changed byte is always found: a sum of 16 bits takes it whole.
        const damaged = Uint8Array.from(header);
        damaged[at % header.length] = (damaged[at % header.length] ?? 0) ^ change;
        t.false(hasRightChecksum(damaged, addresses), hexText(damaged));
        const other = Uint8Array.from(a.toBytes());
        other[at % 16] = (other[at % 16] ?? 0) ^ change;
        t.false(hasRightChecksum(header, { ...addresses, source: Address.fromBytes(other) }));
        // The sum does not depend on the order.
        t.true(hasRightChecksum(header, { source: b, destination: a }));
      },
    ),
    { seed, numRuns: 300 },
  );
});

test('without addresses the field is 0', (t) => {
  const header = encodeMobilityHeader({ type: 'binding-refresh-request', options: [] });
  t.is(hexText(header), '3b00000000000000');
  t.false(hasRightChecksum(header, ADDRESSES));
});
