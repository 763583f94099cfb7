// Generated from the BTF of an object file. Do not edit.
import { formatIpv6, formatMac, parseIpv6, parseMac } from '../libbpf-ts/address-text.js';

export const CX_ABSENT_ICMP = 256;
export const CX_ABSENT_PORT = 65536;
export const CX_BLOCK_NODES = 256;
export const CX_CGROUP_BYPASSES = 1073741824;
export const CX_CGROUP_LEVELS = 16;
export const CX_DEFAULT_BINDINGS = 16;
export const CX_ERROR_WORDS = 12;
export const CX_EXPLAINED_AT = 3;
export const CX_EXPLAINED_CGROUP = 2;
export const CX_EXPLAINED_LOST = 1;
export const CX_EXPLAINED_ROWS = 0;
export const CX_EXPLAINED_VALUES = 4;
export const CX_FIELDS = 19;
export const CX_FRAGMENT_ROWS = 2048;
export const CX_FRAGMENT_SLICES = 16;
export const CX_GENERATIONS = 2;
export const CX_HOOKS = 6;
export const CX_KEY_WORDS = 32;
export const CX_NODE_FIELD_SHIFT = 8;
export const CX_NODE_STEP_SHIFT = 16;
export const CX_POLICY_BINDINGS = 8;
export const CX_PORT_ROWS = 1024;
export const CX_REASON_ROWS = 64;
export const CX_SCHEMA = 2;
export const CX_SETTINGS = 7;
export const CX_SIGNALS_A_WINDOW = 16;
export const CX_SIGNAL_BYTES = 1500;
export const CX_SIGNAL_RING_BYTES = 1048576;
export const CX_SIGNAL_SENDERS = 4096;
export const CX_SIGNAL_SHORT_BYTES = 504;
export const CX_SIGNAL_STRANGERS = 128;
export const CX_SIGNAL_STRANGE_BYTES = 262144;
export const CX_SUM_WORDS = 16;
export const CX_WALK_STEPS = 2048;

/** enum cx_action */
export const CxAction = {
  USE: 1,
  BALANCE: 2,
  COPY: 3,
  DROP: 4,
  BYPASS: 5,
} as const;

export type CxAction = (typeof CxAction)[keyof typeof CxAction];

