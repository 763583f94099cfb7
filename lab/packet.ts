// Packets as the lab sees them on a link, and the few it builds itself.
import { Address } from '../src/net/index.js';

export const Protocol = { TCP: 6, UDP: 17, IPV6: 41, ESP: 50, ICMPV6: 58 } as const;

/** Port of VXLAN (RFC 7348). */
const VXLAN_PORT = 4789;

/** The fields of an IPv6 header; addresses as canonical text. */
export interface Ipv6Header {
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  readonly flowLabel: number;
  readonly trafficClass: number;
  readonly payloadLength: number;
}

/** The innermost header above IPv6; which fields are there depends on the protocol. */
interface Transport {
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** TCP sequence number. */
  readonly sequence?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** MTU of a Packet Too Big. */
  readonly icmpMtu?: number;
  /** Security Parameters Index of ESP; what is behind it is encrypted. */
  readonly spi?: number;
  /** A fragment that is not the first has no transport header. */
  readonly fragmentOffset?: number;
}

/** How the outer packet carries the inner one. */
type Tunnel = { readonly kind: 'ipv6' } | { readonly kind: 'vxlan'; readonly vni: number };

export interface ParsedPacket {
  readonly ethernet: { readonly source: string; readonly destination: string; readonly etherType: number };
  /** The first IPv6 header. */
  readonly outer: Ipv6Header;
  /** The IPv6 header inside a tunnel, if there is one. */
  readonly inner?: Ipv6Header;
  readonly tunnel?: Tunnel;
  readonly transport?: Transport;
  /** What follows the transport header, as far as it was captured. */
  readonly payload: Uint8Array;
}

/** The header that end hosts see: inner if tunnelled, else the only one. */
export function innermost(packet: ParsedPacket): Ipv6Header {
  return packet.inner ?? packet.outer;
}

const ETHERNET_HEADER = 14;
const IPV6_HEADER = 40;
const ETHERTYPE_IPV6 = 0x86dd;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;
/** Tunnels inside tunnels that are followed. */
const NESTING = 1;

