/** Random policy sets and packets, from a seed: the same seed makes the same ones. */
import type { Random } from '../../../lab/random.js';
import { Address, Prefix } from '../../../src/net/index.js';
import {
  type AddressMatch,
  bindingsOf,
  formatAction,
  formatSelector,
  joinAddressRanges,
  joinRanges,
  matchOfPrefix,
  type Packet as OraclePacket,
  type Policy,
  type Range,
  type RouterPolicySet,
  type Selector,
} from '../../../src/policy/index.js';
import { type Ipv6Fields, ipv6, Next, type Packet } from '../../support/packet.js';
import { selectorOf } from './worlds.js';

/** A policy set and what can carry packets. */
export interface OracleCase {
  policies: Policy[];
  bindings: RouterPolicySet['bindings'];
  usable: ReadonlySet<number>;
}

/** A packet and what the reference is told of it. */
export interface OracleProbe {
  packet: Packet;
  seen: OraclePacket;
}

const BIDS = [1, 2, 3, 4] as const;
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
const WITH_PORTS: readonly number[] = [Next.UDP, Next.TCP, Next.SCTP, Next.DCCP, Next.UDPLITE];
const MARK_MASKS = [0xffffffff, 0xff, 0xff00, 0x80000000, 1, 0xf0f0f0f0];
const SOURCE_ROOTS = ['2001:db8:100::', '2001:db8:100:1::', '2001:db8:100:ffff:ffff:ffff:ffff:0'];
const DESTINATION_ROOTS = ['2001:db8:200::', '2400::', '2001:db8:200:8000::', '3fff:ffff:ffff:ffff::'];
/** Byte and word boundaries, and what lies beside them. */
const LENGTHS = [0, 1, 2, 3, 16, 31, 32, 33, 47, 48, 56, 63, 64, 65, 95, 96, 97, 112, 120, 126, 127, 128];
const LAST = (1n << 128n) - 1n;

function addressOf(value: bigint): Address {
  const bytes = new Uint8Array(16);
  for (let at = 15, left = value; at >= 0; at--, left >>= 8n) {
    bytes[at] = Number(left & 0xffn);
  }
  return Address.fromBytes(bytes);
}

function randomMark(random: Random): NonNullable<Selector['mark']> {
  const mask = random.of(MARK_MASKS);
  return { mask, value: (random.of([0, random.word(), 0x10, 0xffffffff]) & mask) >>> 0 };
}

function randomPorts(random: Random): Range {
  const ends = [random.of([0, 1, 1023, 5000, 65_534, random.below(65_536)]), random.below(65_536)];
  const [low = 0, high = 0] = ends.sort((a, b) => a - b);
  return random.of([
    { low, high },
    { low, high: low },
    { low: 0, high },
    { low, high: 65_535 },
    { low: 0, high: 65_535 },
  ]);
}

/** Of one root, so that they nest and lie side by side. */
function randomPrefix(random: Random, roots: readonly string[]): Prefix {
  const root = Address.parse(random.of(roots)).toBigInt();
  const length = random.of(LENGTHS);
  const flipped = length > 48 && random.chance(0.4) ? root ^ (1n << BigInt(128 - length)) : root;
  return Prefix.covering(addressOf(flipped), length);
}

