/** A home agent's policies for the flows that a mobile router registers (RFC 6089). */
import type { FlowIdentificationOption } from '../../mobility/index.js';
import { BINDINGS_PER_POLICY, type Policy, RANGE_FIELDS } from '../../policy/index.js';
import { asksForExtensionHeader, selectorOfWire } from './wire-selector.js';

/** One flow with all that it consists of; what an option left out because the FID has it is filled in. */
export type Flow = Pick<FlowIdentificationOption, 'fid' | 'priority' | 'bids' | 'selector'>;

/** Why a flow is not taken. */
export interface FlowRefusal {
  /**
   * Status of the answer (RFC 6089 section 4.2): 129 is what this home agent cannot do, 130 is malformed, 133 a format of
   * selectors that it does not know.
   */
  readonly refused: 129 | 130 | 133;
  readonly reason: string;
}

/**
 * The policy of a flow, for packets towards the router, so that nothing is mirrored. Its FID and priority are those of the
 * wire; {@link mergePolicies} gives them their place in the table. Several BIDs get a copy each (RFC 6089 section 5.3.6).
 *
 * A selector's "next header" is the protocol behind all extension headers, as everywhere here.
 */
export function policyOfFlow({ fid, priority, bids, selector }: Flow): Policy | FlowRefusal {
  if (fid === 0) return { refused: 130, reason: 'the FID is 0' };
  if (priority === 0) return { refused: 130, reason: 'the FID-PRI is 0' };
  const bindings = [...new Set(bids)];
  const [only] = bindings;
  if (only === undefined) return { refused: 130, reason: 'there is no Binding Reference' };
  if (bindings.length > BINDINGS_PER_POLICY) {
    const reason = `it has ${bindings.length} BIDs, ${BINDINGS_PER_POLICY} are the most that can get a copy`;
    return { refused: 129, reason };
  }
  if (selector === undefined) return { refused: 130, reason: 'there is no Traffic Selector' };
  if (selector.type === 'other') {
    return { refused: 133, reason: `traffic selectors of format ${selector.format} are not known` };
  }
  if (selector.type === 'ipv4') {
    return { refused: 133, reason: 'IPv4 is not carried, so that its traffic selectors are not supported' };
  }
  if (selector.spi !== undefined && selector.spi.high < RANGE_FIELDS.spi.low) {
    return { refused: 130, reason: 'the SPI is 0, which no packet has' };
  }
  if (asksForExtensionHeader(selector)) {
    const reason = `${selector.protocol?.low} is an extension header, packets are known by the protocol behind it`;
    return { refused: 129, reason };
  }
  return {
    fid,
    name: `flow-${fid}`,
    priority,
    selector: selectorOfWire(selector),
    action: bindings.length === 1 ? { kind: 'use', bindings: [only] } : { kind: 'copy', bindings },
    otherwise: 'next',
  };
}

/**
 * The policies of the flows that a router has registered. A flow stays when its BIDs are gone (RFC 6089 section 4.3), but a
 * policy names bindings that there are: a flow without any is left out, which is the same as an inactive one.
 * @param bids of all bindings of the router, whether they carry packets or not
 */
export function policiesOfFlows(
  flows: readonly (Flow & { readonly bids: readonly number[] })[],
  bids: ReadonlySet<number>,
): Policy[] {
  return flows.flatMap((flow) => {
    const known = flow.bids.filter((bid) => bids.has(bid));
    const policy = policyOfFlow({ ...flow, bids: known });
    return 'refused' in policy ? [] : [policy];
  });
}

/** What is above all FIDs and priorities of a configuration and of the wire. */
const BEHIND = 0x1_0000;

/**
 * Where a flow's policy is in the table of its router, and its counters with it: behind all FIDs that a configuration can
 * have, so that the one never depends on the other.
 */
export function tableFid(fid: number): number {
  return BEHIND + fid;
}

/** The other way round: the FID on the wire of what has a `tableFid`; undefined for a policy of a configuration. */
export function wireFid(fid: number): number | undefined {
  return fid > BEHIND ? fid - BEHIND : undefined;
}

/**
 * All policies of one router at its home agent, in the order in which they are asked: those of the configuration, which
 * are as they were, then those of flows by FID-PRI. So the operator of the home agent has the first word, and a
 * configured policy without a selector hides all flows.
 *
 * A flow's policy has {@link tableFid} and a priority behind all configured ones. A name that the configuration has, too,
 * gets a prime.
 * @param flows of {@link policyOfFlow}, each FID once; of two with the same priority the lower FID comes first
 */
export function mergePolicies(configured: readonly Policy[], flows: readonly Policy[]): readonly Policy[] {
  const merged = [...configured].sort(byPriority);
  const names = new Set(configured.map(({ name }) => name));
  let next = BEHIND;
  for (const flow of [...flows].sort(byPriority)) {
    let { name } = flow;
    while (names.has(name)) name = `${name}'`;
    const priority = Math.max(next, BEHIND + flow.priority);
    next = priority + 1;
    merged.push({ ...flow, fid: tableFid(flow.fid), name, priority });
  }
  return merged;
}

function byPriority(a: Policy, b: Policy): number {
  return a.priority - b.priority || a.fid - b.fid;
}
