/** The flows of a mobile router's policies (RFC 6089): what it can ask its home agent to do with packets towards it. */
import type { FlowIdentificationOption } from '../../mobility/index.js';
import { bindingsOf, canMatchSame, type Policy, type PolicyBinding } from '../../policy/index.js';
import { FLOWS_PER_POLICY, type FlowNumbers, numberFlows } from './flow-numbers.js';
import { FlowRoom, type UnnumberedFlow } from './flow-room.js';
import { mirroredSelectors } from './wire-selector.js';

export interface FlowContext {
  /** All bindings of the router: `otherwise: default` is about those that the policy does not list. */
  readonly bindings: readonly PolicyBinding[];
  /**
   * Bytes that flows may take of a Binding Update, with their padding: what the other options leave of 2048, less 16 for
   * the padding of the two that may follow (replay protection, authentication). What a header cannot have is not used.
   */
  readonly room: number;
}

/** A policy that the home agent is not told, and why, in words that follow its name. */
export interface LocalPolicy {
  readonly fid: number;
  readonly name: string;
  readonly reason: string;
}

/** Where the home agent does something else than the policies say, although it is told this one. */
export interface FlowRemark {
  readonly fid: number;
  readonly name: string;
  readonly remark: string;
}

/** What of a mobile router's policies travels, and what does not. */
export interface PolicyFlows {
  /** In the order of FID-PRI, with status 0; all have BIDs and a selector. */
  readonly flows: readonly FlowIdentificationOption[];
  /** In the order of priority. */
  readonly local: readonly LocalPolicy[];
  /** In the order of priority; about policies that travel. */
  readonly remarks: readonly FlowRemark[];
  /** FIDs on the wire by the FID of the policy, for those that travel. */
  readonly expressed: ReadonlyMap<number, readonly number[]>;
}

/**
 * Translates policies into flow bindings. The answer depends on the input alone, in whatever order it is, and a policy's
 * flows keep their numbers when others change (see {@link numberFlows}).
 *
 * Each rung of a policy's fall-back is a flow of its own: the home agent skips those without a registered binding
 * (RFC 6089 section 4.3) and copies to all BIDs of one flow (section 5.3.6). Flows have no "or" (RFC 6088), so that each
 * combination of ranges is one, too. A policy travels as a whole or not at all. When room ends, it and all behind it stay:
 * a lower one alone would take what the higher one is about.
 */
export function flowsOfPolicies(policies: readonly Policy[], context: FlowContext): PolicyFlows {
  const inOrder = [...policies].sort((a, b) => a.priority - b.priority || a.fid - b.fid);
  const reserved = new Set(policies.map(({ fid }) => fid));
  const room = new FlowRoom(context.room, HIGHEST_FID - reserved.size);
  const travelling: { readonly policy: Policy; readonly parts: readonly UnnumberedFlow[] }[] = [];
  const local: LocalPolicy[] = [];
  const outranking: Policy[] = [];
  const remarks = new Remarks();
  for (const policy of inOrder) {
    const { fid, name } = policy;
    const expressed = express(policy, context.bindings);
    if ('reason' in expressed) {
      local.push({ fid, name, reason: expressed.reason });
      outranking.push(policy);
    } else if (room.take(expressed.parts)) {
      travelling.push({ policy, parts: expressed.parts });
      remarks.add(policy, outranking);
    } else {
      local.push({ fid, name, reason: NO_ROOM });
    }
  }
  const numbers = numberFlows(
    travelling.map(({ policy: { fid, priority }, parts }) => ({ fid, priority, count: parts.length })),
    reserved,
  );
  return {
    flows: travelling.flatMap(({ policy, parts }) => flowsOf(parts, numbers.get(policy.fid) as FlowNumbers)),
    local,
    remarks: remarks.all,
    expressed: new Map([...numbers].map(([fid, { fids }]) => [fid, fids])),
  };
}

/**
 * The flows that a home agent takes while it knows these BIDs only; about another it answers status 131 (RFC 6089 section
 * 5.3.2.1). A flow without any is left out, which is the same as an inactive one.
 * @param bids of the bindings that are registered, or are registered by the same Binding Update
 */
export function flowsOfBindings(
  flows: readonly FlowIdentificationOption[],
  bids: ReadonlySet<number>,
): FlowIdentificationOption[] {
  return flows.flatMap((flow) => {
    const known = flow.bids?.filter((bid) => bids.has(bid));
    if (known?.length === flow.bids?.length) return [flow];
    return known?.length === 0 ? [] : [{ ...flow, bids: known }];
  });
}

