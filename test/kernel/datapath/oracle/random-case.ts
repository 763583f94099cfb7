/** Random cases: routers, policies and packets from a seed; the same seed makes the same ones. */
import type { Random } from '../../../../lab/random.js';
import { ANY, type Selector } from '../../../../src/policy/index.js';
import type { OracleCase, OracleRouter } from './oracle-case.js';
import { type ExtensionHeader, type Hook, type PacketRecipe, pieceOf, wholeSize } from './packet-recipe.js';
import { protocolNear, randomPolicies, randomPrefixSets } from './random-policies.js';
import {
  addressNear,
  DESTINATION_ROOTS,
  insideL3,
  LIMITS,
  markNear,
  numberNear,
  SOURCE_ROOTS,
  usableAddress,
} from './random-value.js';
import { CGROUPS_OF_PACKETS } from './sender-cgroups.js';

/** BIDs of all routers: both ends of the numbers there are, and some between. */
const BIDS = [1, 2, 3, 4, 9, 700, 4096, 65_535];
/** A home agent's routers; the destination decides which one a packet is for. */
const NETWORKS: readonly (readonly string[])[] = [
  ['::/0'],
  ['2001:db8:200:8000::/49', '3fff::/16'],
  ['2400::/13', '2001:db8:200::/64'],
];
/** Cgroups that send the packets of one case: to change the group of a process waits for the whole machine. */
const SENDERS = 2;
const HOOKS: readonly Hook[] = ['ingress', 'xdp', 'xdp', 'ingress-l3', 'home', 'home', 'home'];

function randomRouter(random: Random, at: number, counts: readonly number[]): OracleRouter {
  const sets = randomPrefixSets(random);
  const bids = random.shuffled(BIDS).slice(0, 1 + random.below(BIDS.length));
  const most = random.of(counts);
  const count = most === 0 ? 0 : 1 + random.below(most);
  return {
    routerId: at + 1,
    prefixes: NETWORKS[at] ?? [],
    policies: randomPolicies(random, count, bids, sets),
    bindings: bids.map((bid) => ({ bid, priority: random.below(3) })),
    usable: bids.filter(() => random.chance(0.7)),
  };
}

/** A case with that many packets, each at an edge of one of the policies. */
export function randomCase(random: Random, packets: number): OracleCase {
  const agent = random.chance(0.3);
  const counts = agent ? [0, 10, 60] : [40, 40, 300];
  const routers = Array.from({ length: agent ? 3 : 1 }, (_, at) => randomRouter(random, at, counts));
  return {
    role: agent ? 'HOME_AGENT' : 'MOBILE_ROUTER',
    routers,
    packets: withLaterFragments(random, randomPackets(random, routers, packets)).slice(0, packets),
  };
}

/** Behind some of the first fragments a later one of the same packet, which shows less. */
function withLaterFragments(random: Random, packets: readonly PacketRecipe[]): PacketRecipe[] {
  return packets.flatMap((packet) => {
    const last = packet.headers.at(-1);
    if (last?.kind !== 'fragment' || !pieceOf(packet)?.first || random.chance(0.5)) return [packet];
    const later = { ...last, offset: 1 + random.below(100), more: random.chance(0.5) };
    return [packet, { ...packet, headers: packet.headers.with(-1, later), cut: undefined }];
  });
}

export function randomPackets(
  random: Random,
  routers: readonly OracleRouter[],
  count: number,
): PacketRecipe[] {
  const selectors = routers.flatMap(({ policies }) => policies.map(({ selector }) => selector));
  const senders = random.shuffled(CGROUPS_OF_PACKETS).slice(0, SENDERS);
  return Array.from({ length: count }, () =>
    randomPacket(random, selectors.length > 0 ? random.of(selectors) : ANY, senders),
  );
}

/** Headers in front of the upper one: none, some, as many as are followed, and more. */
function randomHeaders(random: Random, spi: number): ExtensionHeader[] {
  const count = random.chance(0.03) ? 8 + random.below(3) : random.of([0, 0, 0, 1, 2, 7]);
  const headers = Array.from({ length: count }, () => randomHeader(random, spi));
  const fragment = (offset: number, more: boolean): ExtensionHeader => ({
    kind: 'fragment',
    offset,
    more,
    id: random.word(),
  });
  const piece = random.of(['whole', 'whole', 'whole', 'first', 'later'] as const);
  if (piece === 'first') headers.push(fragment(0, true));
  if (piece === 'later') headers.push(fragment(1 + random.below(100), random.chance(0.5)));
  return headers;
}

function randomHeader(random: Random, spi: number): ExtensionHeader {
  switch (random.below(6)) {
    case 0:
      return { kind: 'hop-by-hop', size: random.of([8, 24]) };
    case 1:
      return { kind: 'destination-options', size: random.of([8, 16]) };
    case 2:
      return { kind: 'routing', size: 8, segmentsLeft: random.below(3) };
    case 3:
      return { kind: 'fragment', offset: 0, more: false, id: random.word() };
    default:
      return { kind: 'authentication', spi: random.of([spi, 0xaaaa_aaaa]) };
  }
}

/** What is known beside the bytes: of test runs only those behind the stack can be told. */
function randomOrigin(
  random: Random,
  hook: Hook,
  senders: readonly string[],
): Pick<PacketRecipe, 'interface' | 'cgroup'> {
  if (hook !== 'home') return { interface: undefined, cgroup: undefined };
  return {
    interface: random.of([undefined, undefined, 'lo', 'lan7']),
    // The socket of a test run is of this process, wherever the packet came in.
    cgroup: random.of(senders),
  };
}

function randomPacket(random: Random, selector: Selector, senders: readonly string[]): PacketRecipe {
  const hook = random.of(HOOKS);
  const source = addressNear(random, selector.source, SOURCE_ROOTS);
  const spi = numberNear(random, selector.spi, LIMITS.spi);
  const near = selector.protocol && numberNear(random, selector.protocol, LIMITS.protocol);
  const whole: PacketRecipe = {
    hook,
    source:
      hook === 'ingress-l3'
        ? usableAddress(insideL3(source), '2001:db8:86dd::7')
        : usableAddress(source, '2001:db8:100::7'),
    destination: usableAddress(
      addressNear(random, selector.destination, DESTINATION_ROOTS),
      '2001:db8:200::7',
    ),
    dscp: numberNear(random, selector.dscp, LIMITS.dscp),
    ecn: random.below(3),
    flowLabel: numberNear(random, selector.flowLabel, LIMITS.flowLabel),
    headers: randomHeaders(random, spi),
    protocol: protocolNear(random, selector, near),
    sourcePort: numberNear(random, selector.sourcePort, LIMITS.port),
    destinationPort: numberNear(random, selector.destinationPort, LIMITS.port),
    spi,
    icmpType: numberNear(random, selector.icmpType, LIMITS.icmp),
    icmpCode: numberNear(random, selector.icmpCode, LIMITS.icmp),
    cut: undefined,
    mark: random.chance(0.2) ? 0 : markNear(random, selector.mark),
    ...randomOrigin(random, hook, senders),
  };
  if (!random.chance(0.05)) return whole;
  // A test run wants 54 bytes, of which an interface without a link header has none for one.
  const least = hook === 'ingress-l3' ? 54 : 40;
  const size = least + random.below(Math.max(1, wholeSize(whole) - least));
  return { ...whole, cut: { size, told: random.chance(0.6) } };
}
