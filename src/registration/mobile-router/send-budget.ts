/** MAX_UPDATE_RATE (RFC 6275 section 12). */
import { RATE_WINDOW, UPDATES_PER_WINDOW } from './timing.js';

/** When the next Binding Update may leave. */
export class SendBudget {
  /** Of the last ones, oldest first. */
  readonly #times: number[] = [];

  spend(now: number): void {
    this.#times.push(now);
    if (this.#times.length > UPDATES_PER_WINDOW) this.#times.shift();
  }

  get freeAt(): number {
    const oldest = this.#times[0];
    return oldest === undefined || this.#times.length < UPDATES_PER_WINDOW
      ? Number.NEGATIVE_INFINITY
      : oldest + RATE_WINDOW;
  }
}
