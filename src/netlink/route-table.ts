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
  readonly #slots = new Map<string, Map<string, Route>>();

  constructor() {
    super(routeKey);
  }

  override set(route: Route): ObjectChange<Route> | undefined {
    const slot = routeSlot(route);
    const routes = this.#slots.get(slot) ?? new Map<string, Route>();
    this.#slots.set(slot, routes.set(routeKey(route), route));
    return super.set(route);
  }

  override delete(route: Route): ObjectChange<Route> | undefined {
    const slot = routeSlot(route);
    const routes = this.#slots.get(slot);
    routes?.delete(routeKey(route));
    if (routes?.size === 0) this.#slots.delete(slot);
    return super.delete(route);
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
    const routes = this.#slots.get(routeSlot(route)) ?? new Map<string, Route>();
    return [...routes].filter(([otherKey]) => otherKey !== key).map(([, other]) => other);
  }
}

type Path = Pick<NextHop, 'gateway'> & { ifindex: number | undefined };

function isPartOf(part: Route, whole: Route): boolean {
  if (whole.nextHops.length === 0) return false;
  const paths: readonly Path[] = part.nextHops.length > 0 ? part.nextHops : [part];
  const text = (path: Path): string => `${path.gateway}%${path.ifindex}`;
  const known = new Set(whole.nextHops.map(text));
  return paths.every((path) => known.has(text(path)));
}
