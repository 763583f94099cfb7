import type { OutgoingPacket } from './acknowledgement.js';
import type { Outcome } from './outcome.js';
import type { CacheChange } from './registration.js';
import type { AuthorisedRouter } from './settings.js';

/** What became of one packet. */
export interface Reception {
  readonly outcome: Outcome;
  /** Whose message it was; only if it was authentic, or its router is trusted without a key. */
  readonly router: AuthorisedRouter | undefined;
  /** To be made in the kernel before the answer is sent. */
  readonly changes: readonly CacheChange[];
  readonly answer: OutgoingPacket | undefined;
  /** What is remembered of the router is other than before: its record should be saved. */
  readonly recorded: boolean;
}

/** Nothing is to be done. */
export function dropped(outcome: Outcome, answer?: OutgoingPacket): Reception {
  return { outcome, router: undefined, changes: [], answer, recorded: false };
}
