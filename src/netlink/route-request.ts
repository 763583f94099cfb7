import { Address, Prefix } from '../net/index.js';
import { AF, RT_SCOPE, RT_TABLE, RTA, RTAX, RTM_F, RTNH_F, RTPROT } from './constants.js';
import type { Mode } from './mode.js';
import { encodeNextHops, ROUTE_TYPES, type RouteType, routeHeader } from './route.js';
import type { Writer } from './wire.js';

export interface NextHopSpec {
  gateway?: Address | string | undefined;
  ifindex?: number | undefined;
  /** 1..256, default 1 */
  weight?: number | undefined;
  onlink?: boolean | undefined;
}

export interface RouteSpec {
  destination: Prefix | string;
  /** Only for packets from here (source-specific routing). */
  source?: Prefix | string | undefined;
  gateway?: Address | string | undefined;
  ifindex?: number | undefined;
  /** The kernel takes 1024 for IPv6 when it is left out. */
  metric?: number | undefined;
  /** Default: main */
  table?: number | undefined;
  /** Default: unicast */
  type?: RouteType | undefined;
  prefsrc?: Address | string | undefined;
  mtu?: number | undefined;
  /** RTPROT_*, default STATIC */
  protocol?: number | undefined;
  /** RT_SCOPE_* */
  scope?: number | undefined;
  onlink?: boolean | undefined;
  nextHops?: readonly NextHopSpec[] | undefined;
  mode?: Mode | undefined;
}

export interface RouteQuery {
  destination: Address | string;
  source?: Address | string | undefined;
  iif?: number | undefined;
  oif?: number | undefined;
  mark?: number | undefined;
  /** Ask for the row of the table instead of the route made from it. */
  fibMatch?: boolean | undefined;
}

const optionalAddress = (value: Address | string | undefined): Address | undefined =>
  value === undefined ? undefined : Address.from(value);

const familyOf = (value: Address | Prefix): number => (value.family === 4 ? AF.INET : AF.INET6);

function writer(spec: RouteSpec, defaults: { protocol: number; scope: number; type: RouteType }): Writer {
  const destination = Prefix.from(spec.destination);
  const source = spec.source === undefined ? undefined : Prefix.from(spec.source);
  const table = spec.table ?? RT_TABLE.MAIN;
  return routeHeader({
    family: familyOf(destination),
    destinationLength: destination.length,
    sourceLength: source?.length ?? 0,
    table,
    protocol: spec.protocol ?? defaults.protocol,
    scope: spec.scope ?? defaults.scope,
    type: ROUTE_TYPES[spec.type ?? defaults.type],
    flags: spec.onlink ? RTNH_F.ONLINK : 0,
  })
    .attributeAddress(RTA.DST, destination.isDefault ? undefined : destination.address)
    .attributeAddress(RTA.SRC, source?.address)
    .attributeAddress(RTA.GATEWAY, optionalAddress(spec.gateway))
    .attributeU32(RTA.OIF, spec.ifindex)
    .attributeU32(RTA.PRIORITY, spec.metric)
    .attributeU32(RTA.TABLE, table)
    .attributeAddress(RTA.PREFSRC, optionalAddress(spec.prefsrc))
    .attribute(RTA.MULTIPATH, spec.nextHops === undefined ? undefined : nextHopBytes(spec.nextHops));
}

function nextHopBytes(nextHops: readonly NextHopSpec[]): Uint8Array {
  return encodeNextHops(
    nextHops.map((hop) => ({
      gateway: optionalAddress(hop.gateway),
      ifindex: hop.ifindex,
      weight: hop.weight ?? 1,
      flags: hop.onlink ? RTNH_F.ONLINK : 0,
    })),
  );
}

export function newRouteBody(spec: RouteSpec): Uint8Array {
  const { gateway, nextHops, type = 'unicast' } = spec;
  // IPv6 ignores the scope; IPv4 wants link scope for what is not reached through a gateway.
  const direct = type === 'unicast' && gateway === undefined && nextHops === undefined;
  const scope = type === 'local' ? RT_SCOPE.HOST : direct ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE;
  const body = writer(spec, { protocol: RTPROT.STATIC, scope, type: 'unicast' });
  if (spec.mtu !== undefined) body.nested(RTA.METRICS, (metrics) => metrics.attributeU32(RTAX.MTU, spec.mtu));
  return body.finish();
}

/** What the spec leaves out matches anything. */
export function deleteRouteBody(spec: RouteSpec): Uint8Array {
  return writer(spec, { protocol: RTPROT.UNSPEC, scope: RT_SCOPE.NOWHERE, type: 'unspec' }).finish();
}

export function getRouteBody(query: RouteQuery): Uint8Array {
  const destination = Address.from(query.destination);
  const source = optionalAddress(query.source);
  return routeHeader({
    family: familyOf(destination),
    destinationLength: destination.bits,
    sourceLength: source?.bits ?? 0,
    flags: query.fibMatch ? RTM_F.FIB_MATCH : 0,
  })
    .attributeAddress(RTA.DST, destination)
    .attributeAddress(RTA.SRC, source)
    .attributeU32(RTA.IIF, query.iif)
    .attributeU32(RTA.OIF, query.oif)
    .attributeU32(RTA.MARK, query.mark)
    .finish();
}

export function describeRoute(spec: RouteSpec): string {
  const words = [
    `route ${spec.type === undefined || spec.type === 'unicast' ? '' : `${spec.type} `}${spec.destination}`,
  ];
  if (spec.source !== undefined) words.push(`from ${spec.source}`);
  if (spec.gateway !== undefined) words.push(`via ${spec.gateway}`);
  if (spec.ifindex !== undefined) words.push(`dev ${spec.ifindex}`);
  if (spec.table !== undefined) words.push(`table ${spec.table}`);
  if (spec.metric !== undefined) words.push(`metric ${spec.metric}`);
  return words.join(' ');
}

export function describeQuery(query: RouteQuery): string {
  const words = [`route to ${query.destination}`];
  if (query.source !== undefined) words.push(`from ${query.source}`);
  if (query.oif !== undefined) words.push(`oif ${query.oif}`);
  if (query.mark !== undefined) words.push(`mark ${query.mark}`);
  return words.join(' ');
}
