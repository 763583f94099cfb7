/** Random policy sets and packets, drawn from few values so that they meet often. */
import fc from 'fast-check';
import { Address, Prefix } from '../../../src/net/index.js';
import {
  type Action,
  type AddressMatch,
  joinAddressRanges,
  joinCgroups,
  joinRanges,
  matchOfPrefix,
  type Packet,
  type Policy,
  type Range,
  type RouterPolicySet,
  type Selector,
} from '../../../src/policy/index.js';

const addresses = [
  '2001:db8::',
  '2001:db8::1',
  '2001:db8:0:1::1',
  '2001:db8:8000::',
  'fe80::1',
  '::',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
].map((text) => Address.parse(text));
const address = fc.constantFrom(...addresses);
const prefix = fc
  .tuple(address, fc.constantFrom(0, 1, 31, 32, 33, 63, 64, 65, 127, 128))
  .map(([base, length]) => Prefix.covering(base, length));
const protocols = [0, 6, 17, 50, 58, 255];
const ports = [0, 1, 4999, 5000, 5001, 65534, 65535];
const markBits = fc.constantFrom(0, 1, 0x10, 0x11, 0x80000000, 0xffffffff);
const mark = fc
  .tuple(markBits, fc.constantFrom(1, 0x10, 0xff, 0x80000000, 0xffffffff))
  .map(([value, mask]) => ({ value: (value & mask) >>> 0, mask }));
const interfaces = ['lan0', 'lan1'];
const cgroups = ['/', '/a', '/a/b', '/a-b', '/c'];

function maybe<T>(arbitrary: fc.Arbitrary<T>, freq = 2): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq });
}

/** One to three ranges between some values. */
function ranges(values: readonly number[]): fc.Arbitrary<readonly Range[]> {
  const end = fc.constantFrom(...values);
  const range = fc.tuple(end, end).map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) }));
  return fc.array(range, { minLength: 1, maxLength: 3 }).map(joinRanges);
}

const addressMatch: fc.Arbitrary<AddressMatch> = fc.oneof(
  prefix.map(matchOfPrefix),
  fc.array(fc.tuple(address, address), { minLength: 1, maxLength: 3 }).map((pairs) => ({
    set: undefined,
    ranges: joinAddressRanges(
      pairs.map(([a, b]) => (a.compare(b) <= 0 ? { low: a, high: b } : { low: b, high: a })),
    ),
  })),
);

/** A selector of all fields; few of them at a time, so that policies meet. */
export const selector: fc.Arbitrary<Selector> = fc.record({
  mark: maybe(mark, 2),
  source: maybe(addressMatch, 2),
  destination: maybe(addressMatch, 2),
  protocol: maybe(ranges(protocols), 2),
  sourcePort: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, ranges(ports)),
  destinationPort: maybe(ranges(ports), 2),
  dscp: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, ranges([0, 46, 63])),
  flowLabel: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, ranges([0, 0x10, 0xfffff])),
  spi: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, ranges([1, 0x1000, 0xffffffff])),
  icmpType: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, ranges([0, 128, 255])),
  icmpCode: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, ranges([0, 1, 255])),
  interface: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    fc.subarray(interfaces, { minLength: 1 }),
  ),
  cgroup: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    fc.subarray(cgroups, { minLength: 1 }).map(joinCgroups),
  ),
});

const WITH_PORTS = [6, 17];

/** A packet that there can be: ports, ICMPv6 fields and cgroups only where they belong. */
export const packet: fc.Arbitrary<Packet> = fc
  .record({
    source: address,
    destination: address,
    protocol: fc.constantFrom(...protocols),
    laterFragment: fc.boolean(),
    ports: fc.tuple(fc.constantFrom(...ports), fc.constantFrom(...ports)),
    icmp: fc.tuple(fc.constantFrom(0, 127, 128, 129, 255), fc.constantFrom(0, 1, 2, 255)),
    dscp: fc.constantFrom(0, 1, 46, 63),
    flowLabel: fc.constantFrom(0, 0xf, 0x10, 0xfffff),
    spi: maybe(fc.constantFrom(1, 0xfff, 0x1000, 0xffffffff)),
    interface: maybe(fc.constantFrom(...interfaces), 2),
    cgroup: maybe(fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/a-b', '/ab', '/c', '/d')),
    mark: maybe(markBits),
  })
  .map(({ laterFragment, ports: pair, icmp, ...rest }) => {
    const hasPorts = WITH_PORTS.includes(rest.protocol) && !laterFragment;
    const hasType = rest.protocol === 58 && !laterFragment;
    return {
      ...rest,
      sourcePort: hasPorts ? pair[0] : undefined,
      destinationPort: hasPorts ? pair[1] : undefined,
      icmpType: hasType ? icmp[0] : undefined,
      icmpCode: hasType ? icmp[1] : undefined,
      cgroup: rest.interface === undefined ? rest.cgroup : undefined,
    };
  });

const BIDS = [1, 2, 3, 100, 65535];

type Doing = Pick<Policy, 'selector' | 'action' | 'otherwise'>;

const otherwise = fc.constantFrom('next', 'next', 'drop', 'default');

/** Any action over some bindings; without bindings only those that need none. */
function actionOver(bids: readonly number[]): fc.Arbitrary<Pick<Policy, 'action' | 'otherwise'>> {
  const needsNone = fc.constantFrom('drop', 'bypass').map((kind) => ({ kind }) as Action);
  const alone = fc.record({ action: needsNone, otherwise: fc.constant('next' as const) });
  if (bids.length === 0) return alone;
  const list = fc.shuffledSubarray([...bids], { minLength: 1 });
  const weight = fc.integer({ min: 1, max: 255 });
  const action: fc.Arbitrary<Action> = fc.oneof(
    list.map((bindings) => ({ kind: 'use', bindings }) as const),
    list.map((bindings) => ({ kind: 'copy', bindings }) as const),
    list.chain((chosen) =>
      fc.tuple(...chosen.map(() => weight)).map((weights) => ({
        kind: 'balance' as const,
        bindings: chosen.map((bid, at) => ({ bid, weight: weights[at] ?? 1 })),
      })),
    ),
  );
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ action, otherwise }) },
    { weight: 1, arbitrary: alone },
  );
}

function policiesOf(one: fc.Arbitrary<Doing>, maxLength: number): fc.Arbitrary<Policy[]> {
  return fc.array(one, { maxLength }).chain((policies) =>
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

type Set = Omit<RouterPolicySet, 'routerId'>;

function setOf(policies: (bids: readonly number[]) => fc.Arbitrary<Policy[]>): fc.Arbitrary<Set> {
  return fc.subarray(BIDS).chain((bids) =>
    fc.record({
      policies: policies(bids),
      bindings: fc.tuple(
        ...bids.map((bid) => fc.integer({ min: 1, max: 3 }).map((priority) => ({ bid, priority }))),
      ),
    }),
  );
}

/** One router's set, without its id: all selectors and actions. */
export const policySet: fc.Arbitrary<Set> = setOf((bids) =>
  policiesOf(
    fc.tuple(selector, actionOver(bids)).map(([one, doing]) => ({ selector: one, ...doing })),
    12,
  ),
);

export const usableBids: fc.Arbitrary<ReadonlySet<number>> = fc.subarray(BIDS).map((bids) => new Set(bids));
