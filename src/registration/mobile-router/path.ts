/** Care-of addresses that Binding Updates leave from, each with its own back-off (RFC 6275 section 11.8). */
import type { Address } from '../../mobility/index.js';
import type { WantedBinding } from './options.js';
import { FIRST_TIMEOUT, FORGIVEN_AFTER, LONGEST_TIMEOUT, NEXT_TIMEOUT } from './timing.js';

/** One address and whether answers come to it. */
export class Path {
  readonly address: Address;
  /** The best BID-PRI of the bindings that have it. */
  priority: number;
  /** No Binding Update leaves from here earlier. */
  notBefore = Number.NEGATIVE_INFINITY;
  lastSent = Number.NEGATIVE_INFINITY;
  /** Binding Updates in a row that were not answered. */
  failures = 0;
  #timeout: number | undefined;
  #forgivenAt = Number.POSITIVE_INFINITY;

  constructor(address: Address, priority: number) {
    this.address = address;
    this.priority = priority;
  }

  /** @param first nothing of what is sent was registered before */
  sent(now: number, first: boolean): void {
    this.#timeout ??= first ? FIRST_TIMEOUT : NEXT_TIMEOUT;
    this.lastSent = now;
    this.notBefore = now + this.#timeout;
  }

  /** The answer to the last Binding Update did not come within its turn; the time to the next one doubles. */
  failed(now: number): void {
    this.failures += 1;
    this.#timeout = Math.min(LONGEST_TIMEOUT, 2 * (this.#timeout ?? NEXT_TIMEOUT));
    this.#forgivenAt = now + FORGIVEN_AFTER;
  }

  answered(now: number): void {
    this.failures = 0;
    this.#timeout = undefined;
    this.#forgivenAt = Number.POSITIVE_INFINITY;
    this.notBefore = now;
  }

  /** An answer that asks for another Binding Update at once; the back-off stays for the one after it. */
  again(now: number): void {
    this.notBefore = now;
  }

  /** When it is trusted again. */
  get forgivenAt(): number {
    return this.#forgivenAt;
  }

  tick(now: number): void {
    if (now < this.#forgivenAt) return;
    this.failures = 0;
    this.#forgivenAt = Number.POSITIVE_INFINITY;
  }
}

/** The paths of the bindings that are wanted now, by address. */
export class Paths {
  readonly #paths = new Map<string, Path>();

  /** Paths that stay keep what is known of them. @returns addresses that are gone */
  follow(wanted: readonly WantedBinding[]): string[] {
    const best = new Map<string, { address: Address; priority: number }>();
    for (const { careOf, priority } of wanted) {
      const known = best.get(careOf.toString())?.priority ?? Number.POSITIVE_INFINITY;
      best.set(careOf.toString(), { address: careOf, priority: Math.min(priority, known) });
    }
    const gone = [...this.#paths.keys()].filter((key) => !best.has(key));
    for (const key of gone) this.#paths.delete(key);
    for (const [key, { address, priority }] of best) {
      const path = this.#paths.get(key);
      if (path) path.priority = priority;
      else this.#paths.set(key, new Path(address, priority));
    }
    return gone;
  }

  get(address: Address): Path | undefined {
    return this.#paths.get(address.toString());
  }

  get all(): Path[] {
    return [...this.#paths.values()];
  }
}
