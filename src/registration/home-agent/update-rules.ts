/** What a Binding Update that is authentic and fresh does to a registration, and what is answered. */
import { type Address, FIRST_REFUSAL, OptionType } from '../../mobility/index.js';
import {
  type BindingAnswer,
  type BindingsResult,
  combineAnswers,
  registerIdentifiers,
  removeIdentifiers,
  type Term,
} from './binding-rules.js';
import { isCareOf, type RuleContext } from './care-of-rules.js';
import { type FlowAnswer, registerFlows } from './flow-rules.js';
import { networksOf } from './network-rules.js';
import { isAtHome, NOTHING, PLAIN, type Registration, withBindings } from './registration.js';
import { Status } from './status.js';
import type { UpdateRequest } from './update-request.js';

export interface Verdict {
  readonly status: number;
  /** Whether the message was there to remove bindings. */
  readonly removes: boolean;
  readonly answers: readonly BindingAnswer[];
  readonly flowAnswers: readonly FlowAnswer[];
  /** That is granted, seconds. */
  readonly lifetime: number;
  /** What it was before, if the message is refused. */
  readonly after: Registration;
}

/** So many Binding Identifiers can always be acknowledged. */
const MOST_IDENTIFIERS = 128;

/** @param source of the packet; @param now monotonic milliseconds */
export function judge(
  request: UpdateRequest,
  source: Address,
  before: Registration,
  context: RuleContext,
  now: number,
): Verdict {
  const careOf = request.alternateCareOf ?? source;
  const plain = request.identifiers.length === 0;
  // RFC 3963 section 6.2; where a BID is, H decides (RFC 5648 section 5.6.3).
  const removes = request.lifetime === 0 || (plain && careOf.equals(context.router.homeAddress));
  const refusal = refusalOf(request, before, context, removes);
  if (refusal !== undefined) return refused(refusal, request, before, removes);
  if (removes) return remove(request, before, context);
  const lifetime = Math.min(request.lifetime, context.settings.longestLifetime);
  return register(request, careOf, before, context, {
    lifetime,
    end: now + lifetime * 1000,
    linkAddress: request.linkAddress,
  });
}

/** A verdict that changes nothing; each Binding Identifier is answered all the same (RFC 5648 section 6.2). */
export function refused(
  status: number,
  request: UpdateRequest,
  before: Registration,
  removes = false,
): Verdict {
  return {
    status,
    removes,
    answers: echoOf(request),
    flowAnswers: [],
    lifetime: 0,
    after: before,
  };
}

function echoOf({ identifiers }: UpdateRequest): BindingAnswer[] {
  return identifiers.slice(0, MOST_IDENTIFIERS).map(({ bid, priority }) => ({
    bid,
    priority,
    status: Status.ACCEPTED,
  }));
}

/** What is wrong with the message as a whole. */
function refusalOf(
  request: UpdateRequest,
  before: Registration,
  { settings }: RuleContext,
  removes: boolean,
): number | undefined {
  const { identifiers, broken } = request;
  if (request.proxy) return Status.NO_PROXY;
  if (!request.home) {
    if (request.mobileRouter) return Status.NO_MOBILE_ROUTER;
    return before.bindings.length > 0 ? Status.TYPE_CHANGE : Status.PROHIBITED;
  }
  if (broken.has(OptionType.BINDING_IDENTIFIER)) return Status.MALFORMED_IDENTIFIER;
  if (identifiers.length > 0 && settings.severalCareOf === 'prohibited') return Status.IDENTIFIERS_PROHIBITED;
  if (identifiers.length > 1 && settings.bulk === 'refused') return Status.NO_BULK;
  const twice = new Set(identifiers.map(({ bid }) => bid)).size < identifiers.length;
  if (twice || identifiers.length > MOST_IDENTIFIERS) return Status.MALFORMED_IDENTIFIER;
  // Flows that are not named go, and what this one names is not known; where all go, it does not matter.
  const isWholeEnd = removes && identifiers.length === 0;
  if (broken.has(OptionType.FLOW_SUMMARY) && !isWholeEnd) return Status.UNSPECIFIED;
  if (removes) return undefined;
  if (broken.has(OptionType.MOBILE_NETWORK_PREFIX) && request.mobileRouter) return Status.INVALID_PREFIX;
  return broken.has(OptionType.ALTERNATE_CARE_OF) ? Status.INVALID_CARE_OF : undefined;
}

