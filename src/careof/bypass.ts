import type { MobileRouterConfig } from '../config/index.js';
import { Prefix } from '../net/index.js';
import type { NetlinkSnapshot, Route, RuleSpec } from '../netlink/index.js';
import { LAST_METRIC, type RoutePlan } from './plan.js';
import { factsOf } from './policy-facts.js';

const MAIN_TABLE = 254;

/**
 * The way of packets that a policy lets bypass us: the default routes that the kernel has without ours, in a
 * table of their own, for packets with the bit of the mark that the ingress program sets. More specific routes
 * are the main table's as ever.
 */
export function planBypass(
  { routing, policies }: MobileRouterConfig,
  snapshot: NetlinkSnapshot,
): { rules: RuleSpec[]; routes: RoutePlan[] } {
  if (!factsOf(policies).bypasses) {
    return { rules: [], routes: [] };
  }
  const own = { protocol: routing.protocol };
  const marked = { ...own, fwmark: routing.bypassMark, fwmask: routing.bypassMark };
  const rules: RuleSpec[] = [
    { ...marked, priority: routing.rulePriority, table: MAIN_TABLE, suppressPrefixLength: 0 },
    { ...marked, priority: routing.rulePriority + 1, table: routing.table },
  ];
  const route = (spec: Partial<RoutePlan['spec']> & { metric: number }): RoutePlan => ({
    spec: { ...own, table: routing.table, destination: Prefix.DEFAULT, ...spec },
    needsBindings: false,
  });
  const defaults = snapshot.routes
    .filter((item) => isForeignDefault(item, routing.protocol))
    .sort((a, b) => a.metric - b.metric);
  return {
    rules,
    routes: [
      // One after the other: with one metric the kernel would share the flows among them.
      ...defaults.map(({ ifindex, gateway }, at) => route({ ifindex, gateway, metric: at + 1 })),
      route({ type: 'unreachable', metric: LAST_METRIC }),
    ],
  };
}

function isForeignDefault(route: Route, protocol: number): boolean {
  return (
    route.table === MAIN_TABLE &&
    route.type === 'unicast' &&
    route.destination.family === 6 &&
    route.destination.length === 0 &&
    route.protocol !== protocol &&
    route.ifindex !== undefined
  );
}
