import {
  defaultBindingName,
  type HomeAgentBinding,
  type HomeAgentConfig,
  type RouterConfig,
} from '../config/index.js';
import { type Address, type MacAddress, Prefix } from '../net/index.js';
import type { Link, NetlinkSnapshot } from '../netlink/index.js';
import type { Policy } from '../policy/index.js';
import {
  type BindingPlan,
  carries,
  IPV6_MIN_MTU,
  type Plan,
  type ProxyPlan,
  pathMtu,
  type RoutePlan,
  type RouterPlan,
} from './plan.js';
import { findLink, planTunnel } from './tunnel-plan.js';
import { describeNextHop, hasCarrier, type NextHop } from './uplink.js';

/** BID-PRI of a binding of which nobody says it, as in the configuration file. */
const DEFAULT_PRIORITY = 10;

/** What was said of a binding at run time. */
export interface Registration {
  careOf: Address | undefined;
  /** Accepted as a source beside the one in use. */
  alsoAccepted: readonly Address[];
  disabled: boolean;
}

/** What a mobile router has registered itself (RFC 5648, RFC 3963). */
export interface RouterRegistration {
  readonly bindings: readonly RegisteredBinding[];
  readonly prefixes: readonly Prefix[];
}

export interface RegisteredBinding {
  readonly bid: number;
  readonly careOf: Address;
  /** BID-PRI; undefined: it did not say. */
  readonly priority: number | undefined;
  /** Of a binding at home: where the router is on the link, if it has said that. */
  readonly linkAddress?: MacAddress | undefined;
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
  /** Undefined for a router that does not register itself. */
  registered(router: RouterConfig): RouterRegistration | undefined;
  /** The policies of a router, its own flow bindings among them. */
  policies(router: RouterConfig): readonly Policy[];
  /** The kernel's route from our address to a care-of address, undefined if there is none. */
  route(careOf: Address): RouteAnswer | undefined;
}

/** What is planned for one router; nothing of it depends on another one. */
export interface PlanPart {
  readonly router: RouterPlan;
  readonly prefixes: Plan['prefixes'];
  readonly routes: readonly RoutePlan[];
  /** Of its home address on the home link. */
  readonly proxy: ProxyPlan | undefined;
  /** Of its widest binding; undefined where none carries packets. */
  readonly mtu: number | undefined;
  readonly problems: Plan['problems'];
}

/** Derives what should be on a home agent. Pure but for the routes it is given. */
export function planHomeAgent(
  config: HomeAgentConfig,
  snapshot: NetlinkSnapshot,
  context: HomeAgentContext,
): Plan {
  return planOfParts(config.routers.map((router) => planRouter(router, config, snapshot, context)));
}

/** The plan of some routers, or of all. */
export function planOfParts(parts: Iterable<PlanPart>): Plan {
  const proxies: ProxyPlan[] = [];
  const plan: Plan = {
    ...{ ingress: [], routers: [], prefixes: [], rules: [], routes: [], proxies, problems: [] },
    signalled: undefined,
    homeMtu: IPV6_MIN_MTU,
  };
  for (const { router, prefixes, routes, proxy, mtu, problems } of parts) {
    plan.routers.push(router);
    plan.prefixes.push(...prefixes);
    plan.routes.push(...routes);
    if (proxy) proxies.push(proxy);
    plan.problems.push(...problems);
    plan.homeMtu = Math.max(plan.homeMtu, mtu ?? 0);
  }
  return plan;
}

