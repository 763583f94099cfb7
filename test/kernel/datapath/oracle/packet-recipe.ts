/** A packet of the oracle as plain data: how it is built, and what the specification sees of it. */
import type { Address } from '../../../../src/net/index.js';
import type { Packet as OraclePacket } from '../../../../src/policy/index.js';
import { ipv6, Next, type Packet } from '../../../support/packet.js';

/** Where a packet meets the programs: at an interface with a link header, with XDP in front too, or without one, or
 * behind the stack. */
export type Hook = 'ingress' | 'xdp' | 'ingress-l3' | 'home';

/** A header between the fixed one and what the packet carries. */
export type ExtensionHeader =
  | { readonly kind: 'hop-by-hop' | 'destination-options'; readonly size: number }
  | { readonly kind: 'routing'; readonly size: number; readonly segmentsLeft: number }
  | { readonly kind: 'authentication'; readonly spi: number }
  /** Offset in units of 8 bytes; no other header stands behind one whose offset is not 0. */
  | { readonly kind: 'fragment'; readonly offset: number; readonly more: boolean; readonly id: number };

/** Fields that the packet's protocol does not have are not written. */
export interface PacketRecipe {
  readonly hook: Hook;
  readonly source: Address;
  readonly destination: Address;
  readonly dscp: number;
  readonly ecn: number;
  readonly flowLabel: number;
  readonly headers: readonly ExtensionHeader[];
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly spi: number;
  readonly icmpType: number;
  readonly icmpCode: number;
  /** Bytes of the IPv6 packet that are there, at least 40; `told`: its length field says so. */
  readonly cut: { readonly size: number; readonly told: boolean } | undefined;
  readonly mark: number;
  /** Name of the interface it came in by, behind the stack; `undefined` for local traffic. */
  readonly interface: string | undefined;
  /** Of the process that sends, behind the stack. */
  readonly cgroup: string | undefined;
}

/** A test run has this interface where it is given none. */
export const TEST_RUN_INTERFACE = 'lo';
/** RFC 8200 sets no limit; packets with more are dropped. */
const MOST_HEADERS = 8;
const FIXED_HEADER = 40;
const PAYLOAD = 16;
const PORTS = 4;
const WITH_PORTS: readonly number[] = [Next.UDP, Next.TCP, Next.SCTP, Next.DCCP, Next.UDPLITE];

const isLater = (header: ExtensionHeader | undefined): boolean =>
  header?.kind === 'fragment' && header.offset > 0;

function withHeader(packet: Packet, header: ExtensionHeader, protocol: number): Packet {
  switch (header.kind) {
    case 'hop-by-hop':
      return packet.hopByHop(header);
    case 'destination-options':
      return packet.destinationOptions(header);
    case 'routing':
      return packet.routing(header);
    case 'authentication':
      return packet.authentication(header);
    case 'fragment':
      return packet.fragment(header.offset > 0 ? { ...header, nextHeader: protocol } : header);
  }
}

function withUpper(packet: Packet, recipe: PacketRecipe): Packet {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode, spi } = recipe;
  switch (protocol) {
    case Next.UDP:
      return packet.udp(recipe);
    case Next.TCP:
      return packet.tcp(recipe);
    case Next.ICMPV6:
      return packet.icmpv6({ type: icmpType, code: icmpCode });
    case Next.ESP:
      return packet.esp({ spi });
    case Next.NONE:
      return packet;
    default:
      // In front of other protocols stand bytes that would be ports.
      return packet.ports(protocol, { sourcePort, destinationPort });
  }
}

