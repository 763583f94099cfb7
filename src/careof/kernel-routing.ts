import type { Prefix } from '../net/index.js';
import {
  type Netlink,
  NetlinkError,
  type NetlinkSnapshot,
  type Route,
  type Rule,
  type RuleSpec,
} from '../netlink/index.js';
import type { RoutePlan } from './plan.js';

/** Which of the kernel's routes and rules are ours. */
export interface Ownership {
  /** rtnetlink protocol number. */
  protocol: number;
}

type Spec = RoutePlan['spec'];

export const routeName = (route: { table: number; destination: Prefix | string; metric: number }): string =>
  `route ${route.destination} metric ${route.metric} of table ${route.table}`;

function sameRoute(spec: Spec, route: Route): boolean {
  return (
    (spec.type ?? 'unicast') === route.type &&
    // The kernel puts reject routes on the loopback device.
    (spec.ifindex === undefined || spec.ifindex === route.ifindex) &&
    String(spec.gateway ?? '') === String(route.gateway ?? '') &&
    String(spec.prefsrc ?? '') === String(route.prefsrc ?? '') &&
    (spec.mtu ?? 0) === (route.mtu ?? 0)
  );
}

const ruleName = ({ priority, source, fwmark, table }: RuleSpec | Rule): string =>
  `rule ${priority} from ${source}${fwmark ? ` with mark ${fwmark}` : ''} to table ${table}`;

/** What is ours and was seen in the kernel: what is missing later was removed by somebody else. */
export class Sightings {
  readonly #seen = new Set<string>();
  /** What the kernel was asked for and has not announced: a route, or that it is gone. */
  readonly #asked = new Map<string, Spec | 'gone'>();

  /** Whether something that is wanted, and was there before, is gone. */
  missed(name: string, there: boolean): boolean {
    if (there) {
      this.#seen.add(name);
      return false;
    }
    return this.#seen.delete(name);
  }

  /** The kernel is asked for it now. */
  ask(route: Spec | Route, there: boolean): void {
    this.#asked.set(routeName(route), there ? (route as Spec) : 'gone');
  }

  /** Whether what the kernel announces of a route is what it was asked for. */
  isAnswer(route: Route, there: boolean): boolean {
    const name = routeName(route);
    const asked = this.#asked.get(name);
    if (asked === undefined || (asked === 'gone') === there) return false;
    if (asked !== 'gone' && !sameRoute(asked, route)) return false;
    this.#asked.delete(name);
    return true;
  }

  /** Whatever is announced from now on is looked at. */
  forgetAsked(): void {
    this.#asked.clear();
  }

  /** What is not wanted any more may go. */
  forget(name: string): void {
    this.#seen.delete(name);
  }

  /** Forgets what is not wanted any more, so that it may go. */
  keepOnly(wanted: ReadonlySet<string>): void {
    for (const name of this.#seen) {
      if (!wanted.has(name)) {
        this.#seen.delete(name);
      }
    }
  }
}

/** What happened to rules and routes; one that is refused does not hold up the others. */
export interface RoutingChanges {
  /** What somebody else had removed and is there again, in words. */
  repaired: string[];
  failed: NetlinkError[];
}

type Requests = Pick<Netlink, 'addRoute' | 'addRule' | 'deleteRoute' | 'deleteRule'>;

/** Adds the rules and routes that are missing or differ; the old ones stay until {@link removeStale}. */
export async function addMissing(
  netlink: Requests,
  snapshot: NetlinkSnapshot,
  own: Ownership,
  desired: { rules: readonly RuleSpec[]; routes: readonly Spec[] },
  sightings = new Sightings(),
): Promise<RoutingChanges> {
  const changes: RoutingChanges = { repaired: [], failed: [] };
  const routes = new Map(snapshot.routes.filter(isOurs(own)).map((route) => [routeName(route), route]));
  for (const spec of desired.routes) {
    const name = routeName(spec);
    const existing = routes.get(name);
    const missed = sightings.missed(name, existing !== undefined);
    if (!existing || !sameRoute(spec, existing)) {
      await attempt(changes, async () => {
        sightings.ask(spec, true);
        await netlink.addRoute({ ...spec, mode: 'replace' });
        if (missed) {
          changes.repaired.push(name);
        }
      });
    }
  }
  // A rule sends traffic to its table, so the table comes first.
  const rules = new Set(snapshot.rules.filter(isOurs(own)).map(ruleName));
  for (const rule of desired.rules) {
    const name = ruleName(rule);
    const missed = sightings.missed(name, rules.has(name));
    if (!rules.has(name)) {
      await attempt(changes, async () => {
        await netlink.addRule(rule);
        if (missed) {
          changes.repaired.push(name);
        }
      });
    }
  }
  return changes;
}

