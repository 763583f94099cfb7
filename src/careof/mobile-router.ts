import type { MobileRouterBinding, MobileRouterConfig } from '../config/index.js';
import { type Address, Prefix } from '../net/index.js';
import type { Link, NetlinkSnapshot, RuleSpec } from '../netlink/index.js';
import { planBypass } from './bypass.js';
import {
  type BindingPlan,
  carries,
  type IngressPlan,
  IPV6_MIN_MTU,
  LAST_METRIC,
  type Plan,
  pathMtu,
  type RoutePlan,
} from './plan.js';
import { asksByMark, planTunnel } from './tunnel-plan.js';
import { observeHomeLink, observeUplink, type Uplink } from './uplink.js';

const LINK_LOCAL = Prefix.parse('fe80::/64');

/** What a plan of a mobile router needs beside config and kernel. */
export interface MobileRouterContext {
  routerId: number;
  homeIfindex: number;
  index(bid: number): number;
  /** Care-of address in use, from the live row. */
  current(bid: number): Address | undefined;
  disabled(bid: number): boolean;
  /** The care-of address that the home agent has accepted; undefined as a whole where none is registered by us. */
  registered: ((bid: number) => Address | undefined) | undefined;
  ingress: readonly IngressPlan[];
}

/** Derives what should be on a mobile router. Pure: the same kernel and config give the same plan. */
export function planMobileRouter(
  config: MobileRouterConfig,
  snapshot: NetlinkSnapshot,
  context: MobileRouterContext,
): Plan {
  const { home, routing } = config;
  const homePrefixes = [Prefix.host(home.address), ...home.prefixes];
  const problems: Plan['problems'] = [];
  const rules: RuleSpec[] = [];
  const routes: RoutePlan[] = [];

  const observeBinding = ({ bid, interface: name, careOf, gateway, tunnel }: MobileRouterBinding): Uplink => {
    const { agent: homeAgent, address: homeAddress } = home;
    const query = { interface: name, homeAgent, ownProtocol: routing.protocol };
    return tunnel === 'home'
      ? observeHomeLink(snapshot, { ...query, homeAddress })
      : observeUplink(snapshot, {
          ...{ ...query, careOf, gateway, home: homePrefixes },
          current: context.current(bid),
        });
  };
  const bindings = config.bindings.map((binding) => {
    const observe = (careOf: 'auto' | Address): Uplink => observeBinding({ ...binding, careOf });
    const wanted = observe(binding.careOf);
    const uplink = untilRegistered(wanted, context.registered?.(binding.bid), context, observe);
    const outer = outerRouting(config, binding, uplink, snapshot.links);
    rules.push(...outer.rules);
    routes.push(...outer.routes);
    return {
      ...planBinding(config, binding, uplink, snapshot, context, problems),
      wanted: context.disabled(binding.bid) || !carries(wanted.state) ? undefined : wanted.careOf,
    };
  });

  const mtus = bindings.flatMap((plan) => (carries(plan.state) && plan.mtu !== undefined ? [plan.mtu] : []));
  const mark = { protocol: routing.protocol, table: 254 } as const;
  if (mtus.length > 0) {
    routes.push({
      spec: {
        ...mark,
        destination: Prefix.DEFAULT,
        ifindex: context.homeIfindex,
        prefsrc: home.address,
        metric: routing.metric,
      },
      needsBindings: true,
    });
  }
  // Without a binding nothing of home may leave by an uplink's own default route.
  routes.push({
    spec: { ...mark, destination: Prefix.DEFAULT, type: 'unreachable', metric: routing.metric + 1 },
    needsBindings: false,
  });
  for (const prefix of home.prefixes) {
    routes.push({
      spec: { ...mark, destination: prefix, type: 'unreachable', metric: LAST_METRIC },
      needsBindings: false,
    });
  }

  const bypass = planBypass(config, snapshot);
  rules.push(...bypass.rules);
  routes.push(...bypass.routes);

  problems.push(...context.ingress.flatMap((ingress) => ingress.problems));

  return {
    ingress: context.ingress,
    routers: [
      {
        id: context.routerId,
        name: config.instance,
        homeAddress: home.address,
        prefixes: home.prefixes,
        policies: config.policies,
        bindings,
      },
    ],
    prefixes: homePrefixes.map((prefix) => ({ prefix, router: context.routerId })),
    rules,
    routes,
    proxies: [],
    signalled: config.registration && home.address,
    homeMtu: Math.max(IPV6_MIN_MTU, ...mtus),
    problems,
  };
}

