import type { Prefix } from '../net/index.js';
import type { Netlink, NetlinkSnapshot, Route, Rule, RuleSpec } from '../netlink/index.js';
import type { RoutePlan } from './plan.js';

/** Which of the kernel's routes and rules are ours. */
export interface Ownership {
  /** rtnetlink protocol number. */
  protocol: number;
}

type Spec = RoutePlan['spec'];

const routeKey = (route: { table: number; destination: Prefix | string; metric: number }): string =>
  `${route.table} ${route.destination} ${route.metric}`;

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

const ruleKey = (rule: RuleSpec | Rule): string => `${rule.priority} ${rule.source} ${rule.table}`;

/** Adds the rules and routes that are missing or differ; the old ones stay until {@link removeStale}. */
export async function addMissing(
  netlink: Netlink,
  snapshot: NetlinkSnapshot,
  own: Ownership,
  desired: { rules: readonly RuleSpec[]; routes: readonly Spec[] },
): Promise<void> {
  const routes = new Map(snapshot.routes.filter(isOurs(own)).map((route) => [routeKey(route), route]));
  for (const spec of desired.routes) {
    const existing = routes.get(routeKey(spec));
    if (!existing || !sameRoute(spec, existing)) {
      await netlink.addRoute({ ...spec, mode: 'replace' });
    }
  }
  // A rule sends traffic to its table, so the table comes first.
  const rules = new Set(snapshot.rules.filter(isOurs(own)).map(ruleKey));
  for (const rule of desired.rules) {
    if (!rules.has(ruleKey(rule))) {
      await netlink.addRule(rule);
    }
  }
}

/** Removes what is ours and not desired. */
export async function removeStale(
  netlink: Netlink,
  snapshot: NetlinkSnapshot,
  own: Ownership,
  desired: { rules: readonly RuleSpec[]; routes: readonly Spec[] },
): Promise<void> {
  const rules = new Set(desired.rules.map(ruleKey));
  for (const rule of snapshot.rules.filter(isOurs(own))) {
    if (!rules.has(ruleKey(rule))) {
      await netlink.deleteRule(ruleSpec(rule));
    }
  }
  const routes = new Map(desired.routes.map((spec) => [routeKey(spec), spec]));
  for (const route of snapshot.routes.filter(isOurs(own))) {
    if (!routes.has(routeKey(route))) {
      await netlink.deleteRoute(routeSpec(route));
    }
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
  return { priority: rule.priority, source: rule.source, table: rule.table, protocol: rule.protocol };
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
