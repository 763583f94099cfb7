/** Random policy sets and packets, drawn from few values so that they meet often. */
import fc from 'fast-check';
import { Address, Prefix } from '../../../src/net/index.js';
import type { Packet, Policy, RouterPolicySet, Selector } from '../../../src/policy/index.js';

const addresses = [
  '2001:db8::',
  '2001:db8::1',
  '2001:db8:0:1::1',
  '2001:db8:8000::',
  'fe80::1',
  '::',
  'ffff::ffff',
].map((text) => Address.parse(text));
const address = fc.constantFrom(...addresses);
const prefix = fc
  .tuple(address, fc.constantFrom(0, 1, 31, 32, 33, 63, 64, 65, 127, 128))
  .map(([base, length]) => Prefix.covering(base, length));
const protocol = fc.constantFrom(0, 6, 17, 58, 255);
const port = fc.constantFrom(0, 1, 4999, 5000, 5001, 65534, 65535);
const ports = fc.tuple(port, port).map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) }));
const markBits = fc.constantFrom(0, 1, 0x10, 0x11, 0x80000000, 0xffffffff);
const mark = fc
  .tuple(markBits, fc.constantFrom(1, 0x10, 0xff, 0x80000000, 0xffffffff))
  .map(([value, mask]) => ({ value: (value & mask) >>> 0, mask }));

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

export const selector: fc.Arbitrary<Selector> = fc.record({
  mark: maybe(mark),
  source: maybe(prefix),
  destination: maybe(prefix),
  protocol: maybe(protocol),
  sourcePort: maybe(ports),
  destinationPort: maybe(ports),
});

export const packet: fc.Arbitrary<Packet> = fc
  .record({
    source: address,
    destination: address,
    protocol,
    ports: maybe(fc.tuple(port, port)),
    mark: maybe(markBits),
  })
  .map(({ ports: pair, ...rest }) => ({ ...rest, sourcePort: pair?.[0], destinationPort: pair?.[1] }));

const BIDS = [1, 2, 3, 100, 65535];

function policiesFor(bids: readonly number[]): fc.Arbitrary<Policy[]> {
  if (bids.length === 0) return fc.constant([]);
  const one = fc.record({ selector, use: fc.shuffledSubarray([...bids], { minLength: 1 }) });
  return fc.array(one, { maxLength: 12 }).chain((policies) =>
    fc
      .uniqueArray(fc.integer({ min: 1, max: 65535 }), {
        minLength: policies.length,
        maxLength: policies.length,
      })
      .map((priorities) =>
        policies.map((policy, position) => ({
          fid: position + 1,
          name: `p${position + 1}`,
          priority: priorities[position] ?? 0,
          ...policy,
        })),
      ),
  );
}

/** One router's set, without its id. */
export const policySet: fc.Arbitrary<Omit<RouterPolicySet, 'routerId'>> = fc.subarray(BIDS).chain((bids) =>
  fc.record({
    policies: policiesFor(bids),
    bindings: fc.tuple(
      ...bids.map((bid) => fc.integer({ min: 1, max: 3 }).map((priority) => ({ bid, priority }))),
    ),
  }),
);

export const usableBids: fc.Arbitrary<ReadonlySet<number>> = fc.subarray(BIDS).map((bids) => new Set(bids));