/** The name of a value; its number when it has none. */
export function cxActionName(value: number): string {
  const entry = Object.entries(CxAction).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

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

/** enum cx_explain_step */
export const CxExplainStep = {
  NONE: 0,
  ROUTER: 1,
  KEY: 2,
  NODE: 3,
  POLICY: 4,
  DEFAULT: 5,
  BINDING: 6,
  SHARE: 7,
  CHOICE: 8,
} as const;

export type CxExplainStep = (typeof CxExplainStep)[keyof typeof CxExplainStep];

/** The name of a value; its number when it has none. */
export function cxExplainStepName(value: number): string {
  const entry = Object.entries(CxExplainStep).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_field */
export const CxField = {
  SOURCE: 0,
  DESTINATION: 4,
  PROTOCOL: 8,
  SOURCE_PORT: 9,
  DESTINATION_PORT: 10,
  DSCP: 11,
  FLOW_LABEL: 12,
  SPI: 13,
  ICMP_TYPE: 14,
  ICMP_CODE: 15,
  INTERFACE: 16,
  CGROUP: 17,
  MARK: 18,
} as const;

export type CxField = (typeof CxField)[keyof typeof CxField];

/** The name of a value; its number when it has none. */
export function cxFieldName(value: number): string {
  const entry = Object.entries(CxField).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_forwarding */
export const CxForwarding = {
  HERE: 0,
  BY_STACK: 1,
} as const;

export type CxForwarding = (typeof CxForwarding)[keyof typeof CxForwarding];

/** The name of a value; its number when it has none. */
export function cxForwardingName(value: number): string {
  const entry = Object.entries(CxForwarding).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_hook */
export const CxHook = {
  INGRESS: 0,
  HOME: 1,
  UPLINK: 2,
  TUNNEL: 3,
  XDP_INGRESS: 4,
  XDP_UPLINK: 5,
} as const;

export type CxHook = (typeof CxHook)[keyof typeof CxHook];

/** The name of a value; its number when it has none. */
export function cxHookName(value: number): string {
  const entry = Object.entries(CxHook).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_node_kind */
export const CxNodeKind = {
  END: 0,
  RANGE: 1,
  CUT: 2,
  MASK: 3,
  BITS: 4,
  MATCH: 5,
  DECIDE: 6,
  TREE: 7,
} as const;

export type CxNodeKind = (typeof CxNodeKind)[keyof typeof CxNodeKind];

/** The name of a value; its number when it has none. */
export function cxNodeKindName(value: number): string {
  const entry = Object.entries(CxNodeKind).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_otherwise */
export const CxOtherwise = {
  NEXT: 0,
  DROP: 1,
  DEFAULT: 2,
} as const;

export type CxOtherwise = (typeof CxOtherwise)[keyof typeof CxOtherwise];

/** The name of a value; its number when it has none. */
export function cxOtherwiseName(value: number): string {
  const entry = Object.entries(CxOtherwise).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_port_flag */
export const CxPortFlag = {
  TRANSMITS: 1,
} as const;

export type CxPortFlag = (typeof CxPortFlag)[keyof typeof CxPortFlag];

/** The name of a value; its number when it has none. */
export function cxPortFlagName(value: number): string {
  const entry = Object.entries(CxPortFlag).find(([, each]) => each === value);
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
  TO_HOME_LINK: 7,
  NOT_IPV6: 8,
  NOT_FOR_HOME: 9,
  LINK_SCOPE: 10,
  HOP_LIMIT: 11,
  BYPASS: 12,
  MARK_DECIDES: 13,
  NO_BINDING: 14,
  NOT_OURS: 15,
  OTHER_HOST: 16,
  ERROR_KEPT: 17,
  LEFT_TO_STACK: 19,
  LEFT_TO_TC: 20,
  TO_BE_SEGMENTED: 18,
  TO_BE_ENCRYPTED: 21,
  PACKET_TOO_BIG: 24,
  ERROR_RELAYED: 25,
  TO_DAEMON: 26,
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
  DROP_BY_POLICY: 50,
  DROP_BYPASS: 51,
  DROP_SIGNALS_FULL: 52,
  DROP_SIGNAL_LIMIT: 53,
  ALSO_COPIED: 56,
  ALSO_COPY_LOST: 57,
  ALSO_FRAGMENT_ALONE: 58,
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

/** enum cx_room */
export const CxRoom = {
  NONE: 0,
  READY: 1,
} as const;

export type CxRoom = (typeof CxRoom)[keyof typeof CxRoom];

/** The name of a value; its number when it has none. */
export function cxRoomName(value: number): string {
  const entry = Object.entries(CxRoom).find(([, each]) => each === value);
  return entry?.[0] ?? String(value);
}

/** enum cx_setting */
export const CxSetting = {
  GENERATION: 0,
  HOME_IFINDEX: 1,
  GENERATION_ID: 2,
  ROUTE_PROTOCOL: 3,
  ROLE: 4,
  BYPASS_MARK: 5,
  SIGNALLING: 6,
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
  DEVICE: 2,
  EXTERNAL: 3,
  EXTERNAL_XFRM: 4,
  HOME: 5,
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

/** struct cx_node */
export interface CxNode {
  operation: number;
  low: number;
  extent: number;
  target: number;
}

export const CxNodeSize = 16;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxNode(value: CxNode, into = new Uint8Array(CxNodeSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxNodeSize);
  into.fill(0, offset, offset + CxNodeSize);
  view.setUint32(0, inRange(value.operation, 0, 4294967295, 'operation'), true);
  view.setUint32(4, inRange(value.low, 0, 4294967295, 'low'), true);
  view.setUint32(8, inRange(value.extent, 0, 4294967295, 'extent'), true);
  view.setUint32(12, inRange(value.target, 0, 4294967295, 'target'), true);
  return into;
}

export function decodeCxNode(bytes: Uint8Array, offset = 0): CxNode {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxNodeSize);
  return {
    operation: view.getUint32(0, true),
    low: view.getUint32(4, true),
    extent: view.getUint32(8, true),
    target: view.getUint32(12, true),
  };
}

/** struct cx_block */
export interface CxBlock {
  nodes: CxNode[];
}

export const CxBlockSize = 4096;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxBlock(value: CxBlock, into = new Uint8Array(CxBlockSize), offset = 0): Uint8Array {
  into.fill(0, offset, offset + CxBlockSize);
  inRange(value.nodes.length, 0, 256, 'nodes.length');
  for (const [i, iItem] of value.nodes.entries()) {
    encodeCxNode(iItem, into, offset + i * 16);
  }
  return into;
}

export function decodeCxBlock(bytes: Uint8Array, offset = 0): CxBlock {
  return {
    nodes: Array.from({ length: 256 }, (_, i) => decodeCxNode(bytes, offset + i * 16)),
  };
}

/** struct cx_cgroup_key */
export interface CxCgroupKey {
  id: bigint;
  slot: number;
}

export const CxCgroupKeySize = 16;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxCgroupKey(
  value: CxCgroupKey,
  into = new Uint8Array(CxCgroupKeySize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxCgroupKeySize);
  into.fill(0, offset, offset + CxCgroupKeySize);
  view.setBigUint64(0, fitBig(value.id, 64, false, 'id'), true);
  view.setUint32(8, inRange(value.slot, 0, 4294967295, 'slot'), true);
  return into;
}

export function decodeCxCgroupKey(bytes: Uint8Array, offset = 0): CxCgroupKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxCgroupKeySize);
  return {
    id: view.getBigUint64(0, true),
    slot: view.getUint32(8, true),
  };
}

/** struct cx_choice */
export interface CxChoice {
  binding: number;
  row: number;
  policyId: number;
  action: number;
  policySet: number;
  firstBinding: number;
  copies: number;
}

export const CxChoiceSize = 28;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxChoice(value: CxChoice, into = new Uint8Array(CxChoiceSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxChoiceSize);
  into.fill(0, offset, offset + CxChoiceSize);
  view.setUint32(0, inRange(value.binding, 0, 4294967295, 'binding'), true);
  view.setUint32(4, inRange(value.row, 0, 4294967295, 'row'), true);
  view.setUint32(8, inRange(value.policyId, 0, 4294967295, 'policyId'), true);
  view.setUint32(12, inRange(value.action, 0, 4294967295, 'action'), true);
  view.setUint32(16, inRange(value.policySet, 0, 4294967295, 'policySet'), true);
  view.setUint32(20, inRange(value.firstBinding, 0, 4294967295, 'firstBinding'), true);
  view.setUint32(24, inRange(value.copies, 0, 4294967295, 'copies'), true);
  return into;
}

export function decodeCxChoice(bytes: Uint8Array, offset = 0): CxChoice {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxChoiceSize);
  return {
    binding: view.getUint32(0, true),
    row: view.getUint32(4, true),
    policyId: view.getUint32(8, true),
    action: view.getUint32(12, true),
    policySet: view.getUint32(16, true),
    firstBinding: view.getUint32(20, true),
    copies: view.getUint32(24, true),
  };
}

/** struct cx_explained */
export interface CxExplained {
  step: CxExplainStep;
  values: number[];
}

export const CxExplainedSize = 20;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxExplained(
  value: CxExplained,
  into = new Uint8Array(CxExplainedSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxExplainedSize);
  into.fill(0, offset, offset + CxExplainedSize);
  view.setUint32(0, inRange(value.step, 0, 4294967295, 'step'), true);
  inRange(value.values.length, 0, 4, 'values.length');
  for (const [i, iItem] of value.values.entries()) {
    view.setUint32(4 + i * 4, inRange(iItem, 0, 4294967295, 'values'), true);
  }
  return into;
}

export function decodeCxExplained(bytes: Uint8Array, offset = 0): CxExplained {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxExplainedSize);
  return {
    step: view.getUint32(0, true) as CxExplainStep,
    values: Array.from({ length: 4 }, (_, i) => view.getUint32(4 + i * 4, true)),
  };
}

/** struct cx_fragment */
export interface CxFragment {
  spi: bigint;
  ports: bigint;
  rest: bigint;
}

export const CxFragmentSize = 24;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxFragment(
  value: CxFragment,
  into = new Uint8Array(CxFragmentSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxFragmentSize);
  into.fill(0, offset, offset + CxFragmentSize);
  view.setBigUint64(0, fitBig(value.spi, 64, false, 'spi'), true);
  view.setBigUint64(8, fitBig(value.ports, 64, false, 'ports'), true);
  view.setBigUint64(16, fitBig(value.rest, 64, false, 'rest'), true);
  return into;
}

export function decodeCxFragment(bytes: Uint8Array, offset = 0): CxFragment {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxFragmentSize);
  return {
    spi: view.getBigUint64(0, true),
    ports: view.getBigUint64(8, true),
    rest: view.getBigUint64(16, true),
  };
}

/** struct cx_key */
export interface CxKey {
  words: number[];
}

export const CxKeySize = 76;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxKey(value: CxKey, into = new Uint8Array(CxKeySize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxKeySize);
  into.fill(0, offset, offset + CxKeySize);
  inRange(value.words.length, 0, 19, 'words.length');
  for (const [i, iItem] of value.words.entries()) {
    view.setUint32(i * 4, inRange(iItem, 0, 4294967295, 'words'), true);
  }
  return into;
}

export function decodeCxKey(bytes: Uint8Array, offset = 0): CxKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxKeySize);
  return {
    words: Array.from({ length: 19 }, (_, i) => view.getUint32(i * 4, true)),
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

/** struct cx_origin */
export interface CxOrigin {
  hook: number;
  ifindex: number;
  local: number;
  markKnown: number;
  mark: number;
}

export const CxOriginSize = 20;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxOrigin(value: CxOrigin, into = new Uint8Array(CxOriginSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxOriginSize);
  into.fill(0, offset, offset + CxOriginSize);
  view.setUint32(0, inRange(value.hook, 0, 4294967295, 'hook'), true);
  view.setUint32(4, inRange(value.ifindex, 0, 4294967295, 'ifindex'), true);
  view.setUint32(8, inRange(value.local, 0, 4294967295, 'local'), true);
  view.setUint32(12, inRange(value.markKnown, 0, 4294967295, 'markKnown'), true);
  view.setUint32(16, inRange(value.mark, 0, 4294967295, 'mark'), true);
  return into;
}

export function decodeCxOrigin(bytes: Uint8Array, offset = 0): CxOrigin {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxOriginSize);
  return {
    hook: view.getUint32(0, true),
    ifindex: view.getUint32(4, true),
    local: view.getUint32(8, true),
    markKnown: view.getUint32(12, true),
    mark: view.getUint32(16, true),
  };
}

/** struct cx_packet */
export interface CxPacket {
  versionClassLabel: number;
  payloadLength: number;
  nextHeader: number;
  hopLimit: number;
  source: string;
  destination: string;
  start: number;
  upper: number;
  length: number;
  segment: number;
  flowLabel: number;
  fragment: number;
  spi: number;
  icmpType: number;
  icmpCode: number;
  sourcePort: number;
  destinationPort: number;
  trafficClass: number;
  protocol: number;
  fragmented: number;
  laterFragment: number;
  hasPorts: number;
  authenticated: number;
  routed: number;
}

export const CxPacketSize = 84;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPacket(value: CxPacket, into = new Uint8Array(CxPacketSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPacketSize);
  into.fill(0, offset, offset + CxPacketSize);
  view.setUint32(0, inRange(value.versionClassLabel, 0, 4294967295, 'versionClassLabel'), false);
  view.setUint16(4, inRange(value.payloadLength, 0, 65535, 'payloadLength'), false);
  view.setUint8(6, inRange(value.nextHeader, 0, 255, 'nextHeader'));
  view.setUint8(7, inRange(value.hopLimit, 0, 255, 'hopLimit'));
  into.set(parseIpv6(value.source), offset + 8);
  into.set(parseIpv6(value.destination), offset + 24);
  view.setUint32(40, inRange(value.start, 0, 4294967295, 'start'), true);
  view.setUint32(44, inRange(value.upper, 0, 4294967295, 'upper'), true);
  view.setUint32(48, inRange(value.length, 0, 4294967295, 'length'), true);
  view.setUint32(52, inRange(value.segment, 0, 4294967295, 'segment'), true);
  view.setUint32(56, inRange(value.flowLabel, 0, 4294967295, 'flowLabel'), true);
  view.setUint32(60, inRange(value.fragment, 0, 4294967295, 'fragment'), true);
  view.setUint32(64, inRange(value.spi, 0, 4294967295, 'spi'), true);
  view.setUint16(68, inRange(value.icmpType, 0, 65535, 'icmpType'), true);
  view.setUint16(70, inRange(value.icmpCode, 0, 65535, 'icmpCode'), true);
  view.setUint16(72, inRange(value.sourcePort, 0, 65535, 'sourcePort'), true);
  view.setUint16(74, inRange(value.destinationPort, 0, 65535, 'destinationPort'), true);
  view.setUint8(76, inRange(value.trafficClass, 0, 255, 'trafficClass'));
  view.setUint8(77, inRange(value.protocol, 0, 255, 'protocol'));
  view.setUint8(78, inRange(value.fragmented, 0, 255, 'fragmented'));
  view.setUint8(79, inRange(value.laterFragment, 0, 255, 'laterFragment'));
  view.setUint8(80, inRange(value.hasPorts, 0, 255, 'hasPorts'));
  view.setUint8(81, inRange(value.authenticated, 0, 255, 'authenticated'));
  view.setUint8(82, inRange(value.routed, 0, 255, 'routed'));
  return into;
}

export function decodeCxPacket(bytes: Uint8Array, offset = 0): CxPacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPacketSize);
  return {
    versionClassLabel: view.getUint32(0, false),
    payloadLength: view.getUint16(4, false),
    nextHeader: view.getUint8(6),
    hopLimit: view.getUint8(7),
    source: formatIpv6(bytes.subarray(offset + 8, offset + 24)),
    destination: formatIpv6(bytes.subarray(offset + 24, offset + 40)),
    start: view.getUint32(40, true),
    upper: view.getUint32(44, true),
    length: view.getUint32(48, true),
    segment: view.getUint32(52, true),
    flowLabel: view.getUint32(56, true),
    fragment: view.getUint32(60, true),
    spi: view.getUint32(64, true),
    icmpType: view.getUint16(68, true),
    icmpCode: view.getUint16(70, true),
    sourcePort: view.getUint16(72, true),
    destinationPort: view.getUint16(74, true),
    trafficClass: view.getUint8(76),
    protocol: view.getUint8(77),
    fragmented: view.getUint8(78),
    laterFragment: view.getUint8(79),
    hasPorts: view.getUint8(80),
    authenticated: view.getUint8(81),
    routed: view.getUint8(82),
  };
}