/** As `planHomeAgent`, for one router of the config. */
export function planRouter(
  router: RouterConfig,
  config: HomeAgentConfig,
  snapshot: NetlinkSnapshot,
  context: HomeAgentContext,
): PlanPart {
  const { home, routing } = config;
  const problems: Plan['problems'] = [];
  const routes: RoutePlan[] = [];
  const homeLink = home.link === undefined ? undefined : findLink(snapshot.links, home.link);
  const id = context.routerId(router);
  const registered = context.registered(router);
  const surroundings = {
    config,
    router,
    id,
    registers: registered !== undefined,
    snapshot,
    context,
    problems,
    homeLink,
  };
  const bindings = bindingsOf(router, registered).map((binding) => planBinding(binding, surroundings));
  const mtus = bindings.flatMap((plan) => (carries(plan.state) && plan.mtu !== undefined ? [plan.mtu] : []));
  const mtu = mtus.length > 0 ? Math.max(...mtus) : undefined;
  const prefixes = registered?.prefixes ?? router.prefixes;
  const inUse = routerPrefixes({ address: router.address, prefixes });
  const spec = { table: 254, protocol: routing.protocol };
  for (const destination of mtu === undefined ? [] : inUse) {
    const prefsrc = home.agent;
    routes.push({
      spec: { ...spec, destination, ifindex: context.homeIfindex, prefsrc, mtu, metric: routing.metric },
      needsBindings: true,
    });
  }
  // Without a usable binding the kernel answers unreachable, rate-limited.
  for (const destination of routerPrefixes(router)) {
    routes.push({
      spec: { ...spec, destination, type: 'unreachable', metric: routing.metric + 1 },
      needsBindings: false,
    });
  }
  // RFC 5648 section 6.3: also while the router is at home, as policies decide the way of its packets.
  const isRegistered = registered !== undefined && registered.bindings.length > 0;
  const isProxied = isRegistered && homeLink && isOnLink(snapshot, homeLink, router.address);
  return {
    router: {
      id,
      name: router.name,
      homeAddress: router.address,
      prefixes,
      policies: context.policies(router),
      bindings,
    },
    prefixes: inUse.map((prefix) => ({ prefix, router: id })),
    routes,
    proxy: isProxied ? { ifindex: homeLink.ifindex, address: router.address } : undefined,
    mtu,
    problems,
  };
}

/**
 * The bindings of a router: those of the file, and of a router that registers itself those that it has registered,
 * made as the file says where that lists them.
 */
export function bindingsOf(
  router: RouterConfig,
  registered: RouterRegistration | undefined,
): readonly HomeAgentBinding[] {
  if (registered === undefined) return router.bindings;
  const found = new Map(registered.bindings.map((binding) => [binding.bid, binding]));
  const listed = router.bindings.map((binding) => {
    const { careOf, priority = binding.priority } = found.get(binding.bid) ?? { careOf: undefined };
    found.delete(binding.bid);
    return { ...binding, careOf, priority };
  });
  const others = [...found.values()].map(({ bid, careOf, priority = DEFAULT_PRIORITY }) => ({
    ...{ bid, careOf, priority, name: defaultBindingName(bid) },
    ...{ tunnel: 'bpf' as const, device: undefined, keyFile: undefined, mtu: undefined },
  }));
  return [...listed, ...others];
}

/** Mobile network prefixes, and the home address where none of them covers it. */
export function routerPrefixes(router: { address: Address; prefixes: readonly Prefix[] }): Prefix[] {
  const covered = router.prefixes.some((prefix) => prefix.contains(router.address));
  return covered ? [...router.prefixes] : [Prefix.host(router.address), ...router.prefixes];
}

/** What a binding is planned in. */
interface Surroundings {
  readonly config: HomeAgentConfig;
  readonly router: RouterConfig;
  readonly id: number;
  /** Whether the router registers itself: nothing that was said by hand is asked for then. */
  readonly registers: boolean;
  readonly snapshot: NetlinkSnapshot;
  readonly context: HomeAgentContext;
  readonly problems: Plan['problems'];
  readonly homeLink: Link | undefined;
}

