import type { Address, Prefix } from '../net/index.js';
import type { Route } from '../netlink/index.js';
import type { Plan } from './plan.js';

/**
 * What a run is about that is not about everything: some routers of which the plan is another, while config, links and
 * everybody else's plan are as they were when a run over everything came to its end.
 */
export interface Scope {
  /** Of these routers, as it is now. */
  readonly plan: Plan;
  /** Of the same routers, as it was. */
  readonly before: Plan;
  /** Of all routers, as it is now; made when it is first asked for. */
  whole(): Plan;
  /** Of `whole`. */
  readonly homeMtu: number;
  /** Where the kernel's routes have become what we asked for. */
  readonly destinations: readonly Prefix[];
  /** Whether neighbours are others, too. */
  readonly neighbours: boolean;
  /** The kernel's routes of all tables to a prefix, and to no other. */
  routesTo(destination: Prefix): readonly Route[];
  /** Id of the router to whom packets to a prefix go, 0: to none. */
  ownerOf(prefix: Prefix): number;
}

/** What has happened since the last run began. */
export interface Happened {
  /** Anything may have. */
  readonly all: boolean;
  /** Whose registrations are others, by home address; undefined: the plan of any router may be another. */
  readonly routers: readonly Address[] | undefined;
  readonly destinations: readonly Prefix[];
  /** What is known of neighbours is another. */
  readonly neighbours: boolean;
}

/** Gathers what the next run has to look at. */
export class Pending {
  #all = true;
  #everyRouter = false;
  #neighbours = false;
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

  /** A next hop has another link-layer address, or none: nothing but the plans of routers follows from it. */
  nextHop(): void {
    this.#everyRouter = true;
    this.#neighbours = true;
  }

  /** Another neighbour has, or one is held in another way: no plan follows from it. */
  neighbour(): void {
    this.#neighbours = true;
  }

  /** A route to this prefix is there, or gone, because we asked for it. */
  destination(prefix: Prefix): void {
    this.#destinations.set(prefix.toString(), prefix);
  }

  /** What there was; from now on there is nothing. */
  take(): Happened {
    const happened = {
      all: this.#all,
      routers: this.#everyRouter ? undefined : [...this.#routers.values()],
      destinations: [...this.#destinations.values()],
      neighbours: this.#neighbours,
    };
    this.#all = false;
    this.#everyRouter = false;
    this.#neighbours = false;
    this.#routers.clear();
    this.#destinations.clear();
    return happened;
  }
}