/** struct cx_policy */
export interface CxPolicy {
  id: number;
  fid: number;
  priority: number;
  action: CxAction;
  otherwise: CxOtherwise;
  bindingCount: number;
  weights: Uint8Array;
  bindings: Uint8Array;
}

export const CxPolicySize = 32;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPolicy(value: CxPolicy, into = new Uint8Array(CxPolicySize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPolicySize);
  into.fill(0, offset, offset + CxPolicySize);
  view.setUint32(0, inRange(value.id, 0, 4294967295, 'id'), true);
  view.setUint32(4, inRange(value.fid, 0, 4294967295, 'fid'), true);
  view.setUint32(8, inRange(value.priority, 0, 4294967295, 'priority'), true);
  view.setUint8(12, inRange(value.action, 0, 255, 'action'));
  view.setUint8(13, inRange(value.otherwise, 0, 255, 'otherwise'));
  view.setUint8(14, inRange(value.bindingCount, 0, 255, 'bindingCount'));
  into.set(fitBytes(value.weights, 8, 'weights'), offset + 15);
  into.set(fitBytes(value.bindings, 8, 'bindings'), offset + 23);
  return into;
}

export function decodeCxPolicy(bytes: Uint8Array, offset = 0): CxPolicy {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPolicySize);
  return {
    id: view.getUint32(0, true),
    fid: view.getUint32(4, true),
    priority: view.getUint32(8, true),
    action: view.getUint8(12) as CxAction,
    otherwise: view.getUint8(13) as CxOtherwise,
    bindingCount: view.getUint8(14),
    weights: new Uint8Array(bytes.subarray(offset + 15, offset + 23)),
    bindings: new Uint8Array(bytes.subarray(offset + 23, offset + 31)),
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
  view.setUint32(4, inRange(value.fid, 0, 4294967295, 'fid'), true);
  return into;
}

