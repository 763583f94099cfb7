/** Random policies: every selector, every action that the programs carry out. */
import type { Random } from '../../../../lab/random.js';
import { joinCgroups } from '../../../../src/policy/cgroup.js';
import {
  type AddressMatch,
  joinAddressRanges,
  joinRanges,
  matchOfPrefix,
  type Policy,
  type Range,
  type Selector,
} from '../../../../src/policy/index.js';
import { Next } from '../../../support/packet.js';
import { INTERFACES } from '../world-writer.js';
import {
  addressNear,
  addressOf,
  DESTINATION_ROOTS,
  LIMITS,
  type Limits,
  randomMark,
  randomPorts,
  randomPrefix,
  randomRange,
  SOURCE_ROOTS,
} from './random-value.js';
import { CGROUPS_OF_POLICIES } from './sender-cgroups.js';

type Doing = Pick<Policy, 'action' | 'otherwise'>;

/** Sets of prefixes by name, as a config has them. */
export type PrefixSets = readonly AddressMatch[];

const PROTOCOLS = [
  Next.UDP,
  Next.TCP,
  Next.SCTP,
  Next.DCCP,
  Next.UDPLITE,
  Next.ICMPV6,
  Next.ESP,
  Next.NONE,
  Next.GRE,
  Next.IPV6,
];
const WITH_PORTS: readonly number[] = PROTOCOLS.slice(0, 5);
const MOST_BINDINGS = 8;
const NAMES = [...INTERFACES.keys(), 'gone0'];

/** Bindings in random order, as many as one policy may list. */
function listed(random: Random, bids: readonly number[]): number[] {
  return random.shuffled(bids).slice(0, 1 + random.below(Math.min(bids.length, MOST_BINDINGS)));
}

/** How each action is made; a new one gets a row here and, if need be, an answer in `answer.ts`. */
const ACTIONS: readonly {
  readonly part: number;
  readonly make: (random: Random, bids: readonly number[]) => Doing;
}[] = [
  { part: 10, make: () => ({ action: { kind: 'drop' }, otherwise: 'next' }) },
  { part: 5, make: () => ({ action: { kind: 'bypass' }, otherwise: 'next' }) },
  {
    part: 20,
    make: (random, bids) => ({
      action: {
        kind: 'balance',
        bindings: listed(random, bids).map((bid) => ({
          bid,
          weight: random.of([1, 255, 1 + random.below(255)]),
        })),
      },
      otherwise: random.of(['next', 'next', 'drop', 'default']),
    }),
  },
  {
    part: 15,
    make: (random, bids) => ({
      action: { kind: 'copy', bindings: listed(random, bids) },
      otherwise: random.of(['next', 'next', 'drop', 'default']),
    }),
  },
  {
    part: 50,
    make: (random, bids) => ({
      action: { kind: 'use', bindings: listed(random, bids) },
      otherwise: random.of(['next', 'next', 'next', 'drop', 'default']),
    }),
  },
];

function randomAction(random: Random, bids: readonly number[]): Doing {
  let left = random.below(ACTIONS.reduce((sum, { part }) => sum + part, 0));
  for (const { part, make } of ACTIONS) {
    if (left < part) return make(random, bids);
    left -= part;
  }
  throw new RangeError('the parts of the actions do not add up');
}

/** Some sets of prefixes and ranges that policies may name. */
export function randomPrefixSets(random: Random): PrefixSets {
  return Array.from({ length: 1 + random.below(3) }, (_, at) => {
    const roots = random.of([SOURCE_ROOTS, DESTINATION_ROOTS]);
    const ranges = Array.from({ length: 1 + random.below(5) }, () =>
      matchOfPrefix(randomPrefix(random, roots)),
    ).flatMap((match) => match.ranges);
    return { set: `set${at}`, ranges: joinAddressRanges(ranges) };
  });
}

