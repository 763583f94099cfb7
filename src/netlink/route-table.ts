import type { Address, Prefix } from '../net/index.js';
import { NLM_F } from './constants.js';
import { type ObjectChange, ObjectTable } from './object-table.js';
import { type NextHop, type Route, routeKey, routeSlot } from './route.js';

/** What a notification did to the routes; `doubtful` when only a dump can tell the rest. */
export interface RouteUpdate {
  changes: ObjectChange<Route>[];
  doubtful: boolean;
}

/**
 * The routes as the notifications tell them. A notification can stand for more than the row it shows: a replacement
 * takes another row away, and an appended path turns a route into a multipath route.
 */
export class RouteTable extends ObjectTable<Route> {
  /** By destination, of which nearly each has one or two. */
  readonly #destinations = new Map<string, Route[]>();
  /** How many destinations there are of each length, over all families. */
  readonly #lengths = new Map<number, number>();
  /** Its keys, the longest first. */
  #longestFirst: readonly number[] | undefined;

  constructor() {
    super(routeKey);
  }

  override set(route: Route): ObjectChange<Route> | undefined {
    const { address, length } = route.destination;
    const name = nameOf(address, length);
    let routes = this.#destinations.get(name);
    if (routes === undefined) {
      routes = [];
      this.#destinations.set(name, routes);
      this.#count(length, 1);
    }
    const place = placeOf(route, routes);
    if (place < 0) routes.push(route);
    else routes[place] = route;
    return super.set(route);
  }

  override delete(route: Route): ObjectChange<Route> | undefined {
    const { address, length } = route.destination;
    const name = nameOf(address, length);
    const routes = this.#destinations.get(name) ?? [];
    const place = placeOf(route, routes);
    if (place >= 0) {
      routes.splice(place, 1);
      if (routes.length === 0) {
        this.#destinations.delete(name);
        this.#count(length, -1);
      }
    }
    return super.delete(route);
  }

  /** The routes of all tables to a prefix, and to no other. */
  to({ address, length }: Prefix): Route[] {
    return [...(this.#destinations.get(nameOf(address, length)) ?? [])];
  }

  /** The routes of a table to the longest prefix that covers an address; none where none does. */
  longest(address: Address, table: number): Route[] {
    this.#longestFirst ??= [...this.#lengths.keys()].sort((a, b) => b - a);
    for (const length of this.#longestFirst) {
      if (length > address.bits) continue;
      const routes = this.#destinations.get(nameOf(address.masked(length), length));
      const found = routes?.filter((route) => route.table === table) ?? [];
      if (found.length > 0) return found;
    }
    return [];
  }

  #count(length: number, by: 1 | -1): void {
    const count = (this.#lengths.get(length) ?? 0) + by;
    if (count === 0) this.#lengths.delete(length);
    else this.#lengths.set(length, count);
    if (count === 0 || (count === 1 && by === 1)) this.#longestFirst = undefined;
  }

  /** Applies RTM_NEWROUTE with the flags of its message header. */
  announce(route: Route, flags: number): RouteUpdate {
    const others = this.#others(route);
    const replaced = (flags & NLM_F.REPLACE) !== 0;
    const gone = replaced && others.length === 1 ? others : others.filter((other) => isPartOf(other, route));
    const changes = [...gone.map((other) => this.delete(other)), this.set(route)];
    return {
      changes: changes.filter((change) => change !== undefined),
      doubtful: (replaced && others.length > 1) || (route.nextHops.length > 0 && others.length > 0),
    };
  }

  /** Applies RTM_DELROUTE. */
  withdraw(route: Route): RouteUpdate {
    const change = this.delete(route);
    if (change !== undefined) return { changes: [change], doubtful: false };
    // One path of a multipath route may be gone.
    return { changes: [], doubtful: this.#others(route).some((other) => other.nextHops.length > 0) };
  }

  /** The other routes in the slot of this one. */
  #others(route: Route): Route[] {
    const key = routeKey(route);
    const slot = routeSlot(route);
    return this.to(route.destination).filter((other) => routeKey(other) !== key && routeSlot(other) === slot);
  }
}

/** Where this route, as it was, stands; -1: nowhere. */
function placeOf(route: Route, routes: readonly Route[]): number {
  if (routes.length === 0) return -1;
  const key = routeKey(route);
  return routes.findIndex((other) => routeKey(other) === key);
}

function nameOf(address: Address, length: number): string {
  return `${address.key}${length}`;
}

type Path = Pick<NextHop, 'gateway'> & { ifindex: number | undefined };

function isPartOf(part: Route, whole: Route): boolean {
  if (whole.nextHops.length === 0) return false;
  const paths: readonly Path[] = part.nextHops.length > 0 ? part.nextHops : [part];
  const text = (path: Path): string => `${path.gateway}%${path.ifindex}`;
  const known = new Set(whole.nextHops.map(text));
  return paths.every((path) => known.has(text(path)));
}