export function decodeCxPolicyKey(bytes: Uint8Array, offset = 0): CxPolicyKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPolicyKeySize);
  return {
    router: view.getUint32(0, true),
    fid: view.getUint32(4, true),
  };
}

/** struct cx_policy_set */
export interface CxPolicySet {
  knownRoot: number;
  unknownRoot: number;
  firstPolicy: number;
  policyCount: number;
  fragments: number;
  cgroupDepth: number;
  bindingCount: number;
  bindings: number[];
}

export const CxPolicySetSize = 84;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPolicySet(
  value: CxPolicySet,
  into = new Uint8Array(CxPolicySetSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPolicySetSize);
  into.fill(0, offset, offset + CxPolicySetSize);
  view.setUint32(0, inRange(value.knownRoot, 0, 4294967295, 'knownRoot'), true);
  view.setUint32(4, inRange(value.unknownRoot, 0, 4294967295, 'unknownRoot'), true);
  view.setUint32(8, inRange(value.firstPolicy, 0, 4294967295, 'firstPolicy'), true);
  view.setUint32(12, inRange(value.policyCount, 0, 4294967295, 'policyCount'), true);
  view.setUint8(16, inRange(value.fragments, 0, 255, 'fragments'));
  view.setUint8(17, inRange(value.cgroupDepth, 0, 255, 'cgroupDepth'));
  view.setUint8(18, inRange(value.bindingCount, 0, 255, 'bindingCount'));
  inRange(value.bindings.length, 0, 16, 'bindings.length');
  for (const [i, iItem] of value.bindings.entries()) {
    view.setUint32(20 + i * 4, inRange(iItem, 0, 4294967295, 'bindings'), true);
  }
  return into;
}

