import { Address } from '../net/index.js';
import {
  IPPROTO,
  XFRM_POLICY,
  XFRM_POLICY_ACTION,
  XFRM_POLICY_TYPE,
  XFRM_USERPOLICY_BLOCK,
  XFRMA,
} from './constants.js';
import { NetlinkError } from './errors.js';
import { nameOf } from './names.js';
import { Attributes, Reader, Writer } from './wire.js';
import {
  anyAddress,
  familyNumber,
  familyOf,
  formatHex,
  formatProtocol,
  readAddress,
  readIfId,
  readMark,
  writeAddress,
  writeMark,
  writeUnlimited,
  XFRM_MODES,
  type XfrmMark,
  type XfrmMode,
} from './xfrm-common.js';
import {
  decodeSelector,
  formatSelector,
  SELECTOR_LENGTH,
  selectedPrefixes,
  writeSelector,
  type XfrmSelector,
  type XfrmSelectorSpec,
} from './xfrm-selector.js';

const DIRECTIONS = { in: XFRM_POLICY.IN, out: XFRM_POLICY.OUT, fwd: XFRM_POLICY.FWD } as const;
/** Which packets meet a policy: those for this machine, those that leave it, those that it passes on. */
export type XfrmDirection = keyof typeof DIRECTIONS;

const ACTIONS = { allow: XFRM_POLICY_ACTION.ALLOW, block: XFRM_POLICY_ACTION.BLOCK } as const;
export type XfrmAction = keyof typeof ACTIONS;

const TYPES = { main: XFRM_POLICY_TYPE.MAIN, sub: XFRM_POLICY_TYPE.SUB } as const;

/** What a packet must be protected with, or is protected with from then on. */
export interface XfrmTemplate {
  /** Of the outer header in tunnel mode, unspecified for any. */
  source: Address;
  destination: Address;
  /** 0 for any */
  spi: number;
  /** IPPROTO_ESP, _AH or _COMP */
  protocol: number;
  reqid: number;
  mode: XfrmMode;
  /** Also without (`level use`). */
  optional: boolean;
}

export interface XfrmTemplateSpec {
  /** Default any */
  source?: Address | string | undefined;
  /** Default any */
  destination?: Address | string | undefined;
  /** Default 0, any */
  spi?: number | undefined;
  /** IPPROTO_*, default ESP */
  protocol?: number | undefined;
  /** Default 0, any */
  reqid?: number | undefined;
  mode: XfrmMode;
  optional?: boolean | undefined;
}

/** What makes two policies the same one. */
export interface XfrmPolicyId {
  direction: XfrmDirection;
  selector: XfrmSelectorSpec;
  /** Interface id of the xfrm interface that it belongs to; undefined or 0: of packets that pass none. */
  ifId?: number | undefined;
  mark?: XfrmMark | undefined;
}

export interface XfrmPolicySpec extends XfrmPolicyId {
  /** Lower ones are asked first; default 0. */
  priority?: number | undefined;
  /** Default allow */
  action?: XfrmAction | undefined;
  /** None: packets that match are let through as they are. */
  templates?: readonly XfrmTemplateSpec[] | undefined;
}

/** A policy of the kernel's IPsec. */
export interface XfrmPolicy extends XfrmPolicyId {
  selector: XfrmSelector;
  /** Undefined if it belongs to no xfrm interface. */
  ifId: number | undefined;
  /** Undefined if it asks for none. */
  mark: XfrmMark | undefined;
  priority: number;
  action: XfrmAction;
  templates: readonly XfrmTemplate[];
  /** A packet meets the first of each type. */
  type: 'main' | 'sub';
}

/** What becomes of packets that no policy matches. */
export type XfrmDefaults = Readonly<Record<XfrmDirection, 'accept' | 'block'>>;

export const DEFAULTS_OPEN: XfrmDefaults = { in: 'accept', out: 'accept', fwd: 'accept' };

/** struct xfrm_userpolicy_info, struct xfrm_user_tmpl, struct xfrm_userpolicy_default */
const [POLICY_LENGTH, TEMPLATE_LENGTH, DEFAULTS_LENGTH] = [168, 64, 3];

/** The kernel's limit (XFRM_MAX_DEPTH, net/xfrm.h). */
const MOST_TEMPLATES = 6;

/**
 * Decodes the body of XFRM_MSG_NEWPOLICY; undefined for the policy of a socket.
 * @throws NetlinkDecodeError
 */
export function decodePolicy(body: Uint8Array): XfrmPolicy | undefined {
  const reader = new Reader(body);
  const number = reader.u8(160);
  const direction = (Object.keys(DIRECTIONS) as XfrmDirection[]).find((one) => DIRECTIONS[one] === number);
  if (direction === undefined) return undefined;
  const attributes = new Attributes(body.subarray(POLICY_LENGTH));
  return {
    direction,
    selector: decodeSelector(body.subarray(0, SELECTOR_LENGTH)),
    priority: reader.u32(152),
    action: nameOf(ACTIONS, reader.u8(161), 'block'),
    ifId: readIfId(attributes),
    mark: readMark(attributes),
    templates: decodeTemplates(attributes.bytes(XFRMA.TMPL) ?? new Uint8Array()),
    type: nameOf(TYPES, attributes.u8(XFRMA.POLICY_TYPE) ?? TYPES.main, 'main'),
  };
}

