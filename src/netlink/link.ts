import type { MacAddress } from '../net/index.js';
import { AF, IFF, IFLA, IFLA_INET6_ADDR_GEN_MODE, IFLA_INFO, RTEXT_FILTER_SKIP_STATS } from './constants.js';
import { NetlinkDecodeError } from './errors.js';
import { nameOf } from './names.js';
import { decodeTunnel, type Tunnel } from './tunnel.js';
import { Attributes, decodeString, Reader, Writer } from './wire.js';

const OPER_STATES = {
  unknown: 0,
  notPresent: 1,
  down: 2,
  lowerLayerDown: 3,
  testing: 4,
  dormant: 5,
  up: 6,
} as const;
/** RFC 2863 operational state. */
export type OperState = keyof typeof OPER_STATES;

export const ADDR_GEN_MODES = { eui64: 0, none: 1, stablePrivacy: 2, random: 3 } as const;
/** How the kernel makes a link-local address. */
export type AddrGenMode = keyof typeof ADDR_GEN_MODES;

/** A network interface. */
export interface Link {
  ifindex: number;
  name: string;
  altNames: readonly string[];
  /** Free text of whoever made it. */
  alias: string | undefined;
  /** The driver's kind (`veth`, `vxlan`, ...); undefined for hardware and loopback. */
  kind: string | undefined;
  /** ARPHRD_* */
  type: number;
  /** IFF_*, raw */
  flags: number;
  up: boolean;
  running: boolean;
  lowerUp: boolean;
  noArp: boolean;
  loopback: boolean;
  pointToPoint: boolean;
  carrier: boolean | undefined;
  operState: OperState;
  mtu: number;
  /** Undefined when the link-layer address is not one of six bytes. */
  mac: MacAddress | undefined;
  master: number | undefined;
  /** The peer of a veth, the lower device of others. */
  link: number | undefined;
  /** The namespace id in which `link` is, when it is another one. */
  linkNetnsId: number | undefined;
  addrGenMode: AddrGenMode | undefined;
  /** Of a tunnel device of a kind that is known here; undefined for WireGuard, which `Wireguard` tells of. */
  tunnel: Tunnel | undefined;
}

/** The header struct ifinfomsg. */
export function linkHeader(ifindex = 0, flags = 0, change = 0): Writer {
  return new Writer()
    .u8(AF.UNSPEC)
    .u8(0)
    .u16(0)
    .u32(ifindex)
    .u32(flags >>> 0)
    .u32(change >>> 0);
}

export function linkDumpBody(): Uint8Array {
  return linkHeader().attributeU32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS).finish();
}

/**
 * Decodes the body of RTM_NEWLINK or RTM_DELLINK. Undefined for messages that are not about a whole link: bridge
 * ports and wireless events come in the same group with the same type.
 * @throws NetlinkDecodeError
 */
export function decodeLink(body: Uint8Array): Link | undefined {
  const header = new Reader(body);
  const type = header.u16(2);
  const ifindex = header.i32(4);
  const flags = header.u32(8);
  const attributes = new Attributes(body.subarray(16));
  const mtu = attributes.u32(IFLA.MTU);
  if (header.u8(0) !== AF.UNSPEC || mtu === undefined) return undefined;
  const name = attributes.string(IFLA.IFNAME);
  if (name === undefined) throw new NetlinkDecodeError(`Link ${ifindex} without a name`);
  const carrier = attributes.u8(IFLA.CARRIER);
  const info = attributes.nested(IFLA.LINKINFO);
  const kind = info?.string(IFLA_INFO.KIND);
  const genMode = attributes.nested(IFLA.AF_SPEC)?.nested(AF.INET6)?.u8(IFLA_INET6_ADDR_GEN_MODE);
  return {
    ifindex,
    name,
    alias: attributes.string(IFLA.IFALIAS),
    altNames: attributes.nested(IFLA.PROP_LIST)?.all(IFLA.ALT_IFNAME).map(decodeString) ?? [],
    kind,
    type,
    flags,
    up: (flags & IFF.UP) !== 0,
    running: (flags & IFF.RUNNING) !== 0,
    lowerUp: (flags & IFF.LOWER_UP) !== 0,
    noArp: (flags & IFF.NOARP) !== 0,
    loopback: (flags & IFF.LOOPBACK) !== 0,
    pointToPoint: (flags & IFF.POINTOPOINT) !== 0,
    carrier: carrier === undefined ? undefined : carrier !== 0,
    operState: nameOf(OPER_STATES, attributes.u8(IFLA.OPERSTATE) ?? 0, 'unknown'),
    mtu,
    mac: attributes.mac(IFLA.ADDRESS),
    master: attributes.u32(IFLA.MASTER),
    link: attributes.u32(IFLA.LINK) || undefined,
    linkNetnsId: attributes.i32(IFLA.LINK_NETNSID),
    addrGenMode: genMode === undefined ? undefined : nameOf(ADDR_GEN_MODES, genMode, 'eui64'),
    tunnel: decodeTunnel(kind, info?.nested(IFLA_INFO.DATA)),
  };
}

/** Counters of an interface since it was made; numbers are exact up to 2^53. */
export interface LinkStats {
  rxPackets: number;
  txPackets: number;
  rxBytes: number;
  txBytes: number;
  rxErrors: number;
  txErrors: number;
  rxDropped: number;
  txDropped: number;
}

/** In the order of struct rtnl_link_stats64. */
const STATS = [
  'rxPackets',
  'txPackets',
  'rxBytes',
  'txBytes',
  'rxErrors',
  'txErrors',
  'rxDropped',
  'txDropped',
] as const;

/**
 * Decodes the counters in the body of RTM_NEWLINK; undefined where they were left out.
 * @throws NetlinkDecodeError
 */
export function decodeLinkStats(body: Uint8Array): LinkStats | undefined {
  const bytes = new Attributes(body.subarray(16)).bytes(IFLA.STATS64);
  if (bytes === undefined) return undefined;
  const reader = new Reader(bytes);
  const entries = STATS.map((name, position) => [name, reader.u64(position * 8)]);
  return Object.fromEntries(entries) as unknown as LinkStats;
}

export function linkKey(link: Link): string {
  return String(link.ifindex);
}