export function decodeCxPolicySet(bytes: Uint8Array, offset = 0): CxPolicySet {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPolicySetSize);
  return {
    knownRoot: view.getUint32(0, true),
    unknownRoot: view.getUint32(4, true),
    firstPolicy: view.getUint32(8, true),
    policyCount: view.getUint32(12, true),
    fragments: view.getUint8(16),
    cgroupDepth: view.getUint8(17),
    bindingCount: view.getUint8(18),
    bindings: Array.from({ length: 16 }, (_, i) => view.getUint32(20 + i * 4, true)),
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

/** struct cx_port */
export interface CxPort {
  mac: string;
  flags: number;
  tag: number;
}

export const CxPortSize = 8;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxPort(value: CxPort, into = new Uint8Array(CxPortSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxPortSize);
  into.fill(0, offset, offset + CxPortSize);
  into.set(parseMac(value.mac), offset);
  view.setUint8(6, inRange(value.flags, 0, 255, 'flags'));
  view.setUint8(7, inRange(value.tag, 0, 255, 'tag'));
  return into;
}

export function decodeCxPort(bytes: Uint8Array, offset = 0): CxPort {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxPortSize);
  return {
    mac: formatMac(bytes.subarray(offset, offset + 6)),
    flags: view.getUint8(6),
    tag: view.getUint8(7),
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
  policySet: number;
  firstPolicyId: number;
  firstBinding: number;
}

export const CxRouterSize = 12;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxRouter(value: CxRouter, into = new Uint8Array(CxRouterSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxRouterSize);
  into.fill(0, offset, offset + CxRouterSize);
  view.setUint32(0, inRange(value.policySet, 0, 4294967295, 'policySet'), true);
  view.setUint32(4, inRange(value.firstPolicyId, 0, 4294967295, 'firstPolicyId'), true);
  view.setUint32(8, inRange(value.firstBinding, 0, 4294967295, 'firstBinding'), true);
  return into;
}

export function decodeCxRouter(bytes: Uint8Array, offset = 0): CxRouter {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxRouterSize);
  return {
    policySet: view.getUint32(0, true),
    firstPolicyId: view.getUint32(4, true),
    firstBinding: view.getUint32(8, true),
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

/** struct cx_scratch */
export interface CxScratch {
  walk: number[];
  chunk: number[];
  error: number[];
}

export const CxScratchSize = 240;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxScratch(
  value: CxScratch,
  into = new Uint8Array(CxScratchSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxScratchSize);
  into.fill(0, offset, offset + CxScratchSize);
  inRange(value.walk.length, 0, 32, 'walk.length');
  for (const [i, iItem] of value.walk.entries()) {
    view.setUint32(i * 4, inRange(iItem, 0, 4294967295, 'walk'), true);
  }
  inRange(value.chunk.length, 0, 16, 'chunk.length');
  for (const [i, iItem] of value.chunk.entries()) {
    view.setUint32(128 + i * 4, inRange(iItem, 0, 4294967295, 'chunk'), false);
  }
  inRange(value.error.length, 0, 12, 'error.length');
  for (const [i, iItem] of value.error.entries()) {
    view.setUint32(192 + i * 4, inRange(iItem, 0, 4294967295, 'error'), false);
  }
  return into;
}

export function decodeCxScratch(bytes: Uint8Array, offset = 0): CxScratch {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxScratchSize);
  return {
    walk: Array.from({ length: 32 }, (_, i) => view.getUint32(i * 4, true)),
    chunk: Array.from({ length: 16 }, (_, i) => view.getUint32(128 + i * 4, false)),
    error: Array.from({ length: 12 }, (_, i) => view.getUint32(192 + i * 4, false)),
  };
}

/** struct cx_sending */
export interface CxSending {
  hook: number;
  link: number;
  forwarding: CxForwarding;
  room: CxRoom;
  prepared: number;
  action: number;
}

export const CxSendingSize = 24;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxSending(
  value: CxSending,
  into = new Uint8Array(CxSendingSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxSendingSize);
  into.fill(0, offset, offset + CxSendingSize);
  view.setUint32(0, inRange(value.hook, 0, 4294967295, 'hook'), true);
  view.setUint32(4, inRange(value.link, 0, 4294967295, 'link'), true);
  view.setUint32(8, inRange(value.forwarding, 0, 4294967295, 'forwarding'), true);
  view.setUint32(12, inRange(value.room, 0, 4294967295, 'room'), true);
  view.setUint32(16, inRange(value.prepared, 0, 4294967295, 'prepared'), true);
  view.setInt32(20, inRange(value.action, -2147483648, 2147483647, 'action'), true);
  return into;
}

export function decodeCxSending(bytes: Uint8Array, offset = 0): CxSending {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxSendingSize);
  return {
    hook: view.getUint32(0, true),
    link: view.getUint32(4, true),
    forwarding: view.getUint32(8, true) as CxForwarding,
    room: view.getUint32(12, true) as CxRoom,
    prepared: view.getUint32(16, true),
    action: view.getInt32(20, true),
  };
}