function randomSelector(random: Random): Selector {
  const maybe = <T>(part: number, make: () => T): T | undefined => (random.chance(part) ? make() : undefined);
  const mark = maybe(0.2, () => randomMark(random));
  const source = maybe(0.4, () => randomPrefix(random, SOURCE_ROOTS));
  const destination = maybe(0.4, () => randomPrefix(random, DESTINATION_ROOTS));
  const protocol = maybe(0.5, () => random.of(random.chance(0.7) ? WITH_PORTS : PROTOCOLS));
  const sourcePort = maybe(0.25, () => randomPorts(random));
  const destinationPort = maybe(0.3, () => randomPorts(random));
  const plain = selectorOf({
    ...(mark && { mark }),
    ...(source && { source }),
    ...(destination && { destination }),
    ...(protocol !== undefined && { protocol }),
    ...(sourcePort && { sourcePort }),
    ...(destinationPort && { destinationPort }),
  });
  if (random.chance(0.4)) return plain;
  const several = (limits: readonly [low: number, high: number]): readonly Range[] =>
    joinRanges(Array.from({ length: 1 + random.below(3) }, () => randomRange(random, limits)));
  const lists = <T>(part: number, list: readonly T[] | undefined, make: () => T): readonly T[] | undefined =>
    list !== undefined && random.chance(part) ? [...list, make()] : list;
  return {
    ...plain,
    source: plain.source && withMore(random, plain.source, SOURCE_ROOTS),
    destination: plain.destination && withMore(random, plain.destination, DESTINATION_ROOTS),
    protocol: maybe(0.3, () => several([0, 255])) ?? plain.protocol,
    destinationPort: joined(lists(0.4, plain.destinationPort, () => randomPorts(random))),
    dscp: maybe(0.25, () => several([0, 63])),
    flowLabel: maybe(0.2, () => several([0, 0xf_ffff])),
    spi: maybe(0.15, () => several([1, 0xffff_ffff])),
    icmpType: maybe(0.15, () => several([0, 255])),
    icmpCode: maybe(0.1, () => several([0, 255])),
    interface: maybe(0.15, () => random.of([['lo'], ['gone0'], ['gone0', 'lo']])),
  };
}

const joined = (ranges: readonly Range[] | undefined): readonly Range[] | undefined =>
  ranges && joinRanges(ranges);

function randomRange(random: Random, [low, high]: readonly [number, number]): Range {
  const one = (): number => random.of([low, low + 1, high - 1, high, low + random.below(high - low + 1)]);
  const [a, b] = [one(), random.chance(0.5) ? one() : low + random.below(high - low + 1)];
  return random.chance(0.3) ? { low: a, high: a } : { low: Math.min(a, b), high: Math.max(a, b) };
}

/** Now and then a second prefix, or a range that is no prefix, beside what is there. */
function withMore(random: Random, match: AddressMatch, roots: readonly string[]): AddressMatch {
  if (random.chance(0.5)) return match;
  const ends = [0, 1].map(() => addressOf(addressNear(random, match, roots) & LAST));
  const [low, high] = ends.sort((a, b) => a.compare(b)) as [Address, Address];
  const { ranges } = matchOfPrefix(randomPrefix(random, roots));
  return {
    set: undefined,
    ranges: joinAddressRanges([...match.ranges, ...ranges, ...(random.chance(0.5) ? [{ low, high }] : [])]),
  };
}

/** All actions that the programs carry out, with any consequence. */
function randomAction(random: Random): Pick<Policy, 'action' | 'otherwise'> {
  if (random.chance(0.1)) return { action: { kind: 'drop' }, otherwise: 'next' };
  if (random.chance(0.05)) return { action: { kind: 'bypass' }, otherwise: 'next' };
  if (random.chance(0.2)) {
    const bids = random.shuffled(BIDS).slice(0, 1 + random.below(4));
    return {
      action: { kind: 'balance', bindings: bids.map((bid) => ({ bid, weight: 1 + random.below(255) })) },
      otherwise: random.of(['next', 'next', 'drop', 'default']),
    };
  }
  return {
    action: { kind: 'use', bindings: random.shuffled(BIDS).slice(0, 1 + random.below(4)) },
    otherwise: random.of(['next', 'next', 'next', 'drop', 'default']),
  };
}

export function randomCase(random: Random): OracleCase {
  const count = random.of([1 + random.below(40), 1 + random.below(40), 1 + random.below(300)]);
  const priorities = new Set<number>();
  while (priorities.size < count) {
    priorities.add(random.of([random.below(65_536), random.below(400)]));
  }
  const bindings = BIDS.map((bid) => ({ bid, priority: random.below(3) }));
  return {
    policies: [...priorities].map((priority, at) => ({
      fid: at + 1,
      name: `p${at + 1}`,
      priority,
      selector: randomSelector(random),
      ...randomAction(random),
    })),
    bindings: random.shuffled(bindings),
    usable: new Set(BIDS.filter(() => random.chance(0.7))),
  };
}