const HIGHEST_FID = 0xffff;
const NO_ROOM = 'there is no room for it and all behind it: the Binding Update is full, or no FID is free';

function express(
  policy: Policy,
  bindings: readonly PolicyBinding[],
): { readonly parts: readonly UnnumberedFlow[] } | { readonly reason: string } {
  const rungs = rungsOf(policy, bindings);
  const mirrored = mirroredSelectors(policy.selector);
  const reasons = [
    ...('reason' in rungs ? [rungs.reason] : []),
    ...('reasons' in mirrored ? mirrored.reasons : []),
  ];
  if ('reason' in rungs || 'reasons' in mirrored) return { reason: reasons.join('; ') };
  const combinations = 'combinations' in mirrored ? mirrored.combinations : mirrored.selectors.length;
  const count = combinations * rungs.bids.length;
  if ('combinations' in mirrored || count > FLOWS_PER_POLICY) {
    return {
      reason: `its ranges and bindings make ${count} flows, ${FLOWS_PER_POLICY} are the most: write fewer or wider ranges`,
    };
  }
  return { parts: rungs.bids.flatMap((bids) => mirrored.selectors.map((selector) => ({ bids, selector }))) };
}

/** What is tried one after the other, each a list of BIDs that get a copy. */
function rungsOf(
  { action, otherwise }: Policy,
  bindings: readonly PolicyBinding[],
): { readonly bids: readonly (readonly number[])[] } | { readonly reason: string } {
  switch (action.kind) {
    case 'balance':
      return { reason: 'it balances, and a flow can only be given one binding or copied to several' };
    case 'drop':
      return { reason: 'it drops, and RFC 6089 has no such action' };
    case 'bypass':
      return { reason: 'it bypasses the home agent, which has no other way to this router' };
    case 'use':
    case 'copy': {
      const listed = [...new Set(bindingsOf(action))];
      const first = action.kind === 'copy' ? [listed] : listed.map((bid) => [bid]);
      const last = otherwise === 'default' ? othersInOrder(bindings, new Set(listed)) : [];
      return { bids: [...first, ...last.map((bid) => [bid])] };
    }
  }
}

/** The default while none of the listed bindings is usable: the others in the order of BID-PRI, then of BID. */
function othersInOrder(bindings: readonly PolicyBinding[], listed: ReadonlySet<number>): number[] {
  return bindings
    .filter(({ bid }) => !listed.has(bid))
    .sort((a, b) => a.priority - b.priority || a.bid - b.bid)
    .map(({ bid }) => bid);
}

function flowsOf(
  parts: readonly UnnumberedFlow[],
  { fids, priorities }: FlowNumbers,
): FlowIdentificationOption[] {
  return parts.map(({ bids, selector }, position) => ({
    type: 'flow-identification',
    fid: fids[position] as number,
    priority: priorities[position] as number,
    status: 0,
    bids,
    selector,
    others: [],
  }));
}

/** Names in one remark. */
const NAMED = 3;
/** Pairs of policies that are compared for all remarks together: some tens of milliseconds. */
const MOST_COMPARED = 200_000;

class Remarks {
  readonly all: FlowRemark[] = [];
  #left = MOST_COMPARED;

  /** @param outranking local policies that are asked before this one */
  add(policy: Policy, outranking: readonly Policy[]): void {
    const { fid, name } = policy;
    if (policy.otherwise === 'drop') {
      const remark =
        'while none of its bindings is registered, the home agent does not drop but goes on to what follows';
      this.all.push({ fid, name, remark });
    }
    this.#left -= outranking.length;
    if (this.#left < 0) {
      const remark =
        'there are too many local policies before it to say whether at the home agent it decides what is for one of these';
      this.all.push({ fid, name, remark });
      return;
    }
    const missed = outranking.filter(({ selector }) => canMatchSame(selector, policy.selector));
    if (missed.length === 0) return;
    const names = missed.slice(0, NAMED).map((one) => `'${one.name}'`);
    const more = missed.length > NAMED ? ` and ${missed.length - NAMED} more` : '';
    const remark = `at the home agent it decides also what is for ${names.join(', ')}${more} here, of which the home agent is not told`;
    this.all.push({ fid, name, remark });
  }
}