/** struct cx_signal */
export interface CxSignal {
  ifindex: number;
  length: number;
}

export const CxSignalSize = 8;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxSignal(value: CxSignal, into = new Uint8Array(CxSignalSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxSignalSize);
  into.fill(0, offset, offset + CxSignalSize);
  view.setUint32(0, inRange(value.ifindex, 0, 4294967295, 'ifindex'), true);
  view.setUint32(4, inRange(value.length, 0, 4294967295, 'length'), true);
  return into;
}

export function decodeCxSignal(bytes: Uint8Array, offset = 0): CxSignal {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxSignalSize);
  return {
    ifindex: view.getUint32(0, true),
    length: view.getUint32(4, true),
  };
}

/** struct cx_signal_budget */
export interface CxSignalBudget {
  window: number;
  used: number;
}

export const CxSignalBudgetSize = 8;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxSignalBudget(
  value: CxSignalBudget,
  into = new Uint8Array(CxSignalBudgetSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxSignalBudgetSize);
  into.fill(0, offset, offset + CxSignalBudgetSize);
  view.setUint32(0, inRange(value.window, 0, 4294967295, 'window'), true);
  view.setUint32(4, inRange(value.used, 0, 4294967295, 'used'), true);
  return into;
}

export function decodeCxSignalBudget(bytes: Uint8Array, offset = 0): CxSignalBudget {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxSignalBudgetSize);
  return {
    window: view.getUint32(0, true),
    used: view.getUint32(4, true),
  };
}

