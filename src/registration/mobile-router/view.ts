/** What a registration looks like at a moment. */
import type { Address } from '../../mobility/index.js';
import { flowStatusText } from '../../mobility/index.js';
import type { BindingEntry } from './binding-entry.js';
import { type Situation, singleEntry } from './candidate.js';
import type { FlowState } from './flow-list.js';
import type { SingleReason } from './home-agent-limits.js';
import { statusText } from './reception.js';
import { UNANSWERED_AFTER } from './timing.js';

/**
 * - `unregistered`: nothing was sent yet
 * - `registering`: sent, never accepted
 * - `registered`: the home agent has what is wanted
 * - `updating`: the home agent has something else, such as the address before; that stays in use meanwhile
 * - `unanswered`: registered, but the home agent does not answer refreshes or changes
 * - `lapsed`: the lifetime has ended without an answer
 * - `refused`
 * - `removing`: not wanted any more, and the home agent may have it still
 * - `standby`: not the one binding of a home agent that takes one only
 */
export type BindingState =
  | 'unregistered'
  | 'registering'
  | 'registered'
  | 'updating'
  | 'unanswered'
  | 'lapsed'
  | 'refused'
  | 'removing'
  | 'standby';

export interface BindingView {
  readonly bid: number;
  readonly state: BindingState;
  readonly wanted: Address | undefined;
  /** In use at the home agent. */
  readonly registered: Address | undefined;
  /** Seconds that the home agent keeps it without a refresh; infinity at home without a binding. */
  readonly lifetimeLeft: number | undefined;
  /** Of the last answer. */
  readonly status: number | undefined;
  readonly statusText: string | undefined;
  /** Binding Updates since the last answer. */
  readonly attempts: number;
}

export interface FlowView {
  readonly fid: number;
  readonly state: FlowState | 'unsupported';
  readonly status: number | undefined;
  readonly statusText: string | undefined;
}

export interface RegistrationView {
  readonly phase: 'running' | 'closing' | 'closed';
  /** `single`: as in RFC 3963; `not-mobile-router`: nothing is registered. */
  readonly mode: 'multiple' | 'single' | 'not-mobile-router';
  readonly singleReason: SingleReason | undefined;
  /** Several bindings go into one Binding Update. */
  readonly bulk: boolean;
  /** Of the last Binding Update. */
  readonly sequence: number;
  /** One waits for its answer and keeps others waiting. */
  readonly outstanding: boolean;
  /** Seconds by which the home agent's clock is before ours. */
  readonly clockOffset: number;
  readonly bindings: readonly BindingView[];
  readonly flows: readonly FlowView[];
}

export function bindingViews(situation: Situation, now: number): BindingView[] {
  const single = situation.limits.single && singleEntry(situation);
  const entries = [...situation.entries].sort((a, b) => a.bid - b.bid);
  return entries.map((entry) => {
    const { bid, wanted, registered, status, attempts, refused } = entry;
    const isStandby = situation.limits.single !== undefined && entry !== single;
    return {
      bid,
      state: stateOf(entry, isStandby),
      wanted: wanted?.careOf,
      registered: registered?.careOf,
      lifetimeLeft: registered && Math.max(0, registered.until - now) / 1000,
      status,
      statusText: status === undefined && !refused ? undefined : statusText(status),
      attempts,
    };
  });
}

export function flowViews({ flows }: Situation): FlowView[] {
  return flows.entries.map(({ option, state, status }) => ({
    fid: option.fid,
    state: flows.isUnsupported ? 'unsupported' : state,
    status,
    statusText: status === undefined ? undefined : flowStatusText(status),
  }));
}

function stateOf(entry: BindingEntry, isStandby: boolean): BindingState {
  const { wanted, registered, attempts } = entry;
  if (!wanted) return 'removing';
  if (isStandby) return 'standby';
  if (entry.refused) return 'refused';
  if (registered && attempts >= UNANSWERED_AFTER) return 'unanswered';
  if (registered) return entry.isRight('bindings') || entry.isRight('single') ? 'registered' : 'updating';
  if (entry.lapsed) return 'lapsed';
  return attempts > 0 ? 'registering' : 'unregistered';
}