/** The first and the last address of a prefix and their neighbours outside, and some inside. */
function addressNear(random: Random, match: Selector['source'], roots: readonly string[]): bigint {
  const range = match && random.of(match.ranges);
  if (!range) {
    return Address.parse(random.of(roots)).toBigInt() + BigInt(random.below(4));
  }
  const first = range.low.toBigInt();
  const size = range.high.toBigInt() - first + 1n;
  const inside = first + (((BigInt(random.word()) << 96n) | (BigInt(random.word()) << 40n)) % size);
  return random.of([first, first + size - 1n, first - 1n, first + size, inside]);
}

/** Only addresses that packets may have: the rest are refused before they are classified. */
function usableAddress(value: bigint, spare: string): Address {
  const top = value >> 120n;
  const linkScope = value <= 1n || value > LAST || top === 0xffn || value >> 118n === 0xfe80n >> 6n;
  return linkScope ? Address.parse(spare) : addressOf(value);
}

function portNear(random: Random, ranges: Selector['sourcePort']): number {
  return numberNear(random, ranges ?? [randomPorts(random)], [0, 65_535]);
}

/** At an edge of one of some ranges, or anywhere. */
function numberNear(
  random: Random,
  ranges: readonly Range[] | undefined,
  [first, last]: readonly [number, number],
): number {
  const anywhere = first + random.below(last - first + 1);
  if (ranges === undefined || ranges.length === 0) return random.of([first, last, anywhere]);
  const { low, high } = random.of(ranges);
  return Math.min(last, Math.max(first, random.of([low, high, low - 1, high + 1, anywhere])));
}

function markNear(random: Random, mark: Selector['mark']): number {
  const { value, mask } = mark ?? randomMark(random);
  const outside = (value | (random.word() & ~mask)) >>> 0;
  return random.of([0, value, outside, (value ^ (mask & -mask)) >>> 0, random.word()]);
}

/** Headers in front of the upper one, at most seven: with a fragment header the programs follow eight. */
function withHeaders(
  random: Random,
  packet: Packet,
  wanted: number,
): { headers: Packet; spi: number | undefined } {
  let headers = packet;
  let spi: number | undefined;
  for (let left = random.of([0, 0, 0, 1, 2, 7]); left > 0; left--) {
    const own = random.of([wanted, 0xaaaa_aaaa]);
    headers = random.of([
      () => headers.hopByHop(),
      () => headers.hopByHop({ size: 24 }),
      () => headers.destinationOptions({ size: 16 }),
      () => headers.routing({ segmentsLeft: random.below(3) }),
      () => headers.fragment(),
      () => {
        spi ??= own;
        return headers.authentication({ spi: own });
      },
    ])();
  }
  return { headers, spi };
}

interface UpperFields {
  sourcePort: number;
  destinationPort: number;
  spi: number;
  type: number;
  code: number;
}

function withUpper(packet: Packet, protocol: number, fields: UpperFields): Packet {
  switch (protocol) {
    case Next.UDP:
      return packet.udp(fields);
    case Next.TCP:
      return packet.tcp(fields);
    case Next.ICMPV6:
      return packet.icmpv6(fields);
    case Next.ESP:
      return packet.esp(fields);
    case Next.NONE:
      return packet;
    default:
      // In front of other protocols stand bytes that would be ports.
      return packet.ports(protocol, fields);
  }
}

/** Extension headers are not what a packet carries. */
const EXTENSIONS: readonly number[] = [0, 43, 44, 51, 60];