/** struct cx_spi_key */
export interface CxSpiKey {
  local: string;
  spi: number;
}

export const CxSpiKeySize = 20;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxSpiKey(value: CxSpiKey, into = new Uint8Array(CxSpiKeySize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxSpiKeySize);
  into.fill(0, offset, offset + CxSpiKeySize);
  into.set(parseIpv6(value.local), offset);
  view.setUint32(16, inRange(value.spi, 0, 4294967295, 'spi'), true);
  return into;
}

export function decodeCxSpiKey(bytes: Uint8Array, offset = 0): CxSpiKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxSpiKeySize);
  return {
    local: formatIpv6(bytes.subarray(offset, offset + 16)),
    spi: view.getUint32(16, true),
  };
}

/** struct cx_tunnel_device_key */
export interface CxTunnelDeviceKey {
  ifindex: number;
  interfaceId: number;
}

export const CxTunnelDeviceKeySize = 8;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxTunnelDeviceKey(
  value: CxTunnelDeviceKey,
  into = new Uint8Array(CxTunnelDeviceKeySize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxTunnelDeviceKeySize);
  into.fill(0, offset, offset + CxTunnelDeviceKeySize);
  view.setUint32(0, inRange(value.ifindex, 0, 4294967295, 'ifindex'), true);
  view.setUint32(4, inRange(value.interfaceId, 0, 4294967295, 'interfaceId'), true);
  return into;
}

export function decodeCxTunnelDeviceKey(bytes: Uint8Array, offset = 0): CxTunnelDeviceKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxTunnelDeviceKeySize);
  return {
    ifindex: view.getUint32(0, true),
    interfaceId: view.getUint32(4, true),
  };
}

/** struct cx_tunnel_device */
export interface CxTunnelDevice {
  key: CxTunnelDeviceKey;
  binding: number;
  router: number;
}

export const CxTunnelDeviceSize = 16;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxTunnelDevice(
  value: CxTunnelDevice,
  into = new Uint8Array(CxTunnelDeviceSize),
  offset = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxTunnelDeviceSize);
  into.fill(0, offset, offset + CxTunnelDeviceSize);
  encodeCxTunnelDeviceKey(value.key, into, offset);
  view.setUint32(8, inRange(value.binding, 0, 4294967295, 'binding'), true);
  view.setUint32(12, inRange(value.router, 0, 4294967295, 'router'), true);
  return into;
}

