/** What the home agent does not do, as far as its answers have shown; each is tried again much later. */
import { PROHIBITED_WAIT } from './timing.js';

/** Why there is one binding only. */
export type SingleReason = 'prohibited' | 'not-supported';

const NEVER = Number.NEGATIVE_INFINITY;

export class HomeAgentLimits {
  /** O has to be in the next Binding Update with Binding Identifiers (RFC 5648 sections 5.7 and 5.9). */
  overwrite = true;
  /** A Binding Update that ends everything has to be sent, as the home agent does not serve mobile routers. */
  cleanup = false;
  #singleReason: SingleReason | undefined;
  #singleUntil = NEVER;
  #individualUntil = NEVER;
  #noRouterUntil = NEVER;
  #pausedUntil = NEVER;

  get single(): SingleReason | undefined {
    return this.#singleReason;
  }

  get individualOnly(): boolean {
    return this.#individualUntil !== NEVER;
  }

  /** The flag R was missing in an answer. */
  get withoutRouters(): boolean {
    return this.#noRouterUntil !== NEVER;
  }

  /** Nothing is sent earlier. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  useSingle(reason: SingleReason, now: number): void {
    this.#singleReason = reason;
    this.#singleUntil = now + PROHIBITED_WAIT;
  }

  useIndividual(now: number): void {
    this.#individualUntil = now + PROHIBITED_WAIT;
  }

  refuseRouters(now: number): void {
    this.#noRouterUntil = now + PROHIBITED_WAIT;
    this.cleanup = true;
  }

  pause(until: number): void {
    this.#pausedUntil = until;
  }

  /** When the next of them is tried again. */
  get nextEvent(): number {
    const times = [this.#singleUntil, this.#individualUntil, this.#noRouterUntil];
    return Math.min(...times.filter((at) => at !== NEVER), Number.POSITIVE_INFINITY);
  }

  tick(now: number): void {
    if (this.single && now >= this.#singleUntil) {
      this.#singleReason = undefined;
      this.#singleUntil = NEVER;
      this.overwrite = true;
    }
    if (this.individualOnly && now >= this.#individualUntil) this.#individualUntil = NEVER;
    if (this.withoutRouters && now >= this.#noRouterUntil) {
      this.#noRouterUntil = NEVER;
      this.cleanup = false;
      this.overwrite = true;
    }
  }
}
