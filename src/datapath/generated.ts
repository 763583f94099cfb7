// Generated from the BTF of an object file. Do not edit.
import { formatIpv6, formatMac, parseIpv6, parseMac } from '../libbpf-ts/address-text.js';

export const CX_DEFAULT_BINDINGS = 16;
export const CX_GENERATIONS = 2;
export const CX_HOOKS = 4;
export const CX_POLICIES_PER_ROUTER = 1024;
export const CX_POLICY_BINDINGS = 8;
export const CX_REASON_ROWS = 64;
export const CX_SCHEMA = 1;
export const CX_SETTINGS = 5;

/** enum cx_binding_flag */
export const CxBindingFlag = {
  MAC_KNOWN: 1,
  NO_LINK_HEADER: 2,
} as const;

export type CxBindingFlag = (typeof CxBindingFlag)[keyof typeof CxBindingFlag];

/** The name of a value; its number when it has none. */
export function cxBindingFlagName(value: number): string {
  const entry = Object.entries(CxBindingFlag).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_binding_key_flag */
export const CxBindingKeyFlag = {
  USED: 1,
  DISABLED: 2,
} as const;

export type CxBindingKeyFlag = (typeof CxBindingKeyFlag)[keyof typeof CxBindingKeyFlag];

/** The name of a value; its number when it has none. */
export function cxBindingKeyFlagName(value: number): string {
  const entry = Object.entries(CxBindingKeyFlag).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_hook */
export const CxHook = {
  INGRESS: 0,
  HOME: 1,
  UPLINK: 2,
  TUNNEL: 3,
} as const;

export type CxHook = (typeof CxHook)[keyof typeof CxHook];

/** The name of a value; its number when it has none. */
export function cxHookName(value: number): string {
  const entry = Object.entries(CxHook).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_match */
export const CxMatch = {
  MARK: 1,
  SOURCE: 2,
  DESTINATION: 4,
  PROTOCOL: 8,
  SOURCE_PORT: 16,
  DESTINATION_PORT: 32,
} as const;

export type CxMatch = (typeof CxMatch)[keyof typeof CxMatch];

/** The name of a value; its number when it has none. */
export function cxMatchName(value: number): string {
  const entry = Object.entries(CxMatch).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_reason */
export const CxReason = {
  NONE: 0,
  ENCAPSULATED: 1,
  TO_TUNNEL_DEVICE: 2,
  NEXT_HOP_UNRESOLVED: 3,
  DECAPSULATED: 4,
  TO_STACK_DECAPSULATED: 5,
  RELAYED: 6,
  NOT_IPV6: 8,
  NOT_FOR_HOME: 9,
  LINK_SCOPE: 10,
  HOP_LIMIT: 11,
  MARK_DECIDES: 13,
  NO_BINDING: 14,
  NOT_OURS: 15,
  OTHER_HOST: 16,
  ERROR_KEPT: 17,
  TO_BE_SEGMENTED: 18,
  PACKET_TOO_BIG: 24,
  ERROR_RELAYED: 25,
  DROP_TRUNCATED: 32,
  DROP_HEADER_CHAIN: 33,
  DROP_SOURCE: 34,
  DROP_DESTINATION: 35,
  DROP_OUTER_SOURCE: 36,
  DROP_LOOP: 37,
  DROP_NO_BINDING: 38,
  DROP_TOO_BIG: 39,
  DROP_ECN: 40,
  DROP_NOT_IPV6: 41,
  DROP_LINK_SCOPE: 42,
  DROP_ENCAP_FAILED: 43,
  DROP_DECAP_FAILED: 44,
  DROP_TUNNEL_KEY: 45,
  DROP_BROKEN_STATE: 46,
  DROP_NOT_FOR_HOME: 47,
  DROP_ANSWER_LIMIT: 48,
  DROP_ERROR_INVALID: 49,
} as const;

export type CxReason = (typeof CxReason)[keyof typeof CxReason];

/** The name of a value; its number when it has none. */
export function cxReasonName(value: number): string {
  const entry = Object.entries(CxReason).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_role */
export const CxRole = {
  MOBILE_ROUTER: 0,
  HOME_AGENT: 1,
} as const;

export type CxRole = (typeof CxRole)[keyof typeof CxRole];

/** The name of a value; its number when it has none. */
export function cxRoleName(value: number): string {
  const entry = Object.entries(CxRole).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_setting */
export const CxSetting = {
  GENERATION: 0,
  HOME_IFINDEX: 1,
  GENERATION_ID: 2,
  ROUTE_PROTOCOL: 3,
  ROLE: 4,
} as const;

export type CxSetting = (typeof CxSetting)[keyof typeof CxSetting];

/** The name of a value; its number when it has none. */
export function cxSettingName(value: number): string {
  const entry = Object.entries(CxSetting).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_tunnel_kind */
export const CxTunnelKind = {
  BPF: 1,
  EXTERNAL: 3,
} as const;

export type CxTunnelKind = (typeof CxTunnelKind)[keyof typeof CxTunnelKind];

/** The name of a value; its number when it has none. */
export function cxTunnelKindName(value: number): string {
  const entry = Object.entries(CxTunnelKind).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** struct cx_answer_budget */
export interface CxAnswerBudget {
  refilledAt: bigint;
  left: number;
}

export const CxAnswerBudgetSize = 16;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxAnswerBudget(
  value: CxAnswerBudget,
  into = new Uint8Array(CxAnswerBudgetSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxAnswerBudgetSize);
  into.fill(0, offset, offset + CxAnswerBudgetSize);
  view.setBigUint64(0, fitBig(value.refilledAt, 64, false, 'refilledAt'), true);
  view.setUint32(8, inRange(value.left, 0, 4294967295, 'left'), true);
  return into;
}

export function decodeCxAnswerBudget(bytes: Uint8Array, offset = 0): CxAnswerBudget {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxAnswerBudgetSize);
  return {
    refilledAt: view.getBigUint64(0, true),
    left: view.getUint32(8, true),
  };
}

/** struct cx_binding */
export interface CxBinding {
  outerSource: string;
  outerDestination: string;
  nextHop: string;
  ifindex: number;
  uplinkIfindex: number;
  tunnelId: number;
  router: number;
  bid: number;
  mtu: number;
  kind: CxTunnelKind;
  flags: number;
  nextHopMac: string;
  ownMac: string;
}

export const CxBindingSize = 84;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxBinding(
  value: CxBinding,
  into = new Uint8Array(CxBindingSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxBindingSize);
  into.fill(0, offset, offset + CxBindingSize);
  into.set(parseIpv6(value.outerSource), offset);
  into.set(parseIpv6(value.outerDestination), offset + 16);
  into.set(parseIpv6(value.nextHop), offset + 32);
  view.setUint32(48, inRange(value.ifindex, 0, 4294967295, 'ifindex'), true);
  view.setUint32(52, inRange(value.uplinkIfindex, 0, 4294967295, 'uplinkIfindex'), true);
  view.setUint32(56, inRange(value.tunnelId, 0, 4294967295, 'tunnelId'), true);
  view.setUint32(60, inRange(value.router, 0, 4294967295, 'router'), true);
  view.setUint16(64, inRange(value.bid, 0, 65535, 'bid'), true);
  view.setUint16(66, inRange(value.mtu, 0, 65535, 'mtu'), true);
  view.setUint8(68, inRange(value.kind, 0, 255, 'kind'));
  view.setUint8(69, inRange(value.flags, 0, 255, 'flags'));
  into.set(parseMac(value.nextHopMac), offset + 70);
  into.set(parseMac(value.ownMac), offset + 76);
  return into;
}

export function decodeCxBinding(bytes: Uint8Array, offset = 0): CxBinding {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxBindingSize);
  return {
    outerSource: formatIpv6(bytes.subarray(offset, offset + 16)),
    outerDestination: formatIpv6(bytes.subarray(offset + 16, offset + 32)),
    nextHop: formatIpv6(bytes.subarray(offset + 32, offset + 48)),
    ifindex: view.getUint32(48, true),
    uplinkIfindex: view.getUint32(52, true),
    tunnelId: view.getUint32(56, true),
    router: view.getUint32(60, true),
    bid: view.getUint16(64, true),
    mtu: view.getUint16(66, true),
    kind: view.getUint8(68) as CxTunnelKind,
    flags: view.getUint8(69),
    nextHopMac: formatMac(bytes.subarray(offset + 70, offset + 76)),
    ownMac: formatMac(bytes.subarray(offset + 76, offset + 82)),
  };
}

/** struct cx_binding_key */
export interface CxBindingKey {
  careOf: string;
  router: number;
  bid: number;
  flags: number;
}

export const CxBindingKeySize = 24;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxBindingKey(
  value: CxBindingKey,
  into = new Uint8Array(CxBindingKeySize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxBindingKeySize);
  into.fill(0, offset, offset + CxBindingKeySize);
  into.set(parseIpv6(value.careOf), offset);
  view.setUint32(16, inRange(value.router, 0, 4294967295, 'router'), true);
  view.setUint16(20, inRange(value.bid, 0, 65535, 'bid'), true);
  view.setUint8(22, inRange(value.flags, 0, 255, 'flags'));
  return into;
}

export function decodeCxBindingKey(bytes: Uint8Array, offset = 0): CxBindingKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxBindingKeySize);
  return {
    careOf: formatIpv6(bytes.subarray(offset, offset + 16)),
    router: view.getUint32(16, true),
    bid: view.getUint16(20, true),
    flags: view.getUint8(22),
  };
}

/** struct cx_binding_stats */
export interface CxBindingStats {
  sentPackets: bigint;
  sentBytes: bigint;
  receivedPackets: bigint;
  receivedBytes: bigint;
}

export const CxBindingStatsSize = 32;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxBindingStats(
  value: CxBindingStats,
  into = new Uint8Array(CxBindingStatsSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxBindingStatsSize);
  into.fill(0, offset, offset + CxBindingStatsSize);
  view.setBigUint64(0, fitBig(value.sentPackets, 64, false, 'sentPackets'), true);
  view.setBigUint64(8, fitBig(value.sentBytes, 64, false, 'sentBytes'), true);
  view.setBigUint64(16, fitBig(value.receivedPackets, 64, false, 'receivedPackets'), true);
  view.setBigUint64(24, fitBig(value.receivedBytes, 64, false, 'receivedBytes'), true);
  return into;
}

export function decodeCxBindingStats(bytes: Uint8Array, offset = 0): CxBindingStats {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxBindingStatsSize);
  return {
    sentPackets: view.getBigUint64(0, true),
    sentBytes: view.getBigUint64(8, true),
    receivedPackets: view.getBigUint64(16, true),
    receivedBytes: view.getBigUint64(24, true),
  };
}

/** struct cx_neighbour */
export interface CxNeighbour {
  address: string;
  ifindex: number;
  mac: string;
  ownMac: string;
  mtu: number;
}

export const CxNeighbourSize = 36;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxNeighbour(
  value: CxNeighbour,
  into = new Uint8Array(CxNeighbourSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxNeighbourSize);
  into.fill(0, offset, offset + CxNeighbourSize);
  into.set(parseIpv6(value.address), offset);
  view.setUint32(16, inRange(value.ifindex, 0, 4294967295, 'ifindex'), true);
  into.set(parseMac(value.mac), offset + 20);
  into.set(parseMac(value.ownMac), offset + 26);
  view.setUint16(32, inRange(value.mtu, 0, 65535, 'mtu'), true);
  return into;
}

export function decodeCxNeighbour(bytes: Uint8Array, offset = 0): CxNeighbour {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxNeighbourSize);
  return {
    address: formatIpv6(bytes.subarray(offset, offset + 16)),
    ifindex: view.getUint32(16, true),
    mac: formatMac(bytes.subarray(offset + 20, offset + 26)),
    ownMac: formatMac(bytes.subarray(offset + 26, offset + 32)),
    mtu: view.getUint16(32, true),
  };
}

/** struct cx_policy */
export interface CxPolicy {
  source: string;
  sourceMask: string;
  destination: string;
  destinationMask: string;
  match: number;
  mark: number;
  markMask: number;
  id: number;
  fid: number;
  priority: number;
  sourcePortLow: number;
  sourcePortHigh: number;
  destinationPortLow: number;
  destinationPortHigh: number;
  protocol: number;
  bindingCount: number;
  bindings: number[];
}

export const CxPolicySize = 128;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPolicy(value: CxPolicy, into = new Uint8Array(CxPolicySize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPolicySize);
  into.fill(0, offset, offset + CxPolicySize);
  into.set(parseIpv6(value.source), offset);
  into.set(parseIpv6(value.sourceMask), offset + 16);
  into.set(parseIpv6(value.destination), offset + 32);
  into.set(parseIpv6(value.destinationMask), offset + 48);
  view.setUint32(64, inRange(value.match, 0, 4294967295, 'match'), true);
  view.setUint32(68, inRange(value.mark, 0, 4294967295, 'mark'), true);
  view.setUint32(72, inRange(value.markMask, 0, 4294967295, 'markMask'), true);
  view.setUint32(76, inRange(value.id, 0, 4294967295, 'id'), true);
  view.setUint16(80, inRange(value.fid, 0, 65535, 'fid'), true);
  view.setUint16(82, inRange(value.priority, 0, 65535, 'priority'), true);
  view.setUint16(84, inRange(value.sourcePortLow, 0, 65535, 'sourcePortLow'), true);
  view.setUint16(86, inRange(value.sourcePortHigh, 0, 65535, 'sourcePortHigh'), true);
  view.setUint16(88, inRange(value.destinationPortLow, 0, 65535, 'destinationPortLow'), true);
  view.setUint16(90, inRange(value.destinationPortHigh, 0, 65535, 'destinationPortHigh'), true);
  view.setUint8(92, inRange(value.protocol, 0, 255, 'protocol'));
  view.setUint8(93, inRange(value.bindingCount, 0, 255, 'bindingCount'));
  inRange(value.bindings.length, 0, 8, 'bindings.length');
  for (const [i, iItem] of value.bindings.entries()) {
    view.setUint32(96 + i * 4, inRange(iItem, 0, 4294967295, 'bindings'), true);
  }
  return into;
}

export function decodeCxPolicy(bytes: Uint8Array, offset = 0): CxPolicy {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPolicySize);
  return {
    source: formatIpv6(bytes.subarray(offset, offset + 16)),
    sourceMask: formatIpv6(bytes.subarray(offset + 16, offset + 32)),
    destination: formatIpv6(bytes.subarray(offset + 32, offset + 48)),
    destinationMask: formatIpv6(bytes.subarray(offset + 48, offset + 64)),
    match: view.getUint32(64, true),
    mark: view.getUint32(68, true),
    markMask: view.getUint32(72, true),
    id: view.getUint32(76, true),
    fid: view.getUint16(80, true),
    priority: view.getUint16(82, true),
    sourcePortLow: view.getUint16(84, true),
    sourcePortHigh: view.getUint16(86, true),
    destinationPortLow: view.getUint16(88, true),
    destinationPortHigh: view.getUint16(90, true),
    protocol: view.getUint8(92),
    bindingCount: view.getUint8(93),
    bindings: Array.from({ length: 8 }, (_, i) => view.getUint32(96 + i * 4, true)),
  };
}

/** struct cx_policy_key */
export interface CxPolicyKey {
  router: number;
  fid: number;
}

export const CxPolicyKeySize = 8;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPolicyKey(
  value: CxPolicyKey,
  into = new Uint8Array(CxPolicyKeySize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPolicyKeySize);
  into.fill(0, offset, offset + CxPolicyKeySize);
  view.setUint32(0, inRange(value.router, 0, 4294967295, 'router'), true);
  view.setUint16(4, inRange(value.fid, 0, 65535, 'fid'), true);
  return into;
}

export function decodeCxPolicyKey(bytes: Uint8Array, offset = 0): CxPolicyKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPolicyKeySize);
  return {
    router: view.getUint32(0, true),
    fid: view.getUint16(4, true),
  };
}

