/** The Binding Update List towards one home agent (RFC 6275 section 11.1), an entry for each BID. */
import { BindingEntry } from './binding-entry.js';
import type { WantedBinding } from './options.js';
import { type RegistrationChange, statusText } from './reception.js';

export class BindingUpdateList {
  readonly #entries = new Map<number, BindingEntry>();

  get entries(): BindingEntry[] {
    return [...this.#entries.values()];
  }

  get(bid: number): BindingEntry | undefined {
    return this.#entries.get(bid);
  }

  /** The one that is wanted at home. */
  get home(): BindingEntry | undefined {
    return this.entries.find(({ wanted }) => wanted?.home);
  }

  follow(wanted: readonly WantedBinding[]): void {
    const abroad = (all: readonly (WantedBinding | undefined)[]): boolean =>
      all.some((one) => one && !one.home);
    const wasAbroad = abroad(this.entries.map((entry) => entry.wanted));
    const byBid = new Map(wanted.map((one) => [one.bid, one]));
    for (const entry of this.entries) {
      entry.want(byBid.get(entry.bid));
      byBid.delete(entry.bid);
    }
    for (const one of byBid.values()) {
      const entry = new BindingEntry(one.bid);
      entry.want(one);
      this.#entries.set(one.bid, entry);
    }
    // What is prohibited beside others abroad may be right without them (status 169).
    if (wasAbroad && !abroad(wanted)) for (const entry of this.entries) entry.release();
    this.tick(Number.NEGATIVE_INFINITY);
  }

  /** The home agent has none of them any more. */
  forgetAll(): void {
    for (const entry of this.entries) {
      entry.forget();
      entry.attempts = 0;
    }
    this.#dropUnwanted(Number.NEGATIVE_INFINITY);
  }

  /** None is to be relied on; the home agent may have some of them. */
  unregisterAll(): void {
    for (const entry of this.entries) entry.registered = undefined;
  }

  /** The home agent has none but these. */
  keepOnly(bids: readonly number[]): RegistrationChange[] {
    return this.entries
      .filter(({ bid }) => !bids.includes(bid))
      .flatMap((entry) => {
        if (entry.registered || !entry.wanted) return this.removed(entry);
        // Asked for and not answered: that is void, too.
        entry.forget();
        return [];
      });
  }

  /** The home agent does not have it any more. */
  removed(entry: BindingEntry): RegistrationChange[] {
    entry.forget();
    if (!entry.wanted) this.#entries.delete(entry.bid);
    return [{ type: 'removed', bid: entry.bid }];
  }

  refusal({ bid, status }: BindingEntry): RegistrationChange {
    return { type: 'refused', bid, status, text: statusText(status) };
  }

  /** @param bids undefined: all of them @returns whether a refresh comes earlier now */
  refreshSoon(bids: ReadonlySet<number> | undefined, now: number): boolean {
    const asked = this.entries.filter(({ bid }) => bids === undefined || bids.has(bid));
    return asked.filter((entry) => entry.refreshSoon(now)).length > 0;
  }

  /** When the next one ends. */
  get nextEvent(): number {
    const times = this.entries.map(({ registered, wanted, possibleUntil }) => {
      return Math.min(
        registered?.until ?? Number.POSITIVE_INFINITY,
        wanted ? Number.POSITIVE_INFINITY : possibleUntil,
      );
    });
    return Math.min(...times, Number.POSITIVE_INFINITY);
  }

  tick(now: number): RegistrationChange[] {
    const lapsed = this.entries.filter((entry) => entry.tick(now));
    this.#dropUnwanted(now);
    return lapsed.map(({ bid }) => ({ type: 'lapsed', bid }));
  }

  /** Entries that nobody wants and that the home agent cannot have. */
  #dropUnwanted(now: number): void {
    for (const { bid, wanted, possibleUntil } of this.entries) {
      const isOver = possibleUntil <= now || possibleUntil === Number.NEGATIVE_INFINITY;
      if (!wanted && isOver) this.#entries.delete(bid);
    }
  }
}