function formatMac(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

interface Layers {
  header: Ipv6Header;
  inner?: Ipv6Header;
  tunnel?: Tunnel;
  transport?: Transport;
  payload: Uint8Array;
}

/** Takes an Ethernet frame apart; undefined when it is not IPv6 or is cut within its IPv6 header. */
export function parseFrame(bytes: Uint8Array): ParsedPacket | undefined {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (frame.length < ETHERNET_HEADER) return undefined;
  const etherType = frame.readUInt16BE(12);
  if (etherType !== ETHERTYPE_IPV6) return undefined;
  const layers = parseIpv6(frame.subarray(ETHERNET_HEADER), NESTING);
  if (layers === undefined) return undefined;
  const { header, ...rest } = layers;
  return {
    ethernet: {
      destination: formatMac(frame.subarray(0, 6)),
      source: formatMac(frame.subarray(6, 12)),
      etherType,
    },
    outer: header,
    ...rest,
  };
}

function parseIpv6(data: Buffer, nesting: number): Layers | undefined {
  if (data.length < IPV6_HEADER || data.readUInt8(0) >> 4 !== 6) return undefined;
  const first = data.readUInt32BE(0);
  const header: Ipv6Header = {
    source: Address.fromBytes(data.subarray(8, 24)).toString(),
    destination: Address.fromBytes(data.subarray(24, 40)).toString(),
    hopLimit: data.readUInt8(7),
    flowLabel: first & 0xfffff,
    trafficClass: (first >>> 20) & 0xff,
    payloadLength: data.readUInt16BE(4),
  };
  let protocol = data.readUInt8(6);
  let at = IPV6_HEADER;
  let fragmentOffset = 0;
  while ([HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS].includes(protocol)) {
    if (data.length < at + 8) return { header, payload: new Uint8Array() };
    const next = data.readUInt8(at);
    if (protocol === FRAGMENT) {
      fragmentOffset = data.readUInt16BE(at + 2) & 0xfff8;
      at += 8;
    } else {
      at += (data.readUInt8(at + 1) + 1) * 8;
    }
    protocol = next;
  }
  const rest = data.subarray(Math.min(at, data.length));
  if (fragmentOffset > 0) return { header, transport: { protocol, fragmentOffset }, payload: rest };
  if (nesting > 0) {
    const tunnelled = parseTunnel(protocol, rest, nesting);
    if (tunnelled !== undefined) {
      const { header: inner, ...layers } = tunnelled.layers;
      return { ...layers, header, inner, tunnel: tunnelled.tunnel };
    }
  }
  return { header, ...parseTransport(protocol, rest) };
}

function parseTunnel(
  protocol: number,
  data: Buffer,
  nesting: number,
): { layers: Layers; tunnel: Tunnel } | undefined {
  if (protocol === Protocol.IPV6) {
    const layers = parseIpv6(data, nesting - 1);
    return layers === undefined ? undefined : { layers, tunnel: { kind: 'ipv6' } };
  }
  const vxlan = 16; // UDP and VXLAN headers
  if (
    protocol !== Protocol.UDP ||
    data.length < vxlan + ETHERNET_HEADER ||
    data.readUInt16BE(2) !== VXLAN_PORT
  ) {
    return undefined;
  }
  if (data.readUInt16BE(vxlan + 12) !== ETHERTYPE_IPV6) return undefined;
  const layers = parseIpv6(data.subarray(vxlan + ETHERNET_HEADER), nesting - 1);
  return layers === undefined
    ? undefined
    : { layers, tunnel: { kind: 'vxlan', vni: data.readUIntBE(12, 3) } };
}

function parseTransport(protocol: number, data: Buffer): { transport: Transport; payload: Uint8Array } {
  if (protocol === Protocol.UDP && data.length >= 8) {
    return {
      transport: { protocol, sourcePort: data.readUInt16BE(0), destinationPort: data.readUInt16BE(2) },
      payload: data.subarray(8),
    };
  }
  if (protocol === Protocol.TCP && data.length >= 20) {
    return {
      transport: {
        protocol,
        sourcePort: data.readUInt16BE(0),
        destinationPort: data.readUInt16BE(2),
        sequence: data.readUInt32BE(4),
      },
      payload: data.subarray(Math.min((data.readUInt8(12) >> 4) * 4, data.length)),
    };
  }
  if (protocol === Protocol.ICMPV6 && data.length >= 8) {
    const icmpType = data.readUInt8(0);
    const tooBig = icmpType === 2 ? { icmpMtu: data.readUInt32BE(4) } : {};
    return {
      transport: { protocol, icmpType, icmpCode: data.readUInt8(1), ...tooBig },
      payload: data.subarray(8),
    };
  }
  if (protocol === Protocol.ESP && data.length >= 8) {
    return { transport: { protocol, spi: data.readUInt32BE(0) }, payload: data.subarray(8) };
  }
  return { transport: { protocol }, payload: data };
}

export interface UdpPacket {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
  /** 64 when left out. */
  readonly hopLimit?: number;
}

/** An IPv6 packet with a UDP datagram, checksum included, without a link header. */
export function buildUdp(packet: UdpPacket): Uint8Array {
  const length = 8 + packet.payload.length;
  const bytes = Buffer.alloc(IPV6_HEADER + length);
  bytes.writeUInt32BE(0x60000000, 0);
  bytes.writeUInt16BE(length, 4);
  bytes.writeUInt8(Protocol.UDP, 6);
  bytes.writeUInt8(packet.hopLimit ?? 64, 7);
  bytes.set(Address.parse(packet.source).toBytes(), 8);
  bytes.set(Address.parse(packet.destination).toBytes(), 24);
  bytes.writeUInt16BE(packet.sourcePort, 40);
  bytes.writeUInt16BE(packet.destinationPort, 42);
  bytes.writeUInt16BE(length, 44);
  bytes.set(packet.payload, 48);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(length, 0);
  pseudo.writeUInt8(Protocol.UDP, 7);
  const sum = checksum(Buffer.concat([bytes.subarray(8, 40), pseudo, bytes.subarray(40)]));
  bytes.writeUInt16BE(sum === 0 ? 0xffff : sum, 46);
  return bytes;
}

/** The Internet checksum (RFC 1071). */
function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