/** struct cx_policy_stats */
export interface CxPolicyStats {
  packets: bigint;
  bytes: bigint;
}

export const CxPolicyStatsSize = 16;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPolicyStats(
  value: CxPolicyStats,
  into = new Uint8Array(CxPolicyStatsSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPolicyStatsSize);
  into.fill(0, offset, offset + CxPolicyStatsSize);
  view.setBigUint64(0, fitBig(value.packets, 64, false, 'packets'), true);
  view.setBigUint64(8, fitBig(value.bytes, 64, false, 'bytes'), true);
  return into;
}

export function decodeCxPolicyStats(bytes: Uint8Array, offset = 0): CxPolicyStats {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPolicyStatsSize);
  return {
    packets: view.getBigUint64(0, true),
    bytes: view.getBigUint64(8, true),
  };
}

/** struct cx_prefix_key */
export interface CxPrefixKey {
  prefixLength: number;
  address: string;
}

export const CxPrefixKeySize = 20;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPrefixKey(
  value: CxPrefixKey,
  into = new Uint8Array(CxPrefixKeySize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPrefixKeySize);
  into.fill(0, offset, offset + CxPrefixKeySize);
  view.setUint32(0, inRange(value.prefixLength, 0, 4294967295, 'prefixLength'), true);
  into.set(parseIpv6(value.address), offset + 4);
  return into;
}