function decodeTemplates(bytes: Uint8Array): XfrmTemplate[] {
  const templates: XfrmTemplate[] = [];
  for (let offset = 0; offset < bytes.length; offset += TEMPLATE_LENGTH) {
    const one = bytes.subarray(offset, offset + TEMPLATE_LENGTH);
    const reader = new Reader(one);
    const family = familyOf(reader.u16(24));
    templates.push({
      source: readAddress(one, 28, family),
      destination: readAddress(one, 0, family),
      spi: reader.be32(16),
      protocol: reader.u8(20),
      reqid: reader.u32(44),
      mode: nameOf(XFRM_MODES, reader.u8(48), 'unknown'),
      optional: reader.u8(50) !== 0,
    });
  }
  return templates;
}

/** Body of XFRM_MSG_UPDPOLICY. @throws NetlinkError NETLINK_ARGUMENT */
export function putPolicyBody(spec: XfrmPolicySpec, attempted: string): Uint8Array {
  const { templates = [] } = spec;
  if (templates.length > MOST_TEMPLATES) {
    const message = `Cannot ${attempted}: the kernel takes ${MOST_TEMPLATES} templates, not ${templates.length}`;
    throw new NetlinkError('NETLINK_ARGUMENT', message, { attempted });
  }
  const writer = new Writer();
  writeSelector(writer, spec.selector, attempted);
  writeUnlimited(writer);
  writer
    .u32(spec.priority ?? 0)
    .u32(0)
    .u8(DIRECTIONS[spec.direction])
    .u8(ACTIONS[spec.action ?? 'allow'])
    .zeros(POLICY_LENGTH - 162);
  if (templates.length > 0) {
    const { family } = selectedPrefixes(spec.selector).source;
    const list = new Writer();
    for (const template of templates) writeTemplate(list, template, family);
    writer.attribute(XFRMA.TMPL, list.finish());
  }
  return writeIdentity(writer, spec).finish();
}

function writeTemplate(writer: Writer, spec: XfrmTemplateSpec, selected: 4 | 6): void {
  const source = spec.source === undefined ? undefined : Address.from(spec.source);
  const destination = spec.destination === undefined ? undefined : Address.from(spec.destination);
  const family = destination?.family ?? source?.family ?? selected;
  writeAddress(writer, destination ?? anyAddress(family));
  writer
    .be32(spec.spi ?? 0)
    .u8(spec.protocol ?? IPPROTO.ESP)
    .zeros(3)
    .u16(familyNumber(family))
    .zeros(2);
  writeAddress(writer, source ?? anyAddress(family));
  writer
    .u32(spec.reqid ?? 0)
    .u8(XFRM_MODES[spec.mode])
    .u8(0)
    .u8(spec.optional ? 1 : 0)
    .zeros(1);
  // Any algorithm.
  for (let kind = 0; kind < 3; kind++) writer.u32(0xffffffff);
}

function writeIdentity(writer: Writer, id: XfrmPolicyId): Writer {
  writeMark(writer, id.mark);
  return writer.attributeU32(XFRMA.IF_ID, id.ifId || undefined);
}

/** Body of XFRM_MSG_DELPOLICY. @throws NetlinkError NETLINK_ARGUMENT */
export function deletePolicyBody(id: XfrmPolicyId, attempted: string): Uint8Array {
  const writer = new Writer();
  writeSelector(writer, id.selector, attempted);
  writer.u32(0).u8(DIRECTIONS[id.direction]).zeros(3);
  return writeIdentity(writer, id).finish();
}

/** Body of XFRM_MSG_GETDEFAULT. */
export function getDefaultsBody(): Uint8Array {
  return new Uint8Array(DEFAULTS_LENGTH);
}

/** Decodes the body of XFRM_MSG_GETDEFAULT. @throws NetlinkDecodeError */
export function decodeDefaults(body: Uint8Array): XfrmDefaults {
  const reader = new Reader(body);
  const word = (offset: number) => (reader.u8(offset) === XFRM_USERPOLICY_BLOCK ? 'block' : 'accept');
  return { in: word(0), fwd: word(1), out: word(2) };
}

/** `src A dst B dir out if_id 0x1`, in the words of iproute2. */
export function formatPolicyId(id: XfrmPolicyId): string {
  return [
    formatSelector(id.selector),
    `dir ${id.direction}`,
    ...(id.mark ? [`mark ${formatHex(id.mark.value)}/${formatHex(id.mark.mask)}`] : []),
    ...(id.ifId ? [`if_id ${formatHex(id.ifId)}`] : []),
  ].join(' ');
}

/** A policy in one line, in the words of iproute2. */
export function formatXfrmPolicy(policy: XfrmPolicy): string {
  const templates = policy.templates.map(({ source, destination, protocol, mode, optional }) => {
    const ends = source.isUnspecified && destination.isUnspecified ? '' : `src ${source} dst ${destination} `;
    return ` tmpl ${ends}proto ${formatProtocol(protocol)} mode ${mode}${optional ? ' level use' : ''}`;
  });
  const action = policy.action === 'block' ? ' action block' : '';
  return `${formatPolicyId(policy)}${action}${templates.join('')}`;
}
