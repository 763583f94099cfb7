import { Address, Prefix } from '../net/index.js';
import { AF, RTA, RTAX, RTM_F, RTN, RTNH_F } from './constants.js';
import { NetlinkDecodeError } from './errors.js';
import { nameOf } from './names.js';
import { Attributes, decodeAddress, Reader, Writer } from './wire.js';

export const ROUTE_TYPES = {
  unspec: RTN.UNSPEC,
  unicast: RTN.UNICAST,
  local: RTN.LOCAL,
  broadcast: RTN.BROADCAST,
  anycast: RTN.ANYCAST,
  multicast: RTN.MULTICAST,
  blackhole: RTN.BLACKHOLE,
  unreachable: RTN.UNREACHABLE,
  prohibit: RTN.PROHIBIT,
  throw: RTN.THROW,
  nat: 10,
  xresolve: 11,
} as const;
export type RouteType = keyof typeof ROUTE_TYPES;

/** One path of a multipath route. */
export interface NextHop {
  gateway: Address | undefined;
  ifindex: number;
  /** 1..256 */
  weight: number;
  /** RTNH_F_* */
  flags: number;
  dead: boolean;
  linkDown: boolean;
  onlink: boolean;
}

/** A route of any table. */
export interface Route {
  family: 4 | 6;
  table: number;
  type: RouteType;
  destination: Prefix;
  source: Prefix | undefined;
  gateway: Address | undefined;
  ifindex: number | undefined;
  metric: number;
  prefsrc: Address | undefined;
  /** RTPROT_* */
  protocol: number;
  /** RT_SCOPE_* */
  scope: number;
  tos: number;
  mtu: number | undefined;
  mtuLocked: boolean;
  /** The paths of a multipath route, empty for others. */
  nextHops: readonly NextHop[];
  /** RTNH_F_* and RTM_F_*, raw */
  flags: number;
  dead: boolean;
  linkDown: boolean;
  onlink: boolean;
  /** A cache entry or the answer to a lookup, not a row of the table. */
  cloned: boolean;
  nexthopId: number | undefined;
  encapType: number | undefined;
}

export interface RouteHeader {
  family: number;
  destinationLength?: number;
  sourceLength?: number;
  table?: number;
  protocol?: number;
  scope?: number;
  type?: number;
  flags?: number;
}

/** The header struct rtmsg; a table above 255 needs RTA_TABLE too. */
export function routeHeader(header: RouteHeader): Writer {
  const table = header.table ?? 0;
  return new Writer()
    .u8(header.family)
    .u8(header.destinationLength ?? 0)
    .u8(header.sourceLength ?? 0)
    .u8(0)
    .u8(table > 255 ? 0 : table)
    .u8(header.protocol ?? 0)
    .u8(header.scope ?? 0)
    .u8(header.type ?? 0)
    .u32(header.flags ?? 0);
}

/**
 * Decodes the body of RTM_NEWROUTE or RTM_DELROUTE; undefined for families other than IPv4 and IPv6.
 * @throws NetlinkDecodeError
 */
export function decodeRoute(body: Uint8Array): Route | undefined {
  const header = new Reader(body);
  const family = header.u8(0);
  const flags = header.u32(8);
  if (family !== AF.INET && family !== AF.INET6) return undefined;
  const attributes = new Attributes(body.subarray(12));
  const multipath = attributes.bytes(RTA.MULTIPATH);
  const metrics = attributes.nested(RTA.METRICS);
  return {
    family: family === AF.INET ? 4 : 6,
    table: attributes.u32(RTA.TABLE) ?? header.u8(4),
    type: nameOf(ROUTE_TYPES, header.u8(7), 'unspec'),
    destination: decodePrefix(family, attributes.address(RTA.DST), header.u8(1)),
    source: header.u8(2) === 0 ? undefined : decodePrefix(family, attributes.address(RTA.SRC), header.u8(2)),
    gateway: decodeGateway(attributes),
    ifindex: attributes.u32(RTA.OIF),
    metric: attributes.u32(RTA.PRIORITY) ?? 0,
    prefsrc: attributes.address(RTA.PREFSRC),
    protocol: header.u8(5),
    scope: header.u8(6),
    tos: header.u8(3),
    mtu: metrics?.u32(RTAX.MTU),
    mtuLocked: ((metrics?.u32(RTAX.LOCK) ?? 0) & (1 << RTAX.MTU)) !== 0,
    nextHops: multipath ? decodeNextHops(multipath) : [],
    ...decodeFlags(flags),
    cloned: (flags & RTM_F.CLONED) !== 0,
    nexthopId: attributes.u32(RTA.NH_ID),
    encapType: attributes.u8(RTA.ENCAP_TYPE),
  };
}

