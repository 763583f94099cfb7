import { Prefix } from '../net/index.js';
import { AF, FIB_RULE_INVERT, FRA, RTPROT } from './constants.js';
import type { Mode } from './mode.js';
import { RULE_ACTIONS, type RuleAction, ruleHeader } from './rule.js';
import type { Writer } from './wire.js';

export interface RuleSpec {
  priority: number;
  /** Default: that of the prefixes, else 6 */
  family?: 4 | 6 | undefined;
  source?: Prefix | string | undefined;
  destination?: Prefix | string | undefined;
  fwmark?: number | undefined;
  fwmask?: number | undefined;
  table?: number | undefined;
  /** Default: table */
  action?: RuleAction | undefined;
  iif?: string | undefined;
  oif?: string | undefined;
  /** RTPROT_*, default STATIC */
  protocol?: number | undefined;
  l3mdev?: boolean | undefined;
  invert?: boolean | undefined;
  suppressPrefixLength?: number | undefined;
  /** Priority of the rule to go on with. */
  goto?: number | undefined;
  /** IPPROTO_* */
  ipProto?: number | undefined;
  mode?: Exclude<Mode, 'replace'> | undefined;
}

function writer(spec: RuleSpec, protocol: number | undefined): Writer {
  const source = spec.source === undefined ? undefined : Prefix.from(spec.source);
  const destination = spec.destination === undefined ? undefined : Prefix.from(spec.destination);
  const family = spec.family ?? source?.family ?? destination?.family ?? 6;
  return ruleHeader({
    family: family === 4 ? AF.INET : AF.INET6,
    destinationLength: destination?.length ?? 0,
    sourceLength: source?.length ?? 0,
    table: spec.table ?? 0,
    action: RULE_ACTIONS[spec.action ?? (spec.goto === undefined ? 'table' : 'goto')],
    flags: spec.invert ? FIB_RULE_INVERT : 0,
  })
    .attributeAddress(FRA.DST, destination?.address)
    .attributeAddress(FRA.SRC, source?.address)
    .attributeString(FRA.IIFNAME, spec.iif)
    .attributeString(FRA.OIFNAME, spec.oif)
    .attributeU32(FRA.GOTO, spec.goto)
    .attributeU32(FRA.PRIORITY, spec.priority)
    .attributeU32(FRA.FWMARK, spec.fwmark)
    .attributeU32(FRA.FWMASK, spec.fwmask)
    .attributeU32(FRA.SUPPRESS_PREFIXLEN, spec.suppressPrefixLength)
    .attributeU32(FRA.TABLE, spec.table)
    .attributeU8(FRA.L3MDEV, spec.l3mdev ? 1 : undefined)
    .attributeU8(FRA.IP_PROTO, spec.ipProto)
    .attributeU8(FRA.PROTOCOL, protocol);
}

export function newRuleBody(spec: RuleSpec): Uint8Array {
  return writer(spec, spec.protocol ?? RTPROT.STATIC).finish();
}

/** What the spec leaves out matches anything. */
export function deleteRuleBody(spec: RuleSpec): Uint8Array {
  return writer(spec, spec.protocol).finish();
}

export function describeRule(spec: RuleSpec): string {
  const words = [`rule ${spec.priority}:`];
  if (spec.source !== undefined) words.push(`from ${spec.source}`);
  if (spec.destination !== undefined) words.push(`to ${spec.destination}`);
  if (spec.fwmark !== undefined) words.push(`fwmark 0x${spec.fwmark.toString(16)}`);
  if (spec.iif !== undefined) words.push(`iif ${spec.iif}`);
  if (spec.oif !== undefined) words.push(`oif ${spec.oif}`);
  words.push(
    spec.action === undefined || spec.action === 'table' ? `lookup ${spec.table ?? ''}` : spec.action,
  );
  return words.join(' ');
}