/** RFC 6275 section 10.3.2; with Binding Identifiers RFC 5648 section 6.2. */
function remove(request: UpdateRequest, before: Registration, context: RuleContext): Verdict {
  if (request.identifiers.length === 0) {
    if (before.bindings.length === 0) return refused(Status.NOT_HOME_AGENT, request, before, true);
    return { ...refused(Status.ACCEPTED, request, before, true), after: NOTHING };
  }
  const result = removeIdentifiers(before.bindings, request.identifiers);
  const { status, answers } = combineAnswers(result.answers, Status.ACCEPTED);
  if (status >= FIRST_REFUSAL) return { ...refused(status, request, before, true), answers };
  const { flows, answers: flowAnswers } = registerFlows(before.flows, request, result.bindings, context);
  const after = withBindings({ ...before, flows }, result.bindings);
  return { status, removes: true, answers, flowAnswers, lifetime: 0, after };
}

function register(
  request: UpdateRequest,
  careOf: Address,
  before: Registration,
  context: RuleContext,
  term: Term,
): Verdict {
  const { router, agent } = context;
  const base = request.overwrite ? NOTHING : before;
  const plain = request.identifiers.length === 0;
  if (!plain && base.bindings.some(({ bid }) => bid === PLAIN)) {
    return refused(Status.PLAIN_BINDING_EXISTS, request, before);
  }
  if (base.bindings.length > 0 && base.mobileRouter !== request.mobileRouter) {
    return refused(Status.TYPE_CHANGE, request, before);
  }
  const networks = networksOf(request, router, agent);
  if (typeof networks === 'number') return refused(networks, request, before);
  const result = plain
    ? registerPlain(careOf, term, context)
    : registerIdentifiers(base.bindings, request.identifiers, term, context);
  if (typeof result === 'number') return refused(result, request, before);
  const { status, answers } = combineAnswers(result.answers, acceptance(request, result, context));
  if (status >= FIRST_REFUSAL) return { ...refused(status, request, before), answers };
  const { bindings } = result;
  const flows = registerFlows(base.flows, request, bindings, context);
  return {
    status,
    removes: false,
    answers,
    flowAnswers: flows.answers,
    lifetime: term.lifetime,
    after: { bindings, ...networks, flows: flows.flows },
  };
}

/** RFC 3963 section 6.2: the one binding that replaces all others (RFC 5648 section 6.2), or the status that refuses it. */
function registerPlain(
  careOf: Address,
  { lifetime, end }: Term,
  context: RuleContext,
): BindingsResult | number {
  if (!isCareOf(careOf, context)) return Status.INVALID_CARE_OF;
  if (context.isTaken(careOf)) return Status.PROHIBITED;
  return { bindings: [{ bid: PLAIN, careOf, priority: 0, lifetime, end }], answers: [] };
}

/**
 * The status when nothing is refused. A router at home and abroad must not do neighbour discovery for its home address: the
 * home agent goes on to intercept its packets and cannot know that no other router is on the link (RFC 5648 section 6.3).
 */
function acceptance(
  { identifiers }: UpdateRequest,
  { bindings }: BindingsResult,
  { router }: RuleContext,
): number {
  const atHome = bindings.some(
    (binding) => isAtHome(binding, router) && identifiers.some(({ bid }) => bid === binding.bid),
  );
  return atHome ? Status.HOME_WITHOUT_DISCOVERY : Status.ACCEPTED;
}
