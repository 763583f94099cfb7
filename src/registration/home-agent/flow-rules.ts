/** The flow bindings of one Binding Update (RFC 6089 section 5.3). */
import type { FlowIdentificationOption } from '../../mobility/index.js';
import type { RuleContext } from './care-of-rules.js';
import type { Binding, FlowBinding } from './registration.js';
import { MOST_FLOWS } from './settings.js';
import { FlowStatus } from './status.js';
import type { UpdateRequest } from './update-request.js';

/** What an acknowledgement says of a flow; priority 0 where the FID is not known. */
export interface FlowAnswer {
  readonly fid: number;
  readonly priority: number;
  readonly status: number;
}

export interface FlowsResult {
  readonly flows: readonly FlowBinding[];
  /** At most so many as fit into an acknowledgement; about the others nothing is said. */
  readonly answers: readonly FlowAnswer[];
}

type Request = Pick<UpdateRequest, 'flows' | 'brokenFlows' | 'summary'>;

/**
 * @param bindings as they are after the same message: Binding Identifiers come first (section 5.3.1)
 */
export function registerFlows(
  before: readonly FlowBinding[],
  request: Request,
  bindings: readonly Binding[],
  { settings, router }: Pick<RuleContext, 'settings' | 'router'>,
): FlowsResult {
  const known = new Map(before.map((flow) => [flow.fid, flow]));
  const options = request.flows.slice(0, MOST_FLOWS);
  const refused = refusals(options, known, bindings, (flow) => settings.flowRefusal(flow, bindings, router));
  // Who names a FID wants to keep it, also where the change that it asks for is refused (section 5.3.4).
  const kept = new Set([...request.summary, ...request.brokenFlows, ...request.flows.map(({ fid }) => fid)]);
  refusePriorities(options, known, kept, refused);
  refuseTooMany(options, known, kept, refused, settings.mostFlows);
  const flows = flowsAfter(options, known, kept, refused);
  const answers: FlowAnswer[] = [
    ...options.map((option) => ({
      fid: option.fid,
      priority: option.priority,
      status: refused.get(option) ?? FlowStatus.ACCEPTED,
    })),
    ...request.brokenFlows.map((fid) => ({ fid, priority: 0, status: FlowStatus.MALFORMED })),
    ...[...new Set(request.summary)]
      .filter((fid) => !flows.some((flow) => flow.fid === fid))
      .filter((fid) => !options.some((option) => option.fid === fid))
      .map((fid) => ({ fid, priority: 0, status: FlowStatus.FID_NOT_FOUND })),
  ];
  return { flows, answers: answers.slice(0, MOST_FLOWS) };
}

type Refused = Map<FlowIdentificationOption, number>;
type Known = ReadonlyMap<number, FlowBinding>;
type FlowRule = (flow: FlowBinding) => number | undefined;

/** What is wrong with each option taken alone. */
function refusals(
  options: readonly FlowIdentificationOption[],
  known: Known,
  bindings: readonly Binding[],
  rule: FlowRule,
): Refused {
  const refused: Refused = new Map();
  // The same FID twice: all options are refused, for nobody knows what was meant (section 5.3.2).
  const twice = new Set(options.map(({ fid }) => fid)).size < options.length;
  for (const option of options) {
    const status = twice ? FlowStatus.MALFORMED : refusalOf(option, known.get(option.fid), bindings, rule);
    if (status !== undefined) refused.set(option, status);
  }
  return refused;
}

function refusalOf(
  option: FlowIdentificationOption,
  known: FlowBinding | undefined,
  bindings: readonly Binding[],
  rule: FlowRule,
): number | undefined {
  if (option.priority === 0) return FlowStatus.MALFORMED;
  const flow = flowOf(option, known);
  if (flow === undefined) return FlowStatus.MALFORMED;
  if (option.bids?.some((bid) => !bindings.some((binding) => binding.bid === bid))) {
    return FlowStatus.BID_NOT_FOUND;
  }
  return option.selector?.type === 'other' ? FlowStatus.FORMAT : rule(flow);
}

/** What an option makes of the flow that is known by its FID; undefined where something is missing. */
function flowOf(
  { fid, priority, bids, selector }: FlowIdentificationOption,
  known: FlowBinding | undefined,
): FlowBinding | undefined {
  const all = {
    bids: bids === undefined ? known?.bids : [...new Set(bids)],
    selector: selector ?? known?.selector,
  };
  if (all.bids === undefined || all.selector === undefined) return undefined;
  return { fid, priority, bids: all.bids, selector: all.selector };
}

/**
 * A priority is one flow's only (section 4.2): entries that are not to be changed have theirs, then come the options in
 * their order. A refusal can leave an entry with the priority that an earlier option took: so again until nothing changes.
 */
function refusePriorities(
  options: readonly FlowIdentificationOption[],
  known: Known,
  kept: ReadonlySet<number>,
  refused: Refused,
): void {
  for (let count = -1; count !== refused.size; ) {
    count = refused.size;
    const accepted = options.filter((option) => !refused.has(option));
    const changed = new Set(accepted.map(({ fid }) => fid));
    const taken = new Set<number>();
    for (const flow of known.values()) {
      if (kept.has(flow.fid) && !changed.has(flow.fid)) taken.add(flow.priority);
    }
    for (const option of accepted) {
      if (taken.has(option.priority)) refused.set(option, FlowStatus.MALFORMED);
      taken.add(option.priority);
    }
  }
}

function refuseTooMany(
  options: readonly FlowIdentificationOption[],
  known: Known,
  kept: ReadonlySet<number>,
  refused: Refused,
  most: number,
): void {
  let count = [...known.keys()].filter((fid) => kept.has(fid)).length;
  for (const option of options) {
    if (known.has(option.fid) || refused.has(option)) continue;
    if (count >= most) refused.set(option, FlowStatus.PROHIBITED);
    else count += 1;
  }
}

function flowsAfter(
  options: readonly FlowIdentificationOption[],
  known: Known,
  kept: ReadonlySet<number>,
  refused: Refused,
): FlowBinding[] {
  const flows = new Map([...known].filter(([fid]) => kept.has(fid)));
  for (const option of options) {
    if (refused.has(option)) continue;
    const flow = flowOf(option, flows.get(option.fid));
    if (flow !== undefined) flows.set(flow.fid, flow);
  }
  return [...flows.values()].sort((a, b) => a.priority - b.priority);
}
