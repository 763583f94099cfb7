/** Random policy sets and packets, from a seed: the same seed makes the same ones. */
import type { Random } from '../../../lab/random.js';
import { Address, Prefix } from '../../../src/net/index.js';
import {
  ANY,
  formatSelector,
  type Packet as OraclePacket,
  type Policy,
  type RouterPolicySet,
  type Selector,
} from '../../../src/policy/index.js';
import { type Ipv6Fields, ipv6, Next, type Packet } from '../../support/packet.js';

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

function randomPorts(random: Random): NonNullable<Selector['sourcePort']> {
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
  return {
    ...ANY,
    mark: maybe(0.2, () => randomMark(random)),
    source: maybe(0.4, () => randomPrefix(random, SOURCE_ROOTS)),
    destination: maybe(0.4, () => randomPrefix(random, DESTINATION_ROOTS)),
    protocol: maybe(0.5, () => random.of(random.chance(0.7) ? WITH_PORTS : PROTOCOLS)),
    sourcePort: maybe(0.25, () => randomPorts(random)),
    destinationPort: maybe(0.3, () => randomPorts(random)),
  };
}

export function randomCase(random: Random): OracleCase {
  const count = 1 + random.below(40);
  const priorities = new Set<number>();
  while (priorities.size < count) {
    priorities.add(random.of([random.below(65_536), random.below(100)]));
  }
  const bindings = BIDS.map((bid) => ({ bid, priority: random.below(3) }));
  return {
    policies: [...priorities].map((priority, at) => ({
      fid: at + 1,
      name: `p${at + 1}`,
      priority,
      selector: randomSelector(random),
      use: random.shuffled(BIDS).slice(0, 1 + random.below(4)),
    })),
    bindings: random.shuffled(bindings),
    usable: new Set(BIDS.filter(() => random.chance(0.7))),
  };
}

/** The first and the last address of a prefix and their neighbours outside, and some inside. */
function addressNear(random: Random, prefix: Prefix | undefined, roots: readonly string[]): bigint {
  if (!prefix) {
    return Address.parse(random.of(roots)).toBigInt() + BigInt(random.below(4));
  }
  const first = prefix.address.toBigInt();
  const size = 1n << BigInt(128 - prefix.length);
  const inside = first + (((BigInt(random.word()) << 96n) | (BigInt(random.word()) << 40n)) % size);
  return random.of([first, first + size - 1n, first - 1n, first + size, inside]);
}

/** Only addresses that packets may have: the rest are refused before they are classified. */
function usableAddress(value: bigint, spare: string): Address {
  const top = value >> 120n;
  const linkScope = value <= 1n || value > LAST || top === 0xffn || value >> 118n === 0xfe80n >> 6n;
  return linkScope ? Address.parse(spare) : addressOf(value);
}

function portNear(random: Random, range: Selector['sourcePort']): number {
  const { low, high } = range ?? randomPorts(random);
  return random.of([low, high, low - 1, high + 1, random.below(65_536)]) & 0xffff;
}

function markNear(random: Random, mark: Selector['mark']): number {
  const { value, mask } = mark ?? randomMark(random);
  const outside = (value | (random.word() & ~mask)) >>> 0;
  return random.of([0, value, outside, (value ^ (mask & -mask)) >>> 0, random.word()]);
}

/** Headers in front of the upper one, at most seven: with a fragment header the programs follow eight. */
function withHeaders(random: Random, packet: Packet): Packet {
  let extended = packet;
  for (let left = random.of([0, 0, 0, 1, 2, 7]); left > 0; left--) {
    extended = random.of([
      () => extended.hopByHop(),
      () => extended.hopByHop({ size: 24 }),
      () => extended.destinationOptions({ size: 16 }),
      () => extended.routing({ segmentsLeft: random.below(3) }),
      () => extended.fragment(),
      () => extended.authentication(),
    ])();
  }
  return extended;
}

function withUpper(
  packet: Packet,
  protocol: number,
  ports: { sourcePort: number; destinationPort: number },
): Packet {
  switch (protocol) {
    case Next.UDP:
      return packet.udp(ports);
    case Next.TCP:
      return packet.tcp(ports);
    case Next.ICMPV6:
      return packet.icmpv6();
    case Next.NONE:
      return packet;
    default:
      // In front of other protocols stand bytes that would be ports.
      return packet.ports(protocol, ports);
  }
}

/** A packet at an edge of one of the policies. */
export function randomProbe(random: Random, { policies }: OracleCase): OracleProbe {
  const { selector } = random.of(policies);
  const source = usableAddress(addressNear(random, selector.source, SOURCE_ROOTS), '2001:db8:100::7');
  const destination = usableAddress(
    addressNear(random, selector.destination, DESTINATION_ROOTS),
    '2001:db8:200::7',
  );
  const wantsPorts = selector.sourcePort !== undefined || selector.destinationPort !== undefined;
  const protocol = random.chance(0.8)
    ? (selector.protocol ?? random.of(wantsPorts ? WITH_PORTS : PROTOCOLS))
    : random.of(PROTOCOLS);
  const ports = {
    sourcePort: portNear(random, selector.sourcePort),
    destinationPort: portNear(random, selector.destinationPort),
  };
  const fields: Ipv6Fields = { source: source.toString(), destination: destination.toString() };
  const headers = withHeaders(random, ipv6(fields));
  const piece = random.of(['whole', 'whole', 'whole', 'first', 'later'] as const);
  const packet =
    piece === 'later'
      ? headers
          .fragment({ offset: 1 + random.below(100), more: random.chance(0.5), nextHeader: protocol })
          // What would be the ports that the policy wants, if it were read.
          .raw(
            Uint8Array.of(
              ports.sourcePort >> 8,
              ports.sourcePort,
              ports.destinationPort >> 8,
              ports.destinationPort,
            ),
          )
          .payload(12)
      : withUpper(piece === 'first' ? headers.fragment({ more: true }) : headers, protocol, ports).payload(
          16,
        );
  const hasPorts = piece !== 'later' && WITH_PORTS.includes(protocol);
  return {
    packet,
    seen: {
      source,
      destination,
      protocol,
      sourcePort: hasPorts ? ports.sourcePort : undefined,
      destinationPort: hasPorts ? ports.destinationPort : undefined,
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
      ({ fid, priority, selector, use }) =>
        `fid ${fid} priority ${priority}: ${formatSelector(selector)} -> ${bids(use)}`,
    ),
    `default -> ${bids(defaults.map(({ bid }) => bid))}   (in brackets: not usable)`,
  ];
}