function planBinding(binding: HomeAgentBinding, surroundings: Surroundings): BindingPlan {
  const { config, router, id, registers, snapshot, context, problems } = surroundings;
  const registration = context.registration(id, binding.bid);
  const careOf = (registers ? undefined : registration.careOf) ?? binding.careOf;
  const accepted = [...(careOf ? [careOf] : []), ...(registers ? [] : registration.alsoAccepted)];
  const plan: BindingPlan = {
    index: context.index(id, binding.bid),
    bid: binding.bid,
    name: binding.name,
    priority: binding.priority,
    tunnel: binding.tunnel,
    device: binding.device,
    keyFile: binding.keyFile,
    state: 'no-address',
    careOf,
    wanted: undefined,
    homeAgent: config.home.agent,
    interface: undefined,
    nextHop: undefined,
    mtu: undefined,
    accepts: accepted.map((remote) => ({ local: config.home.agent, remote })),
  };
  if (!careOf) {
    return plan;
  }
  if (registers && careOf.equals(router.address)) {
    return planAtHome({ ...plan, careOf }, binding, surroundings);
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

/**
 * A router at home: packets go to it as they are, by the home link, whatever the file says of the tunnel. It does no
 * neighbour discovery for its home address (RFC 5648 section 5.6.3), so it has said where it is; one that has not is
 * asked all the same.
 */
function planAtHome(
  plan: BindingPlan & { careOf: Address },
  { bid, mtu: configured }: HomeAgentBinding,
  { router, id, snapshot, context, problems, homeLink: link }: Surroundings,
): BindingPlan {
  const atHome = { ...plan, tunnel: 'home', device: undefined, keyFile: undefined, accepts: [] } as const;
  if (!link) return { ...atHome, accepts: [], state: 'down' };
  const path = { mtu: pathMtu(configured, link.mtu), about: `the home link ${link.name}` };
  const about = `binding ${plan.name} of ${router.name}`;
  const { mtu, problem } = planTunnel(about, atHome, undefined, snapshot.links, path);
  if (problem) problems.push(problem);
  const linkAddress = context.registered(router)?.bindings.find((each) => each.bid === bid)?.linkAddress;
  const asked = describeNextHop(snapshot, link, plan.careOf);
  const nextHop =
    asked.linkHeader && linkAddress ? { ...asked, address: undefined, mac: linkAddress } : asked;
  const up = link.up && hasCarrier(link) && mtu !== undefined;
  const { disabled } = context.registration(id, bid);
  const state = disabled ? 'disabled' : up ? 'usable' : 'down';
  return { ...atHome, accepts: [], state, interface: link.name, nextHop, mtu };
}

/** Whether hosts on a link would look for an address there. */
function isOnLink(snapshot: NetlinkSnapshot, { ifindex }: Link, address: Address): boolean {
  return snapshot.addresses.some((item) => item.ifindex === ifindex && item.prefix.contains(address));
}

/** The way of outer packets. */
interface Way {
  readonly nextHop: NextHop;
  readonly interface: string;
  readonly mtu: number;
  readonly up: boolean;
}

/** The ways by gateways, of which there are few for all care-of addresses. */
const ways = new WeakMap<NetlinkSnapshot, Map<string, Way | undefined>>();

function wayTo(snapshot: NetlinkSnapshot, careOf: Address, context: HomeAgentContext): Way | undefined {
  const answer = context.route(careOf);
  if (!answer?.gateway) return answer && wayBy(snapshot, careOf, answer, context);
  const known = ways.get(snapshot) ?? new Map<string, Way | undefined>();
  ways.set(snapshot, known);
  const name = `${answer.ifindex} ${answer.gateway.key}`;
  if (!known.has(name)) known.set(name, wayBy(snapshot, careOf, answer, context));
  return known.get(name);
}

function wayBy(
  snapshot: NetlinkSnapshot,
  careOf: Address,
  answer: RouteAnswer,
  context: HomeAgentContext,
): Way | undefined {
  const link = snapshot.links.find((item) => item.ifindex === answer.ifindex);
  if (!link || answer.ifindex === context.homeIfindex || link.loopback) {
    return undefined;
  }
  return {
    nextHop: describeNextHop(snapshot, link, answer.gateway ?? careOf),
    interface: link.name,
    mtu: link.mtu,
    up: link.up && hasCarrier(link),
  };
}
