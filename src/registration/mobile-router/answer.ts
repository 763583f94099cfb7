/** What an answer of the home agent changes. */
import {
  type BindingAcknowledgement,
  type BindingIdentifierOption,
  FIRST_REFUSAL,
} from '../../mobility/index.js';
import type { BindingEntry } from './binding-entry.js';
import type { BindingUpdateList } from './binding-update-list.js';
import type { Exchange, Item } from './exchange.js';
import type { FlowList } from './flow-list.js';
import type { HomeAgentLimits } from './home-agent-limits.js';
import { type Reception, type RegistrationChange, understood } from './reception.js';
import { bindingStatus, type StatusVerdict, verdictOf } from './status-verdict.js';
import { AUTHENTICATION_WAIT, PROHIBITED_WAIT } from './timing.js';

/** What is known of the home agent. */
export interface Knowledge {
  readonly list: BindingUpdateList;
  readonly flows: FlowList;
  readonly limits: HomeAgentLimits;
}

/** An answer and what it is about; statuses 135 and 144 are none of its business. */
export interface Answer {
  readonly message: BindingAcknowledgement;
  readonly exchange: Exchange;
  /** Nothing was sent after it. */
  readonly isLatest: boolean;
}

/** Of a Binding Update that registers or removes bindings. */
export function applyAnswer(knowledge: Knowledge, answer: Answer, now: number): Reception {
  const { list, flows, limits } = knowledge;
  const { message, exchange, isLatest } = answer;
  const { status } = message;
  const isRefused = status >= FIRST_REFUSAL;
  if (!isRefused && exchange.lifetime > 0 && !message.flags.includes('mobile-router')) {
    limits.refuseRouters(now);
    list.forgetAll();
    flows.forget();
    return understood('not-mobile-router', [], status);
  }
  const identifiers = new Map<number, BindingIdentifierOption>();
  for (const option of message.options) {
    if (option.type === 'binding-identifier' && !identifiers.has(option.bid))
      identifiers.set(option.bid, option);
  }
  if (!isRefused && exchange.form === 'bindings' && exchange.lifetime > 0 && identifiers.size === 0) {
    // It has read a Binding Update as RFC 3963 has it: one binding, the address that it came from.
    limits.useSingle('not-supported', now);
    list.forgetAll();
    flows.forget();
    return understood('not-multiple', [], status);
  }
  const changes: RegistrationChange[] = [];
  const accepted: number[] = [];
  for (const item of exchange.items) {
    const own = identifiers.get(item.bid);
    const itsStatus = statusOf(answer, own, identifiers.size > 0);
    if (isDone(item, itsStatus)) accepted.push(item.bid);
    changes.push(...applyItem(knowledge, answer, item, itsStatus, now));
  }
  if (!isRefused && isLatest) {
    if (exchange.overwrite || exchange.form === 'single') {
      // Everything else at the home agent has ended (RFC 5648 section 6.2).
      changes.push(...list.keepOnly(accepted));
      if (exchange.form === 'single') flows.forget();
      else limits.overwrite = false;
    }
    if (exchange.form === 'bindings' && flows.answered(exchange.flows, message.options, now)) {
      list.refreshSoon(undefined, now);
    }
  }
  const isAll = accepted.length === exchange.items.length;
  const outcome = isAll ? 'accepted' : accepted.length > 0 ? 'partly-accepted' : 'refused';
  return understood(outcome, changes, status);
}

/** A binding that is not there needs no removal. */
function isDone({ kind }: Item, status: number | undefined): boolean {
  const verdict = status === undefined ? 'refused' : verdictOf(status);
  return verdict === 'accepted' || (kind === 'remove' && verdict === 'unknown-here');
}

/** Of one binding; undefined: the answer should name it and does not. */
function statusOf(
  { message, exchange }: Answer,
  own: BindingIdentifierOption | undefined,
  namesOthers: boolean,
): number | undefined {
  if (exchange.form === 'single') return message.status;
  const isNamed = own !== undefined || message.status >= FIRST_REFUSAL;
  if (!isNamed && (exchange.lifetime > 0 || namesOthers)) return undefined;
  return bindingStatus(message.status, own?.status ?? 0);
}

function applyItem(
  knowledge: Knowledge,
  { message, exchange }: Answer,
  item: Item,
  status: number | undefined,
  now: number,
): RegistrationChange[] {
  const { list } = knowledge;
  const entry = list.get(item.bid);
  if (!entry?.isCurrent(item)) return [];
  const verdict = status === undefined ? 'refused' : verdictOf(status);
  const before = entry.registered;
  const isAgain = entry.status === status;
  entry.attempts = 0;
  entry.status = status;
  if (item.kind === 'remove') {
    if (isDone(item, status)) return list.removed(entry);
  } else if (verdict === 'accepted') {
    if (exchange.lifetime === 0) {
      entry.acceptHome(item, now);
    } else if (message.lifetime > 0) {
      entry.accept(item, exchange, message.lifetime, now);
    } else {
      // Nothing was granted; to ask again at once would never end.
      entry.refuse(now);
      return [list.refusal(entry)];
    }
    const isNews = !before?.careOf.equals(item.careOf);
    return isNews ? [{ type: 'registered', bid: item.bid, careOf: item.careOf }] : [];
  }
  if (isAgain || !isAnotherWay(knowledge, message, exchange, item, now))
    refuse(knowledge, entry, verdict, now);
  return entry.refused ? [list.refusal(entry)] : [];
}

/**
 * Whether the binding is to be sent again at once, in a way that the status does not speak against. The same status
 * once more is a refusal: nothing goes on for ever.
 */
function isAnotherWay(
  { list, limits }: Knowledge,
  { status }: BindingAcknowledgement,
  { form, overwrite, items }: Exchange,
  item: Item,
  now: number,
): boolean {
  const entry = list.get(item.bid);
  switch (entry?.status === undefined ? 'refused' : verdictOf(entry.status)) {
    case 'plain-binding-exists':
      limits.overwrite = true;
      return !overwrite;
    case 'multiple-prohibited':
      if (form === 'single') return false;
      limits.useSingle('prohibited', now);
      list.unregisterAll();
      return true;
    case 'bulk-prohibited':
      if (items.length === 1) return false;
      limits.useIndividual(now);
      if (item.kind === 'register') list.unregisterAll();
      return true;
    case 'malformed':
      // It does not say which of them.
      if (items.length === 1 || status < FIRST_REFUSAL) return false;
      limits.useIndividual(now);
      return true;
    case 'home-prohibited': {
      const home = list.home;
      if (home === undefined || home === entry) return false;
      home.hold(now + PROHIBITED_WAIT);
      return true;
    }
    case 'care-of-unknown':
      // It was in the option: something is lost at the home agent.
      entry?.forget();
      list.refreshSoon(undefined, now);
      return true;
    default:
      return false;
  }
}

function refuse({ limits }: Knowledge, entry: BindingEntry, verdict: StatusVerdict, now: number): void {
  switch (verdict) {
    case 'home-prohibited':
    case 'malformed':
      entry.hold(now + PROHIBITED_WAIT);
      break;
    case 'unauthenticated':
      entry.hold(now + AUTHENTICATION_WAIT);
      limits.pause(now + AUTHENTICATION_WAIT);
      break;
    case 'care-of-unknown':
    case 'unknown-here':
      entry.forget();
      entry.refuse(now);
      break;
    default:
      entry.refuse(now);
  }
}