/** One prefix, several, a range that is no prefix, or a set. */
function randomAddresses(random: Random, roots: readonly string[], sets: PrefixSets): AddressMatch {
  if (random.chance(0.15)) return random.of(sets);
  const one = matchOfPrefix(randomPrefix(random, roots));
  if (random.chance(0.7)) return one;
  const ends = [0, 1].map(() => addressOf(addressNear(random, one, roots)));
  const [low = addressOf(0n), high = low] = ends.sort((a, b) => a.compare(b));
  const { ranges } = matchOfPrefix(randomPrefix(random, roots));
  return {
    set: undefined,
    ranges: joinAddressRanges([...one.ranges, ...ranges, ...(random.chance(0.5) ? [{ low, high }] : [])]),
  };
}

/** A range, now and then a list of them. */
function randomList(random: Random, limits: Limits): readonly Range[] {
  return joinRanges(Array.from({ length: 1 + random.below(3) }, () => randomRange(random, limits)));
}

function randomPortList(random: Random): readonly Range[] {
  const count = random.chance(0.25) ? 2 + random.below(3) : 1;
  return joinRanges(Array.from({ length: count }, () => randomPorts(random)));
}

function randomSelector(random: Random, sets: PrefixSets): Selector {
  const maybe = <T>(part: number, make: () => T): T | undefined => (random.chance(part) ? make() : undefined);
  const rich = random.chance(0.6);
  const seldom = <T>(part: number, make: () => T): T | undefined => maybe(rich ? part : 0, make);
  const one = (number: number): readonly Range[] => [{ low: number, high: number }];
  const interfaces = seldom(0.15, () =>
    random
      .shuffled(NAMES)
      .slice(0, 1 + random.below(2))
      .sort(),
  );
  return {
    mark: maybe(0.2, () => randomMark(random)),
    source: maybe(0.4, () => randomAddresses(random, SOURCE_ROOTS, sets)),
    destination: maybe(0.4, () => randomAddresses(random, DESTINATION_ROOTS, sets)),
    protocol:
      seldom(0.3, () => randomList(random, LIMITS.protocol)) ??
      maybe(0.5, () => one(random.of(random.chance(0.7) ? WITH_PORTS : PROTOCOLS))),
    sourcePort: maybe(0.25, () => randomPortList(random)),
    destinationPort: maybe(0.3, () => randomPortList(random)),
    dscp: seldom(0.25, () => randomList(random, LIMITS.dscp)),
    flowLabel: seldom(0.2, () => randomList(random, LIMITS.flowLabel)),
    spi: seldom(0.15, () => randomList(random, LIMITS.spi)),
    icmpType: seldom(0.15, () => randomList(random, LIMITS.icmp)),
    icmpCode: seldom(0.1, () => randomList(random, LIMITS.icmp)),
    interface: interfaces,
    // A packet that came in by an interface was sent by no process here.
    cgroup:
      interfaces === undefined
        ? seldom(0.15, () => joinCgroups(random.shuffled(CGROUPS_OF_POLICIES).slice(0, 1 + random.below(2))))
        : undefined,
  };
}

/** At most `count` policies over some bindings. */
export function randomPolicies(
  random: Random,
  count: number,
  bids: readonly number[],
  sets: PrefixSets,
): Policy[] {
  const priorities = new Set<number>();
  for (let left = count; left > 0; left--) {
    priorities.add(random.of([random.below(65_536), random.below(400), 0, 65_535]));
  }
  return [...priorities].map((priority, at) => ({
    fid: at + 1,
    name: `p${at + 1}`,
    priority,
    selector: randomSelector(random, sets),
    ...randomAction(random, bids),
  }));
}

/** Extension headers are not what a packet carries. */
const EXTENSIONS: readonly number[] = [0, 43, 44, 51, 60];

/** A protocol with the fields that a selector asks for, mostly. */
export function protocolNear(random: Random, selector: Selector, near: number | undefined): number {
  const { sourcePort, destinationPort, icmpType, icmpCode, spi } = selector;
  if (random.chance(0.2)) return random.of(PROTOCOLS);
  if (near !== undefined) return EXTENSIONS.includes(near) ? Next.UDP : near;
  if (sourcePort !== undefined || destinationPort !== undefined) return random.of(WITH_PORTS);
  if (icmpType !== undefined || icmpCode !== undefined) return Next.ICMPV6;
  return spi !== undefined ? Next.ESP : random.of(PROTOCOLS);
}