export function decodeCxTunnelDevice(bytes: Uint8Array, offset = 0): CxTunnelDevice {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxTunnelDeviceSize);
  return {
    key: decodeCxTunnelDeviceKey(bytes, offset),
    binding: view.getUint32(8, true),
    router: view.getUint32(12, true),
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
  field: CxField;
  absent: number;
  nodeKind: CxNodeKind;
  nodePart: number;
  action: CxAction;
  otherwise: CxOtherwise;
  hook: CxHook;
  reason: CxReason;
  explainStep: CxExplainStep;
  explainedHead: number;
  portFlag: CxPortFlag;
  signal: CxSignal;
}

export const CxVocabularySize = 76;

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
  view.setUint32(24, inRange(value.field, 0, 4294967295, 'field'), true);
  view.setUint32(28, inRange(value.absent, 0, 4294967295, 'absent'), true);
  view.setUint32(32, inRange(value.nodeKind, 0, 4294967295, 'nodeKind'), true);
  view.setUint32(36, inRange(value.nodePart, 0, 4294967295, 'nodePart'), true);
  view.setUint32(40, inRange(value.action, 0, 4294967295, 'action'), true);
  view.setUint32(44, inRange(value.otherwise, 0, 4294967295, 'otherwise'), true);
  view.setUint32(48, inRange(value.hook, 0, 4294967295, 'hook'), true);
  view.setUint32(52, inRange(value.reason, 0, 4294967295, 'reason'), true);
  view.setUint32(56, inRange(value.explainStep, 0, 4294967295, 'explainStep'), true);
  view.setUint32(60, inRange(value.explainedHead, 0, 4294967295, 'explainedHead'), true);
  view.setUint32(64, inRange(value.portFlag, 0, 4294967295, 'portFlag'), true);
  encodeCxSignal(value.signal, into, offset + 68);
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
    field: view.getUint32(24, true) as CxField,
    absent: view.getUint32(28, true),
    nodeKind: view.getUint32(32, true) as CxNodeKind,
    nodePart: view.getUint32(36, true),
    action: view.getUint32(40, true) as CxAction,
    otherwise: view.getUint32(44, true) as CxOtherwise,
    hook: view.getUint32(48, true) as CxHook,
    reason: view.getUint32(52, true) as CxReason,
    explainStep: view.getUint32(56, true) as CxExplainStep,
    explainedHead: view.getUint32(60, true),
    portFlag: view.getUint32(64, true) as CxPortFlag,
    signal: decodeCxSignal(bytes, offset + 68),
  };
}

/** struct cx_walk */
export interface CxWalk {
  words: number[];
  choice: CxChoice;
  firstBlock: number;
  firstPolicy: number;
  firstId: number;
  nextTree: number;
  best: number;
  markDecides: number;
}

export const CxWalkSize = 128;

/** Writes padding as zero. @throws RangeError for what a field cannot hold */
export function encodeCxWalk(value: CxWalk, into = new Uint8Array(CxWalkSize), offset = 0): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + offset, CxWalkSize);
  into.fill(0, offset, offset + CxWalkSize);
  inRange(value.words.length, 0, 19, 'words.length');
  for (const [i, iItem] of value.words.entries()) {
    view.setUint32(i * 4, inRange(iItem, 0, 4294967295, 'words'), true);
  }
  encodeCxChoice(value.choice, into, offset + 76);
  view.setUint32(104, inRange(value.firstBlock, 0, 4294967295, 'firstBlock'), true);
  view.setUint32(108, inRange(value.firstPolicy, 0, 4294967295, 'firstPolicy'), true);
  view.setUint32(112, inRange(value.firstId, 0, 4294967295, 'firstId'), true);
  view.setUint32(116, inRange(value.nextTree, 0, 4294967295, 'nextTree'), true);
  view.setUint32(120, inRange(value.best, 0, 4294967295, 'best'), true);
  view.setUint32(124, inRange(value.markDecides, 0, 4294967295, 'markDecides'), true);
  return into;
}

export function decodeCxWalk(bytes: Uint8Array, offset = 0): CxWalk {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CxWalkSize);
  return {
    words: Array.from({ length: 19 }, (_, i) => view.getUint32(i * 4, true)),
    choice: decodeCxChoice(bytes, offset + 76),
    firstBlock: view.getUint32(104, true),
    firstPolicy: view.getUint32(108, true),
    firstId: view.getUint32(112, true),
    nextTree: view.getUint32(116, true),
    best: view.getUint32(120, true),
    markDecides: view.getUint32(124, true),
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

function fitBytes(value: Uint8Array, size: number, name: string): Uint8Array {
  if (value.length === size) return value;
  throw new RangeError(`${name}: ${value.length} bytes where ${size} belong`);
}
