import { NOTHING, type Registration } from './registration.js';
import type { AuthorisedRouter } from './settings.js';
import type { Suspicion } from './suspicion.js';

/** What the home agent remembers of one router: fields only, for there are thousands of them. */
export class RouterState {
  router: AuthorisedRouter;
  registration: Registration = NOTHING;
  /** Of the last message that was authentic and fresh; outlives the bindings. */
  sequence: number | undefined = undefined;
  /** NTP, of the same; outlives the bindings. */
  timestamp: bigint | undefined = undefined;
  /** Up to here its deadlines were met, monotonic milliseconds. */
  swept: number;
  /** When the next one is. */
  wake = Number.POSITIVE_INFINITY;
  /** In the heap of deadlines; -1: in none. */
  place = -1;
  /** See `pace.ts`. */
  updates = Number.NEGATIVE_INFINITY;
  refusals = Number.NEGATIVE_INFINITY;
  /** Made when the first message that was forged comes. */
  suspicion: Suspicion | undefined = undefined;

  constructor(router: AuthorisedRouter, now: number) {
    this.router = router;
    this.swept = now;
  }
}