export function decodeCxPrefixKey(bytes: Uint8Array, offset = 0): CxPrefixKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPrefixKeySize);
  return {
    prefixLength: view.getUint32(0, true),
    address: formatIpv6(bytes.subarray(offset + 4, offset + 20)),
  };
}

/** struct cx_reason_stats */
export interface CxReasonStats {
  packets: bigint;
  bytes: bigint;
}

export const CxReasonStatsSize = 16;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxReasonStats(
  value: CxReasonStats,
  into = new Uint8Array(CxReasonStatsSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxReasonStatsSize);
  into.fill(0, offset, offset + CxReasonStatsSize);
  view.setBigUint64(0, fitBig(value.packets, 64, false, 'packets'), true);
  view.setBigUint64(8, fitBig(value.bytes, 64, false, 'bytes'), true);
  return into;
}

export function decodeCxReasonStats(bytes: Uint8Array, offset = 0): CxReasonStats {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxReasonStatsSize);
  return {
    packets: view.getBigUint64(0, true),
    bytes: view.getBigUint64(8, true),
  };
}

/** struct cx_router */
export interface CxRouter {
  firstPolicy: number;
  policyCount: number;
  bindingCount: number;
  bindings: number[];
}

export const CxRouterSize = 76;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxRouter(value: CxRouter, into = new Uint8Array(CxRouterSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxRouterSize);
  into.fill(0, offset, offset + CxRouterSize);
  view.setUint32(0, inRange(value.firstPolicy, 0, 4294967295, 'firstPolicy'), true);
  view.setUint32(4, inRange(value.policyCount, 0, 4294967295, 'policyCount'), true);
  view.setUint32(8, inRange(value.bindingCount, 0, 4294967295, 'bindingCount'), true);
  inRange(value.bindings.length, 0, 16, 'bindings.length');
  for (const [i, iItem] of value.bindings.entries()) {
    view.setUint32(12 + i * 4, inRange(iItem, 0, 4294967295, 'bindings'), true);
  }
  return into;
}

