export type { AddressId, AddressSpec } from './address-request.js';
export * from './constants.js';
export { turnOffFeatures } from './device-features.js';
export { errnoName, NetlinkDecodeError, NetlinkError, type NetlinkErrorCode } from './errors.js';
export { offersEsp } from './esp.js';
export type { Filter } from './filter.js';
export { type InterfaceAddress, interfaceAddressKey } from './interface-address.js';
export { type AddrGenMode, type Link, type LinkStats, linkKey, type OperState } from './link.js';
export type { MetadataKind } from './link-kind.js';
export type { LinkChange, LinkOptions, VethOptions, VxlanOptions } from './link-request.js';
export type { Mode } from './mode.js';
export {
  type NetlinkEvent,
  NetlinkMonitor,
  type NetlinkMonitorOptions,
  type NetlinkSnapshot,
  type ObjectEvent,
} from './monitor.js';
export { type Neighbour, type NeighbourState, neighbourKey } from './neighbour.js';
export type { NeighbourId, NeighbourSpec } from './neighbour-request.js';
export { type AddressFilter, type NeighbourFilter, Netlink, type RouteFilter } from './netlink.js';
export type { Change, ObjectChange } from './object-table.js';
export type { Qdisc } from './qdisc.js';
export type { Request } from './request-socket.js';
export { type NextHop, type Route, type RouteType, routeKey } from './route.js';
export type { NextHopSpec, RouteQuery, RouteSpec } from './route-request.js';
export { type Rule, type RuleAction, ruleKey } from './rule.js';
export type { RuleSpec } from './rule-request.js';
export { RulesetMonitor } from './ruleset-monitor.js';
export type {
  Ip6Gre,
  Ip6Tunnel,
  Ip6TunnelProtocol,
  OuterHeader,
  Tunnel,
  Vxlan,
  XfrmInterface,
} from './tunnel.js';
export type {
  Ip6GreOptions,
  Ip6TunnelOptions,
  OuterHeaderOptions,
  TunnelChange,
  XfrmInterfaceOptions,
} from './tunnel-request.js';
export type { Message } from './wire.js';
export { Wireguard } from './wireguard.js';
export type { WireguardDevice, WireguardEndpoint, WireguardPeer } from './wireguard-device.js';
export { wireguardPublicKey } from './wireguard-key.js';
export type { WireguardChange, WireguardEndpointSpec, WireguardPeerChange } from './wireguard-request.js';
export { XdpFeatureReader, type XdpFeatures } from './xdp-features.js';
export { Xfrm } from './xfrm.js';
export type { XfrmMark, XfrmMode } from './xfrm-common.js';
export { type XfrmListeners, XfrmMonitor } from './xfrm-monitor.js';
export {
  formatXfrmPolicy,
  type XfrmAction,
  type XfrmDefaults,
  type XfrmDirection,
  type XfrmPolicy,
  type XfrmPolicyId,
  type XfrmPolicySpec,
  type XfrmTemplate,
  type XfrmTemplateSpec,
} from './xfrm-policy.js';
export type { XfrmPort, XfrmSelector, XfrmSelectorSpec } from './xfrm-selector.js';
export type { XfrmState, XfrmStateId, XfrmStateSpec } from './xfrm-state.js';