/**
 * Removes what is ours and not desired.
 * @param before what was desired of the same, where the snapshot and what is desired are not all there is
 */
export async function removeStale(
  netlink: Requests,
  snapshot: NetlinkSnapshot,
  own: Ownership,
  desired: { rules: readonly RuleSpec[]; routes: readonly Spec[] },
  sightings = new Sightings(),
  before?: readonly Spec[],
): Promise<RoutingChanges> {
  const changes: RoutingChanges = { repaired: [], failed: [] };
  const rules = new Set(desired.rules.map(ruleName));
  const routes = new Set(desired.routes.map(routeName));
  if (before === undefined) sightings.keepOnly(new Set([...rules, ...routes]));
  for (const name of (before ?? []).map(routeName)) if (!routes.has(name)) sightings.forget(name);
  for (const rule of snapshot.rules.filter(isOurs(own))) {
    if (!rules.has(ruleName(rule))) {
      await attempt(changes, () => netlink.deleteRule(ruleSpec(rule)));
    }
  }
  for (const route of snapshot.routes.filter(isOurs(own))) {
    if (!routes.has(routeName(route))) {
      await attempt(changes, () => {
        sightings.ask(route, false);
        return netlink.deleteRoute(routeSpec(route));
      });
    }
  }
  return changes;
}

async function attempt(changes: RoutingChanges, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof NetlinkError)) {
      throw error;
    }
    changes.failed.push(error);
  }
}

/** Removes every rule and route of ours. Returns how many there were. */
export async function removeAll(
  netlink: Netlink,
  own: Ownership,
): Promise<{ rules: number; routes: number }> {
  const rules = (await netlink.dumpRules()).filter(isOurs(own));
  for (const rule of rules) {
    await netlink.deleteRule(ruleSpec(rule));
  }
  const routes = (await netlink.dumpRoutes({ protocol: own.protocol })).filter(isOurs(own));
  for (const route of routes) {
    await netlink.deleteRoute(routeSpec(route));
  }
  return { rules: rules.length, routes: routes.length };
}

function isOurs(own: Ownership): (item: { protocol: number }) => boolean {
  return (item) => item.protocol === own.protocol;
}

function ruleSpec(rule: Rule): RuleSpec {
  const { priority, source, fwmark, fwmask, table, protocol } = rule;
  return { priority, source, fwmark, fwmask, table, protocol };
}

function routeSpec(route: Route): Spec {
  const { table, destination, metric, type, protocol } = route;
  // The device of a reject route is the kernel's business.
  const ifindex = type === 'unicast' ? route.ifindex : undefined;
  return { table, destination, metric, type, protocol, ifindex };
}

/** The longest-prefix table of destinations: which of the kernel's routes lead to the home interface.
 * Of routes to one prefix the local table's comes first, then the one with the lowest metric. */
export function homeRoutes(
  snapshot: NetlinkSnapshot,
  homeIfindex: number,
  routerOf: (prefix: Prefix) => number,
): { prefix: Prefix; router: number }[] {
  const best = new Map<string, Route>();
  const rank = (route: Route): number => (route.table === 255 ? -1 : route.metric);
  for (const route of snapshot.routes) {
    if (route.table !== 254 && route.table !== 255) {
      continue;
    }
    if (route.destination.address.isMulticast || route.destination.address.isLinkLocal || route.source) {
      continue;
    }
    const key = route.destination.toString();
    const other = best.get(key);
    if (!other || rank(route) < rank(other)) {
      best.set(key, route);
    }
  }
  return [...best.values()].map((route) => ({
    prefix: route.destination,
    router: route.type === 'unicast' && route.ifindex === homeIfindex ? routerOf(route.destination) : 0,
  }));
}