export function decodeCxRouter(bytes: Uint8Array, offset = 0): CxRouter {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxRouterSize);
  return {
    firstPolicy: view.getUint32(0, true),
    policyCount: view.getUint32(4, true),
    bindingCount: view.getUint32(8, true),
    bindings: Array.from({ length: 16 }, (_, i) => view.getUint32(12 + i * 4, true)),
  };
}

/** struct cx_router_key */
export interface CxRouterKey {
  homeAddress: string;
}

export const CxRouterKeySize = 16;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxRouterKey(
  value: CxRouterKey,
  into = new Uint8Array(CxRouterKeySize),
  offset = 0,
): Uint8Array {
  into.fill(0, offset, offset + CxRouterKeySize);
  into.set(parseIpv6(value.homeAddress), offset);
  return into;
}

export function decodeCxRouterKey(bytes: Uint8Array, offset = 0): CxRouterKey {
  return {
    homeAddress: formatIpv6(bytes.subarray(offset, offset + 16)),
  };
}

/** struct cx_tunnel_end */
export interface CxTunnelEnd {
  local: string;
  remote: string;
  binding: number;
  router: number;
}

export const CxTunnelEndSize = 40;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxTunnelEnd(
  value: CxTunnelEnd,
  into = new Uint8Array(CxTunnelEndSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxTunnelEndSize);
  into.fill(0, offset, offset + CxTunnelEndSize);
  into.set(parseIpv6(value.local), offset);
  into.set(parseIpv6(value.remote), offset + 16);
  view.setUint32(32, inRange(value.binding, 0, 4294967295, 'binding'), true);
  view.setUint32(36, inRange(value.router, 0, 4294967295, 'router'), true);
  return into;
}

