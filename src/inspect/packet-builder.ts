/** A packet from the fields that somebody asks about. */
import type { Address } from '../net/index.js';
import { PROTOCOLS_WITH_PORTS } from '../policy/index.js';
import { InspectError } from './inspect-error.js';
import { IPV6_HEADER, Next } from './ipv6.js';

/** What a packet is to be; what is left out is not there, or 0. */
export interface PacketFields {
  readonly source: Address;
  readonly destination: Address;
  /** Upper-layer protocol. */
  readonly protocol: number;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
  readonly dscp?: number | undefined;
  readonly flowLabel?: number | undefined;
  /** Of ESP, or of an authentication header in front of any other protocol. */
  readonly spi?: number | undefined;
  readonly icmpType?: number | undefined;
  readonly icmpCode?: number | undefined;
  /** 64 when left out. */
  readonly hopLimit?: number | undefined;
  /** Bytes of the whole IPv6 packet; 128, or as many as its headers need, when left out. */
  readonly length?: number | undefined;
  readonly fragment?: 'first' | 'later' | undefined;
}

const DEFAULT_LENGTH = 128;
const MOST_LENGTH = IPV6_HEADER + 0xffff;
/** Bytes of the header of a protocol; others have none that anybody asks for. */
const UPPER_HEADER: ReadonlyMap<number, number> = new Map([
  [Next.TCP, 20],
  [Next.UDP, 8],
  [Next.DCCP, 16],
  [Next.ESP, 8],
  [Next.ICMPV6, 8],
  [Next.SCTP, 12],
  [Next.UDPLITE, 8],
]);
const AH_LENGTH = 24;
const FRAGMENT_LENGTH = 8;
/** Where a later fragment begins, in units of eight bytes. */
const LATER_OFFSET = 180;

/**
 * An IPv6 packet without a link header. Checksums are 0: nothing that is asked looks at them.
 * @throws InspectError PACKET_INVALID
 */
export function buildPacket(fields: PacketFields): Uint8Array {
  refuseContradictions(fields);
  const headers = [...extensionHeaders(fields), { next: fields.protocol, bytes: upperHeader(fields) }];
  const needed = headers.reduce((sum, { bytes }) => sum + bytes.length, IPV6_HEADER);
  const length = fields.length ?? Math.max(DEFAULT_LENGTH, needed);
  if (length < needed || length > MOST_LENGTH) {
    throw invalid(
      `a packet of ${length} bytes`,
      `its headers take ${needed} bytes and the longest has ${MOST_LENGTH}`,
    );
  }
  const packet = Buffer.alloc(length);
  const first = 0x6000_0000 + (fields.dscp ?? 0) * 2 ** 22 + (fields.flowLabel ?? 0);
  packet.writeUInt32BE(first, 0);
  packet.writeUInt16BE(length - IPV6_HEADER, 4);
  packet.writeUInt8(headers[0]?.next ?? fields.protocol, 6);
  packet.writeUInt8(fields.hopLimit ?? 64, 7);
  fields.source.copyTo(packet, 8);
  fields.destination.copyTo(packet, 24);
  let at = IPV6_HEADER;
  for (const [index, { bytes }] of headers.entries()) {
    packet.set(bytes, at);
    const following = headers[index + 1];
    if (following) packet.writeUInt8(following.next, at);
    at += bytes.length;
  }
  return packet;
}

/** Each with the number by which the header before it names it; its own first byte is written by the caller. */
function extensionHeaders({ fragment, protocol, spi }: PacketFields): { next: number; bytes: Uint8Array }[] {
  const headers: { next: number; bytes: Uint8Array }[] = [];
  if (fragment !== undefined) {
    const bytes = Buffer.alloc(FRAGMENT_LENGTH);
    bytes.writeUInt16BE(fragment === 'first' ? 1 : LATER_OFFSET << 3, 2);
    bytes.writeUInt32BE(1, 4);
    headers.push({ next: Next.FRAGMENT, bytes });
  }
  if (spi !== undefined && protocol !== Next.ESP) {
    const bytes = Buffer.alloc(AH_LENGTH);
    bytes.writeUInt8(AH_LENGTH / 4 - 2, 1);
    bytes.writeUInt32BE(spi, 4);
    headers.push({ next: Next.AH, bytes });
  }
  return headers;
}

function upperHeader(fields: PacketFields): Uint8Array {
  // Behind a later fragment's header there is only data.
  if (fields.fragment === 'later') return new Uint8Array();
  const { protocol } = fields;
  const bytes = Buffer.alloc(UPPER_HEADER.get(protocol) ?? 0);
  if (PROTOCOLS_WITH_PORTS.includes(protocol)) {
    bytes.writeUInt16BE(fields.sourcePort ?? 0, 0);
    bytes.writeUInt16BE(fields.destinationPort ?? 0, 2);
  }
  if (protocol === Next.TCP) bytes.writeUInt8(5 << 4, 12);
  if (protocol === Next.ESP) bytes.writeUInt32BE(fields.spi ?? 0, 0);
  if (protocol === Next.ICMPV6) {
    bytes.writeUInt8(fields.icmpType ?? 0, 0);
    bytes.writeUInt8(fields.icmpCode ?? 0, 1);
  }
  return bytes;
}

function refuseContradictions(fields: PacketFields): void {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode, spi, fragment } = fields;
  const hasPorts = sourcePort !== undefined || destinationPort !== undefined;
  const hasIcmp = icmpType !== undefined || icmpCode !== undefined;
  if (hasPorts && !PROTOCOLS_WITH_PORTS.includes(protocol)) {
    throw invalid(`protocol ${protocol} with ports`, 'TCP, UDP, DCCP, SCTP and UDP-Lite have ports');
  }
  if (hasIcmp && protocol !== Next.ICMPV6) {
    throw invalid(`protocol ${protocol} with an ICMPv6 type`, 'give the protocol icmpv6');
  }
  if (fragment === 'later' && (hasPorts || hasIcmp || spi !== undefined)) {
    throw invalid(
      'a later fragment with ports, ICMPv6 fields or an SPI',
      'only the first fragment has them: leave them out',
    );
  }
  if (protocol === Next.ESP && spi === undefined && fragment !== 'later') {
    throw invalid('ESP without an SPI', 'every ESP packet has one: give it');
  }
  if (protocol === Next.ICMPV6 && icmpType === undefined && fragment !== 'later') {
    throw invalid('ICMPv6 without a type', 'every message has one: give it');
  }
}

function invalid(what: string, hint: string): InspectError {
  return new InspectError('PACKET_INVALID', `there is no such packet: ${what}`, hint);
}
