import type { Address, Prefix } from '../net/index.js';
import type { Plan } from './plan.js';

/**
 * What a run is about that is not about everything: some routers of which the plan is another, while config, links,
 * neighbours and everybody else's plan are as they were when a run over everything came to its end.
 */
export interface Scope {
  /** Of these routers, as it is now. */
  readonly plan: Plan;
  /** Of the same routers, as it was. */
  readonly before: Plan;
  /** Of all routers, as it is now. */
  readonly whole: Plan;
  /** Where the kernel's routes have become what we asked for. */
  readonly destinations: readonly Prefix[];
  /** Id of the router to whom packets to a prefix go, 0: to none. */
  ownerOf(prefix: Prefix): number;
}

/** What has happened since the last run began. */
export interface Happened {
  /** Routers by home address; undefined: anything may have. */
  readonly routers: readonly Address[] | undefined;
  readonly destinations: readonly Prefix[];
}

/** Gathers what the next run has to look at. */
export class Pending {
  #all = true;
  readonly #routers = new Map<string, Address>();
  readonly #destinations = new Map<string, Prefix>();

  /** Nobody knows what is the same. */
  all(): void {
    this.#all = true;
  }

  /** Routers have registered something else. */
  routers(homeAddresses: Iterable<Address>): void {
    for (const address of homeAddresses) this.#routers.set(address.key, address);
  }

  /** A route to this prefix is there, or gone, because we asked for it. */
  destination(prefix: Prefix): void {
    this.#destinations.set(prefix.toString(), prefix);
  }

  /** What there was; from now on there is nothing. */
  take(): Happened {
    const happened = {
      routers: this.#all ? undefined : [...this.#routers.values()],
      destinations: [...this.#destinations.values()],
    };
    this.#all = false;
    this.#routers.clear();
    this.#destinations.clear();
    return happened;
  }
}
