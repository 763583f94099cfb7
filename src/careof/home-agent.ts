import type { HomeAgentBinding, HomeAgentConfig, RouterConfig } from '../config/index.js';
import { type Address, Prefix } from '../net/index.js';
import type { NetlinkSnapshot } from '../netlink/index.js';
import { type BindingPlan, carries, IPV6_MIN_MTU, type Plan, pathMtu, type RoutePlan } from './plan.js';
import { planTunnel } from './tunnel-plan.js';
import { describeNextHop, hasCarrier, type NextHop } from './uplink.js';

/** What was said of a binding at run time. */
export interface Registration {
  careOf: Address | undefined;
  /** Accepted as a source beside the one in use. */
  alsoAccepted: readonly Address[];
  disabled: boolean;
}

/** The kernel's way to an address. */
export interface RouteAnswer {
  ifindex: number;
  gateway: Address | undefined;
}

/** What a plan of a home agent needs beside config and kernel. */
export interface HomeAgentContext {
  homeIfindex: number;
  routerId(router: RouterConfig): number;
  index(routerId: number, bid: number): number;
  registration(routerId: number, bid: number): Registration;
  /** The kernel's route from our address to a care-of address, undefined if there is none. */
  route(careOf: Address): RouteAnswer | undefined;
}

/** Derives what should be on a home agent. Pure but for the routes it is given. */
export function planHomeAgent(
  config: HomeAgentConfig,
  snapshot: NetlinkSnapshot,
  context: HomeAgentContext,
): Plan {
  const { home, routing } = config;
  const problems: Plan['problems'] = [];
  const routes: RoutePlan[] = [];
  let homeMtu = IPV6_MIN_MTU;

  const routers = config.routers.map((router) => {
    const id = context.routerId(router);
    const bindings = router.bindings.map((binding) =>
      planBinding(config, router, binding, id, snapshot, context, problems),
    );
    const mtus = bindings.flatMap((plan) =>
      carries(plan.state) && plan.mtu !== undefined ? [plan.mtu] : [],
    );
    const mtu = mtus.length > 0 ? Math.max(...mtus) : undefined;
    homeMtu = Math.max(homeMtu, mtu ?? 0);
    for (const prefix of routerPrefixes(router)) {
      const spec = { destination: prefix, table: 254, protocol: routing.protocol };
      if (mtu !== undefined) {
        const prefsrc = home.agent;
        routes.push({
          spec: { ...spec, ifindex: context.homeIfindex, prefsrc, mtu, metric: routing.metric },
          needsBindings: true,
        });
      }
      // Without a usable binding the kernel answers unreachable, rate-limited.
      routes.push({
        spec: { ...spec, type: 'unreachable', metric: routing.metric + 1 },
        needsBindings: false,
      });
    }
    return {
      id,
      name: router.name,
      homeAddress: router.address,
      prefixes: router.prefixes,
      policies: router.policies,
      bindings,
    };
  });

  return {
    ingress: [],
    routers,
    prefixes: routers.flatMap((router) =>
      routerPrefixes({ address: router.homeAddress, prefixes: router.prefixes }).map((prefix) => ({
        prefix,
        router: router.id,
      })),
    ),
    rules: [],
    routes,
    homeMtu,
    problems,
  };
}

/** Mobile network prefixes, and the home address where none of them covers it. */
function routerPrefixes(router: { address: Address; prefixes: readonly Prefix[] }): Prefix[] {
  const covered = router.prefixes.some((prefix) => prefix.contains(router.address));
  return covered ? [...router.prefixes] : [Prefix.host(router.address), ...router.prefixes];
}

function planBinding(
  config: HomeAgentConfig,
  router: RouterConfig,
  binding: HomeAgentBinding,
  routerId: number,
  snapshot: NetlinkSnapshot,
  context: HomeAgentContext,
  problems: Plan['problems'],
): BindingPlan {
  const registration = context.registration(routerId, binding.bid);
  const careOf = registration.careOf ?? binding.careOf;
  const accepted = [...(careOf ? [careOf] : []), ...registration.alsoAccepted];
  const plan: BindingPlan = {
    index: context.index(routerId, binding.bid),
    bid: binding.bid,
    name: binding.name,
    priority: binding.priority,
    tunnel: binding.tunnel,
    device: binding.device,
    keyFile: binding.keyFile,
    state: 'no-address',
    careOf,
    homeAgent: config.home.agent,
    interface: undefined,
    nextHop: undefined,
    mtu: undefined,
    accepts: accepted.map((remote) => ({ local: config.home.agent, remote })),
  };
  if (!careOf) {
    return plan;
  }
  const way = wayTo(snapshot, careOf, context);
  if (!way) {
    return { ...plan, state: registration.disabled ? 'disabled' : 'no-route' };
  }
  const path = pathMtu(binding.mtu, way.mtu);
  const { mtu, problem } = planTunnel(
    `binding ${binding.name} of ${router.name}`,
    binding,
    config.external,
    snapshot.links,
    { mtu: path, about: `the path to ${careOf}` },
  );
  if (problem) problems.push(problem);
  const up = way.up && mtu !== undefined;
  return {
    ...plan,
    state: registration.disabled ? 'disabled' : up ? 'usable' : 'down',
    interface: way.interface,
    nextHop: way.nextHop,
    mtu,
  };
}

function wayTo(
  snapshot: NetlinkSnapshot,
  careOf: Address,
  context: HomeAgentContext,
): { nextHop: NextHop; interface: string; mtu: number; up: boolean } | undefined {
  const answer = context.route(careOf);
  const link = answer && snapshot.links.find((item) => item.ifindex === answer.ifindex);
  if (!answer || !link || answer.ifindex === context.homeIfindex || link.loopback) {
    return undefined;
  }
  return {
    nextHop: describeNextHop(snapshot, link, answer.gateway ?? careOf),
    interface: link.name,
    mtu: link.mtu,
    up: link.up && hasCarrier(link),
  };
}