function protocolFor(random: Random, selector: Selector): number {
  const { sourcePort, destinationPort, icmpType, icmpCode, spi } = selector;
  if (random.chance(0.2)) return random.of(PROTOCOLS);
  if (selector.protocol !== undefined) {
    const near = numberNear(random, selector.protocol, [0, 255]);
    return EXTENSIONS.includes(near) ? Next.UDP : near;
  }
  if (sourcePort !== undefined || destinationPort !== undefined) return random.of(WITH_PORTS);
  if (icmpType !== undefined || icmpCode !== undefined) return Next.ICMPV6;
  return spi !== undefined ? Next.ESP : random.of(PROTOCOLS);
}

/** A packet at an edge of one of the policies. */
export function randomProbe(random: Random, { policies }: OracleCase, markKnown: boolean): OracleProbe {
  const { selector } = random.of(policies);
  const source = usableAddress(addressNear(random, selector.source, SOURCE_ROOTS), '2001:db8:100::7');
  const destination = usableAddress(
    addressNear(random, selector.destination, DESTINATION_ROOTS),
    '2001:db8:200::7',
  );
  const protocol = protocolFor(random, selector);
  const upper: UpperFields = {
    sourcePort: portNear(random, selector.sourcePort),
    destinationPort: portNear(random, selector.destinationPort),
    spi: numberNear(random, selector.spi, [1, 0xffff_ffff]),
    type: numberNear(random, selector.icmpType, [0, 255]),
    code: numberNear(random, selector.icmpCode, [0, 255]),
  };
  const dscp = numberNear(random, selector.dscp, [0, 63]);
  const flowLabel = numberNear(random, selector.flowLabel, [0, 0xf_ffff]);
  const fields: Ipv6Fields = {
    source: source.toString(),
    destination: destination.toString(),
    trafficClass: (dscp << 2) | random.below(3),
    flowLabel,
  };
  const { headers, spi } = withHeaders(random, ipv6(fields), upper.spi);
  const piece = random.of(['whole', 'whole', 'whole', 'first', 'later'] as const);
  const { sourcePort, destinationPort } = upper;
  const packet =
    piece === 'later'
      ? headers
          .fragment({ offset: 1 + random.below(100), more: random.chance(0.5), nextHeader: protocol })
          // What would be the ports that the policy wants, if it were read.
          .raw(Uint8Array.of(sourcePort >> 8, sourcePort, destinationPort >> 8, destinationPort))
          .payload(12)
      : withUpper(piece === 'first' ? headers.fragment({ more: true }) : headers, protocol, upper).payload(
          16,
        );
  const hasUpper = piece !== 'later';
  const hasPorts = hasUpper && WITH_PORTS.includes(protocol);
  const hasType = hasUpper && protocol === Next.ICMPV6;
  return {
    packet,
    seen: {
      source,
      destination,
      protocol,
      sourcePort: hasPorts ? sourcePort : undefined,
      destinationPort: hasPorts ? destinationPort : undefined,
      dscp,
      flowLabel,
      spi: spi ?? (hasUpper && protocol === Next.ESP ? upper.spi : undefined),
      icmpType: hasType ? upper.type : undefined,
      icmpCode: hasType ? upper.code : undefined,
      // A test run has an interface at ingress only, and no process that sends.
      interface: markKnown ? undefined : 'lo',
      cgroup: undefined,
      mark: random.chance(0.2) ? undefined : markNear(random, selector.mark),
    },
  };
}

/** The set in lines, in the order in which it is asked. */
export function describeCase({ policies, bindings, usable }: OracleCase): string[] {
  const bids = (list: readonly number[]): string =>
    list.map((bid) => (usable.has(bid) ? `${bid}` : `(${bid})`)).join(' ');
  const inOrder = [...policies].sort((a, b) => a.priority - b.priority);
  const defaults = [...bindings].sort((a, b) => a.priority - b.priority || a.bid - b.bid);
  return [
    ...inOrder.map(
      ({ fid, priority, selector, action, otherwise }) =>
        `fid ${fid} priority ${priority}: ${formatSelector(selector)} -> ` +
        `${formatAction({ action, otherwise }, String)} [${bids(bindingsOf(action))}]`,
    ),
    `default -> ${bids(defaults.map(({ bid }) => bid))}   (in brackets: not usable)`,
  ];
}
