import type { Prefix } from '../net/index.js';
import { AF, FIB_RULE_INVERT, FR_ACT, FRA } from './constants.js';
import { nameOf } from './names.js';
import { decodePrefix } from './route.js';
import { Attributes, Reader, Writer } from './wire.js';

export const RULE_ACTIONS = {
  unspec: FR_ACT.UNSPEC,
  table: FR_ACT.TO_TBL,
  goto: FR_ACT.GOTO,
  nop: FR_ACT.NOP,
  blackhole: FR_ACT.BLACKHOLE,
  unreachable: FR_ACT.UNREACHABLE,
  prohibit: FR_ACT.PROHIBIT,
} as const;
export type RuleAction = keyof typeof RULE_ACTIONS;

const NO_SUPPRESSION = 0xffffffff;

/** A rule of the routing policy database. */
export interface Rule {
  family: 4 | 6;
  priority: number;
  action: RuleAction;
  source: Prefix | undefined;
  destination: Prefix | undefined;
  /** Present together with `fwmask`. */
  fwmark: number | undefined;
  fwmask: number | undefined;
  /** 0 when the action is none that uses a table */
  table: number;
  iif: string | undefined;
  oif: string | undefined;
  /** RTPROT_* */
  protocol: number;
  l3mdev: boolean;
  invert: boolean;
  /** Routes with a prefix of at most this length are not used. */
  suppressPrefixLength: number | undefined;
  goto: number | undefined;
  ipProto: number | undefined;
  tos: number;
}

export interface RuleHeader {
  family: number;
  destinationLength?: number;
  sourceLength?: number;
  table?: number;
  action?: number;
  flags?: number;
}

/** The header struct fib_rule_hdr; a table above 255 needs FRA_TABLE too. */
export function ruleHeader(header: RuleHeader): Writer {
  const table = header.table ?? 0;
  return new Writer()
    .u8(header.family)
    .u8(header.destinationLength ?? 0)
    .u8(header.sourceLength ?? 0)
    .u8(0)
    .u8(table > 255 ? 0 : table)
    .u8(0)
    .u8(0)
    .u8(header.action ?? 0)
    .u32(header.flags ?? 0);
}

/**
 * Decodes the body of RTM_NEWRULE or RTM_DELRULE; undefined for families other than IPv4 and IPv6.
 * @throws NetlinkDecodeError
 */
export function decodeRule(body: Uint8Array): Rule | undefined {
  const header = new Reader(body);
  const family = header.u8(0);
  const flags = header.u32(8);
  if (family !== AF.INET && family !== AF.INET6) return undefined;
  const attributes = new Attributes(body.subarray(12));
  const suppress = attributes.u32(FRA.SUPPRESS_PREFIXLEN) ?? NO_SUPPRESSION;
  const prefix = (type: number, length: number): Prefix | undefined =>
    attributes.has(type) ? decodePrefix(family, attributes.address(type), length) : undefined;
  const marks = readMark(attributes);
  return {
    family: family === AF.INET ? 4 : 6,
    priority: attributes.u32(FRA.PRIORITY) ?? 0,
    action: nameOf(RULE_ACTIONS, header.u8(7), 'unspec'),
    source: prefix(FRA.SRC, header.u8(2)),
    destination: prefix(FRA.DST, header.u8(1)),
    ...marks,
    table: attributes.u32(FRA.TABLE) ?? header.u8(4),
    iif: attributes.string(FRA.IIFNAME),
    oif: attributes.string(FRA.OIFNAME),
    protocol: attributes.u8(FRA.PROTOCOL) ?? 0,
    l3mdev: (attributes.u8(FRA.L3MDEV) ?? 0) !== 0,
    invert: (flags & FIB_RULE_INVERT) !== 0,
    suppressPrefixLength: suppress === NO_SUPPRESSION ? undefined : suppress,
    goto: attributes.u32(FRA.GOTO),
    ipProto: attributes.u8(FRA.IP_PROTO),
    tos: header.u8(3),
  };
}

function readMark(attributes: Attributes): Pick<Rule, 'fwmark' | 'fwmask'> {
  const fwmark = attributes.u32(FRA.FWMARK);
  const fwmask = attributes.u32(FRA.FWMASK);
  if (fwmark === undefined && fwmask === undefined) return { fwmark, fwmask };
  return { fwmark: fwmark ?? 0, fwmask: fwmask ?? 0xffffffff };
}

export function ruleKey(rule: Rule): string {
  return JSON.stringify(rule);
}
