/** The Binding Identifiers of one Binding Update, one after another (RFC 5648 section 6.2). */
import type { BindingIdentifierOption, MacAddress } from '../../mobility/index.js';
import { isCareOf, type RuleContext } from './care-of-rules.js';
import { type Binding, isAtHome } from './registration.js';
import { Status } from './status.js';

/** What an acknowledgement says of a binding. */
export interface BindingAnswer {
  readonly bid: number;
  readonly status: number;
  readonly priority: number;
}

export interface BindingsResult {
  readonly bindings: readonly Binding[];
  /** One for each option, in their order. */
  readonly answers: readonly BindingAnswer[];
}

/** What all bindings of a message have in common. */
export interface Term extends Pick<Binding, 'lifetime' | 'end'> {
  /** The router's on the home link. */
  readonly linkAddress: MacAddress | undefined;
}

export function registerIdentifiers(
  before: readonly Binding[],
  identifiers: readonly BindingIdentifierOption[],
  term: Term,
  context: RuleContext,
): BindingsResult {
  const bindings = new Map(before.map((binding) => [binding.bid, binding]));
  const answers = identifiers.map((option): BindingAnswer => {
    const { bid, priority } = option;
    const found = bindingFor(option, bindings, term, context);
    if (typeof found === 'number') return { bid, priority, status: found };
    bindings.set(bid, found);
    return { bid, priority, status: Status.ACCEPTED };
  });
  return { bindings: [...bindings.values()].sort((a, b) => a.bid - b.bid), answers };
}

export function removeIdentifiers(
  before: readonly Binding[],
  identifiers: readonly BindingIdentifierOption[],
): BindingsResult {
  const answers = identifiers.map(({ bid, priority }): BindingAnswer => {
    const known = before.some((binding) => binding.bid === bid);
    return { bid, priority, status: known ? Status.ACCEPTED : Status.NOT_HOME_AGENT };
  });
  const bindings = before.filter(({ bid }) => !identifiers.some((option) => option.bid === bid));
  return { bindings, answers };
}

/**
 * The status of the acknowledgement, and of the options in it: 0 there where the first holds for all of them. Where all
 * were refused, for different reasons, the first is a refusal, too, so that nobody takes it for a registration.
 */
export function combineAnswers(
  answers: readonly BindingAnswer[],
  accepted: number,
): { status: number; answers: readonly BindingAnswer[] } {
  const refused = answers.filter(({ status }) => status !== Status.ACCEPTED);
  const same = refused.every(({ status }) => status === refused[0]?.status);
  if (refused.length === answers.length && !same) return { status: Status.UNSPECIFIED, answers };
  if (refused.length > 0 && refused.length < answers.length) return { status: Status.NOT_COMPLETE, answers };
  return {
    status: refused[0]?.status ?? accepted,
    answers: answers.map((answer) => ({ ...answer, status: Status.ACCEPTED })),
  };
}

/** The binding that an option makes, or the status that refuses it. */
function bindingFor(
  { bid, home, priority, careOf }: BindingIdentifierOption,
  bindings: ReadonlyMap<number, Binding>,
  term: Term,
  context: RuleContext,
): Binding | number {
  const { settings, router } = context;
  const known = bindings.get(bid);
  if (home && settings.homeAndForeign === 'refused') return Status.NO_HOME_AND_FOREIGN;
  const address = careOf ?? known?.careOf;
  if (address === undefined) return Status.CARE_OF_UNKNOWN;
  const { lifetime, end } = term;
  const binding: Binding = { bid, careOf: address, priority, lifetime, end };
  // Without an address the binding stays where it is, at home or abroad (H is about a new one).
  const atHome = careOf === undefined ? isAtHome(binding, router) || home : home;
  if (atHome !== isAtHome(binding, router)) return Status.MALFORMED_IDENTIFIER;
  if (atHome) {
    const other = [...bindings.values()].some((one) => one.bid !== bid && isAtHome(one, router));
    if (other) return Status.MALFORMED_IDENTIFIER;
  } else if (!isCareOf(address, context)) {
    return Status.MALFORMED_IDENTIFIER;
  } else if (context.isTaken(address)) {
    return Status.PROHIBITED;
  }
  if (known === undefined && bindings.size >= router.mostBindings) return Status.NO_RESOURCES;
  // A refresh need not say it again.
  const linkAddress = atHome ? (term.linkAddress ?? known?.linkAddress) : undefined;
  return linkAddress === undefined ? binding : { ...binding, linkAddress };
}