/** The bytes that a hook is given. */
export function bytesOf(recipe: PacketRecipe): Uint8Array {
  const { headers, cut, protocol, sourcePort, destinationPort } = recipe;
  const fixed = (payloadLength?: number): Packet =>
    ipv6({
      source: recipe.source.toString(),
      destination: recipe.destination.toString(),
      trafficClass: (recipe.dscp << 2) | recipe.ecn,
      flowLabel: recipe.flowLabel,
      ...(payloadLength === undefined ? {} : { payloadLength }),
    });
  const start = fixed(cut?.told ? cut.size - FIXED_HEADER : undefined);
  const front = headers.reduce((packet, header) => withHeader(packet, header, protocol), start);
  const packet = isLater(headers.at(-1))
    ? // What would be the ports that a policy wants, if it were read.
      front.raw(Uint8Array.of(sourcePort >> 8, sourcePort, destinationPort >> 8, destinationPort))
    : withUpper(front, recipe);
  const link = recipe.hook === 'ingress-l3' ? 0 : 14;
  const whole = packet.payload(PAYLOAD);
  const bytes = (link > 0 ? whole.onEthernet() : whole).bytes();
  return cut === undefined ? bytes : bytes.subarray(0, link + cut.size);
}

/** Bytes of the IPv6 packet when nothing is cut off. */
export function wholeSize(recipe: PacketRecipe): number {
  return bytesOf({ ...recipe, hook: 'ingress-l3', cut: undefined }).length;
}

function sizeOf(header: ExtensionHeader): number {
  if (header.kind === 'fragment') return 8;
  return header.kind === 'authentication' ? 24 : header.size;
}

/** Bytes of the upper header that a classifier asks for. */
function upperBytes(protocol: number, spiKnown: boolean): number {
  if (WITH_PORTS.includes(protocol)) return PORTS;
  if (protocol === Next.ICMPV6) return 2;
  return protocol === Next.ESP && !spiKnown ? 4 : 0;
}

/** The packet that a fragment is a piece of; `undefined` for a whole one. */
export function pieceOf({
  source,
  destination,
  headers,
}: PacketRecipe): { readonly packet: string; readonly first: boolean } | undefined {
  const last = headers.at(-1);
  if (last?.kind !== 'fragment' || (last.offset === 0 && !last.more)) return undefined;
  return { packet: `${source} ${destination} ${last.id}`, first: last.offset === 0 };
}

/**
 * What a classifier sees of the packet, for which a later fragment needs to know the first one of its packet; it has
 * the same fields then. `undefined` when it is not a whole one: shorter than it says, or than its
 * headers, or with more extension headers than are followed.
 */
export function seenOf(recipe: PacketRecipe, firstIsKnown: boolean): OraclePacket | undefined {
  const { headers, protocol, cut } = recipe;
  if (cut !== undefined && !cut.told) return undefined;
  const end = cut?.size ?? Number.POSITIVE_INFINITY;
  if (headers.length > MOST_HEADERS) return undefined;
  let at = FIXED_HEADER;
  let spi: number | undefined;
  for (const header of headers) {
    at += sizeOf(header);
    if (at > end) return undefined;
    if (header.kind === 'authentication') spi ??= header.spi;
  }
  const hasUpper = !isLater(headers.at(-1));
  if (hasUpper && at + upperBytes(protocol, spi !== undefined) > end) return undefined;
  const upperIsKnown = hasUpper || firstIsKnown;
  const hasPorts = upperIsKnown && WITH_PORTS.includes(protocol);
  const hasType = upperIsKnown && protocol === Next.ICMPV6;
  if (upperIsKnown && protocol === Next.ESP) spi ??= recipe.spi;
  return {
    source: recipe.source,
    destination: recipe.destination,
    protocol,
    sourcePort: hasPorts ? recipe.sourcePort : undefined,
    destinationPort: hasPorts ? recipe.destinationPort : undefined,
    dscp: recipe.dscp,
    flowLabel: recipe.flowLabel,
    spi,
    icmpType: hasType ? recipe.icmpType : undefined,
    icmpCode: hasType ? recipe.icmpCode : undefined,
    interface: recipe.hook === 'home' ? recipe.interface : TEST_RUN_INTERFACE,
    cgroup: recipe.hook === 'home' ? recipe.cgroup : undefined,
    mark: recipe.mark,
  };
}