export function decodeCxTunnelEnd(bytes: Uint8Array, offset = 0): CxTunnelEnd {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxTunnelEndSize);
  return {
    local: formatIpv6(bytes.subarray(offset, offset + 16)),
    remote: formatIpv6(bytes.subarray(offset + 16, offset + 32)),
    binding: view.getUint32(32, true),
    router: view.getUint32(36, true),
  };
}

/** struct cx_tunnel_end_key */
export interface CxTunnelEndKey {
  local: string;
  remote: string;
}

export const CxTunnelEndKeySize = 32;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxTunnelEndKey(
  value: CxTunnelEndKey,
  into = new Uint8Array(CxTunnelEndKeySize),
  offset = 0,
): Uint8Array {
  into.fill(0, offset, offset + CxTunnelEndKeySize);
  into.set(parseIpv6(value.local), offset);
  into.set(parseIpv6(value.remote), offset + 16);
  return into;
}

export function decodeCxTunnelEndKey(bytes: Uint8Array, offset = 0): CxTunnelEndKey {
  return {
    local: formatIpv6(bytes.subarray(offset, offset + 16)),
    remote: formatIpv6(bytes.subarray(offset + 16, offset + 32)),
  };
}

/** struct cx_vocabulary */
export interface CxVocabulary {
  constants: number;
  role: CxRole;
  setting: CxSetting;
  tunnelKind: CxTunnelKind;
  bindingFlag: CxBindingFlag;
  bindingKeyFlag: CxBindingKeyFlag;
  match: CxMatch;
  hook: CxHook;
  reason: CxReason;
}