/**
 * The uplink as packets may use it while its address is registered: by the address that the home agent has accepted as
 * long as the link has that, else not at all.
 */
function untilRegistered(
  wanted: Uplink,
  registered: Address | undefined,
  context: MobileRouterContext,
  observe: (careOf: Address) => Uplink,
): Uplink {
  if (context.registered === undefined || !carries(wanted.state)) return wanted;
  if (registered !== undefined && wanted.careOf?.equals(registered)) return wanted;
  const before = registered && observe(registered);
  if (before && carries(before.state) && before.careOf?.equals(registered))
    return { ...before, candidates: wanted.candidates };
  return { ...wanted, state: 'registering' };
}

function planBinding(
  config: MobileRouterConfig,
  binding: MobileRouterBinding,
  uplink: Uplink,
  snapshot: NetlinkSnapshot,
  context: MobileRouterContext,
  problems: Plan['problems'],
): Omit<BindingPlan, 'wanted'> {
  let state = context.disabled(binding.bid) ? 'disabled' : uplink.state;
  const path = uplink.link ? pathMtu(binding.mtu, uplink.link.mtu) : binding.mtu;
  const tunnel =
    path === undefined
      ? undefined
      : planTunnel(`binding ${binding.name}`, binding, config.external, snapshot.links, {
          mtu: path,
          about: binding.interface,
        });
  if (tunnel?.problem) {
    problems.push(tunnel.problem);
    state = carries(state) ? 'down' : state;
  }
  return {
    index: context.index(binding.bid),
    bid: binding.bid,
    name: binding.name,
    priority: binding.priority,
    tunnel: binding.tunnel,
    device: binding.device,
    keyFile: binding.keyFile,
    state,
    careOf: uplink.careOf,
    homeAgent: config.home.agent,
    interface: binding.interface,
    nextHop: uplink.nextHop,
    mtu: tunnel?.mtu,
    accepts: uplink.candidates.map((local) => ({ local, remote: config.home.agent })),
  };
}

/**
 * Rule and table that make what has a care-of address as its source leave by that address's link: the outer
 * packets of tunnel devices, and sockets bound to it. WireGuard asks for a route before it has a source: what has
 * its mark goes by the same table, whose routes then name the source.
 */
function outerRouting(
  config: MobileRouterConfig,
  binding: MobileRouterBinding,
  uplink: Uplink,
  links: readonly Link[],
): { rules: RuleSpec[]; routes: RoutePlan[] } {
  const { routing } = config;
  const table = routing.table + binding.bid;
  const rules: RuleSpec[] = uplink.candidates.map((address) => ({
    priority: routing.rulePriority,
    source: Prefix.host(address),
    table,
    protocol: routing.protocol,
  }));
  if (rules.length === 0) {
    return { rules: [], routes: [] };
  }
  const marked = binding.device !== undefined && asksByMark(binding.device, links);
  if (marked) {
    const mark = { fwmark: table, fwmask: 0xffff_ffff };
    rules.push({ ...mark, priority: routing.rulePriority, table, protocol: routing.protocol });
  }
  const add = (spec: Partial<RoutePlan['spec']> & { destination: Prefix; metric: number }): RoutePlan => ({
    spec: { ...spec, table, protocol: routing.protocol },
    needsBindings: false,
  });
  const routes = [add({ destination: Prefix.DEFAULT, type: 'unreachable', metric: LAST_METRIC })];
  const { link, nextHop } = uplink;
  if (link && nextHop) {
    const ifindex = link.ifindex;
    const { agent } = config.home;
    const [gateway, toAgent] = [uplink.gateway ?? nextHop.address, nextHop.address].map((address) =>
      address?.equals(agent) ? undefined : address,
    );
    const prefsrc = marked ? uplink.careOf : undefined;
    routes.push(add({ destination: Prefix.DEFAULT, ifindex, gateway, prefsrc, metric: routing.metric }));
    if (uplink.gateway) {
      const destination = Prefix.host(agent);
      routes.push(add({ destination, ifindex, gateway: toAgent, prefsrc, metric: routing.metric }));
    }
    for (const prefix of [LINK_LOCAL, ...uplink.prefixes]) {
      routes.push(add({ destination: prefix, ifindex, metric: routing.metric }));
    }
  }
  return { rules, routes };
}
