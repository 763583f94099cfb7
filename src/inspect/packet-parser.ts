/**
 * What a packet is, read from the specifications (RFC 8200, 4302, 4303, 4443) and not from the kernel programs,
 * with which it is compared.
 */
import { Address } from '../net/index.js';
import { ICMPV6, type Packet, PROTOCOLS_WITH_PORTS } from '../policy/index.js';
import { IPV6_HEADER, Next } from './ipv6.js';

/** Fields of a packet that its own bytes tell. */
export type PacketHeaders = Omit<Packet, 'interface' | 'cgroup' | 'mark'>;

/** An IPv6 packet taken apart. */
export interface ParsedPacket {
  readonly headers: PacketHeaders;
  /** Bytes of the whole packet as its header says. */
  readonly length: number;
  readonly trafficClass: number;
  readonly hopLimit: number;
  readonly fragment: 'first' | 'later' | undefined;
  /** Offset of the upper-layer header. */
  readonly upper: number;
  /** Why what follows the fixed header cannot be read; `headers` has only the fixed one then. */
  readonly problem: string | undefined;
}

/** The most extension headers that are followed. */
const MOST_HEADERS = 8;
const EXTENSIONS: readonly number[] = [
  Next.HOP_BY_HOP,
  Next.ROUTING,
  Next.FRAGMENT,
  Next.AH,
  Next.DESTINATION_OPTIONS,
];

/** Takes a packet apart that starts with its IPv6 header; a text says why it is none. */
export function parsePacket(bytes: Uint8Array): ParsedPacket | string {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.length < IPV6_HEADER) return `${all.length} bytes are shorter than an IPv6 header`;
  const version = all.readUInt8(0) >> 4;
  if (version !== 6) return `IP version ${version} is not IPv6`;
  const length = IPV6_HEADER + all.readUInt16BE(4);
  const data = all.subarray(0, length);
  const chain = followChain(data);
  const upper = chain.problem !== undefined || chain.fragment === 'later' ? NOTHING : readUpper(data, chain);
  const first = data.readUInt32BE(0);
  const { problem, ...fields } = upper;
  const isShort = length > all.length;
  return {
    headers: {
      source: Address.fromBytes(data.subarray(8, 24)),
      destination: Address.fromBytes(data.subarray(24, 40)),
      protocol: chain.protocol,
      dscp: (first >>> 22) & 0x3f,
      flowLabel: first & 0xf_ffff,
      ...fields,
      spi: chain.spi ?? fields.spi,
    },
    length,
    trafficClass: (first >>> 20) & 0xff,
    hopLimit: data.readUInt8(7),
    fragment: chain.fragment,
    upper: chain.at,
    problem: isShort
      ? `its header says ${length} bytes, but there are ${all.length}`
      : (chain.problem ?? problem),
  };
}

interface Chain {
  protocol: number;
  at: number;
  spi: number | undefined;
  fragment: 'first' | 'later' | undefined;
  problem: string | undefined;
}

function followChain(data: Buffer): Chain {
  const chain: Chain = {
    protocol: data.readUInt8(6),
    at: IPV6_HEADER,
    spi: undefined,
    fragment: undefined,
    problem: undefined,
  };
  const broken = (problem: string): Chain => ({ ...chain, problem });
  for (let count = 0; EXTENSIONS.includes(chain.protocol); count++) {
    const { at, protocol } = chain;
    if (count === MOST_HEADERS) return broken(`there are more than ${MOST_HEADERS} extension headers`);
    if (at + 8 > data.length) return broken('it ends within its extension headers');
    chain.protocol = data.readUInt8(at);
    chain.at += headerLength(protocol, data.readUInt8(at + 1));
    if (chain.at > data.length) return broken('it ends within its extension headers');
    if (protocol === Next.AH) chain.spi ??= data.readUInt32BE(at + 4);
    if (protocol === Next.FRAGMENT) {
      const word = data.readUInt16BE(at + 2);
      if (word & 0xfff8) return { ...chain, fragment: 'later' };
      if (word & 1) chain.fragment = 'first';
    }
  }
  return chain;
}

function headerLength(protocol: number, length: number): number {
  if (protocol === Next.FRAGMENT) return 8;
  return protocol === Next.AH ? (length + 2) * 4 : (length + 1) * 8;
}

type Upper = Pick<PacketHeaders, 'sourcePort' | 'destinationPort' | 'spi' | 'icmpType' | 'icmpCode'>;

const NOTHING: Upper & { problem?: string } = {
  sourcePort: undefined,
  destinationPort: undefined,
  spi: undefined,
  icmpType: undefined,
  icmpCode: undefined,
};

function readUpper(data: Buffer, { protocol, at }: Chain): Upper & { problem?: string } {
  const short = { ...NOTHING, problem: 'it ends within its upper-layer header' };
  if (PROTOCOLS_WITH_PORTS.includes(protocol)) {
    if (at + 4 > data.length) return short;
    return { ...NOTHING, sourcePort: data.readUInt16BE(at), destinationPort: data.readUInt16BE(at + 2) };
  }
  if (protocol === ICMPV6) {
    if (at + 2 > data.length) return short;
    return { ...NOTHING, icmpType: data.readUInt8(at), icmpCode: data.readUInt8(at + 1) };
  }
  if (protocol === Next.ESP) {
    if (at + 4 > data.length) return short;
    return { ...NOTHING, spi: data.readUInt32BE(at) };
  }
  return NOTHING;
}