export const CxVocabularySize = 36;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxVocabulary(
  value: CxVocabulary,
  into = new Uint8Array(CxVocabularySize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxVocabularySize);
  into.fill(0, offset, offset + CxVocabularySize);
  view.setUint32(0, inRange(value.constants, 0, 4294967295, 'constants'), true);
  view.setUint32(4, inRange(value.role, 0, 4294967295, 'role'), true);
  view.setUint32(8, inRange(value.setting, 0, 4294967295, 'setting'), true);
  view.setUint32(12, inRange(value.tunnelKind, 0, 4294967295, 'tunnelKind'), true);
  view.setUint32(16, inRange(value.bindingFlag, 0, 4294967295, 'bindingFlag'), true);
  view.setUint32(20, inRange(value.bindingKeyFlag, 0, 4294967295, 'bindingKeyFlag'), true);
  view.setUint32(24, inRange(value.match, 0, 4294967295, 'match'), true);
  view.setUint32(28, inRange(value.hook, 0, 4294967295, 'hook'), true);
  view.setUint32(32, inRange(value.reason, 0, 4294967295, 'reason'), true);
  return into;
}

export function decodeCxVocabulary(bytes: Uint8Array, offset = 0): CxVocabulary {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxVocabularySize);
  return {
    constants: view.getUint32(0, true),
    role: view.getUint32(4, true) as CxRole,
    setting: view.getUint32(8, true) as CxSetting,
    tunnelKind: view.getUint32(12, true) as CxTunnelKind,
    bindingFlag: view.getUint32(16, true) as CxBindingFlag,
    bindingKeyFlag: view.getUint32(20, true) as CxBindingKeyFlag,
    match: view.getUint32(24, true) as CxMatch,
    hook: view.getUint32(28, true) as CxHook,
    reason: view.getUint32(32, true) as CxReason,
  };
}

function inRange(value: number, low: number, high: number, name: string): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RangeError(`${name}: ${value} is not an integer from ${low} to ${high}`);
}

function fitBig(value: bigint, bits: number, signed: boolean, name: string): bigint {
  if ((signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value) return value;
  throw new RangeError(`${name}: ${value} does not fit ${bits} bits`);
}