function decodeFlags(flags: number): Pick<NextHop, 'flags' | 'dead' | 'linkDown' | 'onlink'> {
  return {
    flags,
    dead: (flags & RTNH_F.DEAD) !== 0,
    linkDown: (flags & RTNH_F.LINKDOWN) !== 0,
    onlink: (flags & RTNH_F.ONLINK) !== 0,
  };
}

/** The prefix of an address attribute that is left out when it is zero. */
export function decodePrefix(family: number, address: Address | undefined, length: number): Prefix {
  const base = address ?? (family === AF.INET ? Address.fromBytes(new Uint8Array(4)) : Address.UNSPECIFIED);
  if (length > base.bits) throw new NetlinkDecodeError(`Prefix length ${length} of ${base}`);
  return Prefix.covering(base, length);
}

function decodeGateway(attributes: Attributes): Address | undefined {
  // RTA_VIA is a gateway of another family: struct rtvia has two bytes of family, then the address.
  const via = attributes.bytes(RTA.VIA);
  return attributes.address(RTA.GATEWAY) ?? (via && decodeAddress(via.subarray(2)));
}

function decodeNextHops(bytes: Uint8Array): NextHop[] {
  const reader = new Reader(bytes);
  const nextHops: NextHop[] = [];
  for (let offset = 0; offset + 8 <= bytes.length; ) {
    const length = reader.u16(offset);
    if (length < 8 || offset + length > bytes.length) {
      throw new NetlinkDecodeError(`Next hop of ${length} bytes at ${offset} in ${bytes.length} bytes`);
    }
    nextHops.push({
      gateway: decodeGateway(new Attributes(bytes.subarray(offset + 8, offset + length))),
      ifindex: reader.u32(offset + 4),
      weight: reader.u8(offset + 3) + 1,
      ...decodeFlags(reader.u8(offset + 2)),
    });
    offset += (length + 3) & ~3;
  }
  return nextHops;
}

/** RTA_MULTIPATH of next hops. */
export function encodeNextHops(
  nextHops: readonly {
    gateway: Address | undefined;
    ifindex: number | undefined;
    weight: number;
    flags: number;
  }[],
): Uint8Array {
  const writer = new Writer();
  for (const hop of nextHops) {
    const attributes = new Writer().attributeAddress(RTA.GATEWAY, hop.gateway).finish();
    writer
      .u16(8 + attributes.length)
      .u8(hop.flags)
      .u8(hop.weight - 1)
      .u32(hop.ifindex ?? 0)
      .bytes(attributes);
  }
  return writer.finish();
}

/** What one kernel route is found by: the slot that a replacement takes. */
export function routeSlot(route: Route): string {
  return `${route.table} ${route.destination} ${route.source ?? ''} ${route.tos} ${route.metric}`;
}

/** Slot and path: IPv6 allows several routes in one slot, for example one link-local prefix per interface. */
export function routeKey(route: Route): string {
  const path =
    route.nextHops.length > 0
      ? route.nextHops.map(pathOf).sort().join(',')
      : `${pathOf(route)} ${route.nexthopId ?? ''}`;
  return `${routeSlot(route)} ${route.type} ${path}`;
}

function pathOf(path: { gateway: Address | undefined; ifindex: number | undefined }): string {
  return `${path.gateway ?? ''}%${path.ifindex ?? ''}`;
}
