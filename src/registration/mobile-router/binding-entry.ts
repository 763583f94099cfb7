/** One entry of the Binding Update List (RFC 6275 section 11.1, RFC 5648 section 5.1). */
import type { Address, MacAddress } from '../../mobility/index.js';
import { type Exchange, type Item, isSameContent, isSameItem } from './exchange.js';
import type { WantedBinding } from './options.js';
import { LONGEST_REFUSAL_WAIT, REFRESH_PART, REFUSAL_WAIT, REQUESTED_REFRESH_PAUSE } from './timing.js';

/** What the home agent has accepted. */
export interface Registered {
  readonly careOf: Address;
  readonly priority: number;
  readonly home: boolean;
  readonly linkAddress: MacAddress | undefined;
  readonly form: 'bindings' | 'single';
  /** Monotonic, milliseconds: accepted, ends, is to be refreshed. */
  readonly since: number;
  readonly until: number;
  readonly refreshAt: number;
}

export class BindingEntry {
  readonly bid: number;
  wanted: WantedBinding | undefined;
  registered: Registered | undefined;
  /** Ended without an answer. */
  lapsed = false;
  /** The status that was answered last; undefined: none, or the answer did not name the BID. */
  status: number | undefined;
  refused = false;
  /** Binding Updates since the last answer. */
  attempts = 0;
  /** Nothing is asked for earlier. */
  heldUntil = Number.NEGATIVE_INFINITY;
  /** The home agent may have the binding until then, answered or not. */
  possibleUntil = Number.NEGATIVE_INFINITY;
  #lastItem: Item | undefined;
  /** A Binding Update since may have ended or changed what is registered, until one is accepted. */
  #doubted = false;
  #refusals = 0;

  constructor(bid: number) {
    this.bid = bid;
  }

  /** @returns whether this is something new */
  want(wanted: WantedBinding | undefined): boolean {
    const before = this.wanted;
    if (wanted === undefined ? before === undefined : before && isSameContent(before, wanted)) return false;
    // A removal that is on its way may have been carried out.
    if (wanted && this.#lastItem?.kind === 'remove') this.registered = undefined;
    this.wanted = wanted;
    this.release();
    return true;
  }

  /** Whether the home agent has exactly what is wanted. What was sent since, and not answered, may have changed that. */
  isRight(form: 'bindings' | 'single'): boolean {
    const { wanted, registered } = this;
    return (
      wanted !== undefined &&
      registered !== undefined &&
      registered.form === form &&
      isSameContent(registered, wanted) &&
      !this.#doubted &&
      (this.#lastItem === undefined || isSameContent(this.#lastItem, registered))
    );
  }

  /** A Binding Update for another binding has left that ends all others. */
  doubt(): void {
    this.#doubted = true;
  }

  sent(item: Item, { sentAt, lifetime }: Exchange): void {
    // What is sent after it says nothing of whether this one has arrived.
    if (this.registered && !isSameContent(item, this.registered)) this.#doubted = true;
    this.#lastItem = item;
    this.attempts += 1;
    this.possibleUntil = Math.max(this.possibleUntil, sentAt + lifetime * 1000);
  }

  /** False: what was sent later says something else, so the answer is about the past. */
  isCurrent(item: Item): boolean {
    return isSameItem(this.#lastItem, item);
  }

  /**
   * RFC 6275 section 11.7.3: a shorter lifetime in the answer shortens what was asked for, a longer one does not matter.
   * @param granted seconds
   */
  accept(item: Item, { form, sentAt, lifetime }: Exchange, granted: number, now: number): void {
    const milliseconds = Math.min(granted, lifetime) * 1000;
    const { careOf, priority, home, linkAddress } = item;
    const until = sentAt + milliseconds;
    this.registered = {
      careOf,
      priority,
      home,
      linkAddress,
      form: form === 'single' ? 'single' : 'bindings',
      since: now,
      until,
      refreshAt: sentAt + milliseconds * REFRESH_PART,
    };
    this.possibleUntil = until;
    this.lapsed = false;
    this.#doubted = false;
    this.release();
  }

  /** At home by way of a home agent that knows one binding only: there is none, and none that could end. */
  acceptHome({ careOf, priority, home, linkAddress }: Item, now: number): void {
    const never = Number.POSITIVE_INFINITY;
    this.registered = {
      ...{ careOf, priority, home, linkAddress },
      ...{ form: 'single', since: now, until: never, refreshAt: never },
    };
    this.possibleUntil = Number.NEGATIVE_INFINITY;
    this.lapsed = false;
    this.#doubted = false;
    this.release();
  }

  /** The home agent does not have it, or no longer. */
  forget(): void {
    this.registered = undefined;
    this.possibleUntil = Number.NEGATIVE_INFINITY;
  }

  /** Waits longer each time. */
  refuse(now: number): void {
    this.hold(now + Math.min(LONGEST_REFUSAL_WAIT, REFUSAL_WAIT * 2 ** this.#refusals));
    this.#refusals = Math.min(this.#refusals + 1, 10);
  }

  hold(until: number): void {
    this.refused = true;
    this.heldUntil = until;
  }

  /** Forgets refusals: something has changed. */
  release(): void {
    this.refused = false;
    this.heldUntil = Number.NEGATIVE_INFINITY;
    this.attempts = 0;
    this.#refusals = 0;
  }

  /** The home agent asks for a refresh, or has lost something. @returns whether it comes earlier now */
  refreshSoon(now: number): boolean {
    if (this.registered === undefined) return false;
    const at = Math.max(now, this.registered.since + REQUESTED_REFRESH_PAUSE);
    if (at >= this.registered.refreshAt) return false;
    this.registered = { ...this.registered, refreshAt: at };
    return true;
  }

  /** @returns whether the registration has ended just now */
  tick(now: number): boolean {
    if (this.registered === undefined || now < this.registered.until) return false;
    this.registered = undefined;
    this.lapsed = true;
    return true;
  }
}
