import type { Config } from '../config/index.js';
import {
  type CxBinding,
  CxRole,
  CxSetting,
  CxTunnelKind,
  type Datapath,
  DatapathError,
  encodeCxNeighbour,
  findCgroup,
} from '../datapath/index.js';
import { type Address, Prefix, PrefixIndex } from '../net/index.js';
import { ARPHRD, type Link, type Netlink, type NetlinkSnapshot, type Route } from '../netlink/index.js';
import { PolicyCompiler, type RouterPolicySet } from '../policy/index.js';
import { AcceptSet } from './accept-set.js';
import { fastIngress, goesToStack } from './attachment-plan.js';
import { ensureHomeDevice, ensureTunnelDevice, ownerOf, settleHomeDevice } from './home-device.js';
import { addMissing, homeRoutes, removeStale, Sightings } from './kernel-routing.js';
import {
  type DirectNeighbour,
  directNeighbours,
  holdNeighbours,
  ProbeTurns,
  probeNeighbours,
} from './managed-neighbours.js';
import {
  type BindingPlan,
  bindingRow,
  carries,
  type Plan,
  type RouterPlan,
  type TunnelDevice,
} from './plan.js';
import { PolicyInputs } from './policy-inputs.js';
import { Programs } from './programs.js';
import { ProxyNeighbours } from './proxy-neighbours.js';
import { emptyReport, guard, problemOf, type ReconcileReport, runAgain, take } from './reconcile-report.js';
import type { Scope } from './scope.js';
import { hasOwnedDevices, interfaceIdOf, TunnelDevices, type Tunnels } from './tunnel-devices.js';
import type { XdpWatch } from './xdp-watch.js';

/** How long a generation that nothing speaks against is not compared with the kernel's. */
const RECHECK_MS = 10_000;

/** When what was refused is tried again although nothing happens. */
const RETRY_MS = 5000;

/** A run may leave its end to the next one for so long, milliseconds: messages may never cease. */
const LONGEST_CUT_MS = 100;

/** Hosts of the mobile network are asked every third time, where they are no more than this many a time. */
const DIRECT_ROUNDS = 3;
const DIRECT_PROBES = 64;

/** The devices of an instance. */
export interface Devices {
  home: Link;
  peer: Link;
  tunnel: Link | undefined;
}

/** What the steps of one run share. */
interface Run {
  readonly config: Config;
  readonly plan: Plan;
  readonly devices: Devices;
  readonly snapshot: NetlinkSnapshot;
  readonly report: ReconcileReport;
  readonly tunnels: Tunnels;
  /** Undefined: everything. */
  readonly scope?: Scope | undefined;
  /** The rows of its bindings, and which of them have been switched. */
  readonly rows: Rows;
}

/** By binding index; made when it is first asked for, and the same from the beginning of a run to its end. */
class Rows {
  readonly switched = new Set<number>();
  readonly #rows = new Map<number, CxBinding | undefined>();

  of(index: number, make: () => CxBinding | undefined): CxBinding | undefined {
    if (!this.#rows.has(index)) this.#rows.set(index, make());
    return this.#rows.get(index);
  }
}

/** Of bindings whose outer header our program makes. */
const NO_TUNNELS: Tunnels = { current: new Map(), owned: [], awaiting: new Set(), arrivals: [] };

/**
 * Makes kernel and maps equal to a plan, and can be run at any time: whatever is right already is not
 * touched. The order keeps every packet right on the way: bindings that died are taken out first; rule,
 * table and accept set are there before a binding is switched; what is stale goes last.
 */
export class Reconciler implements Disposable {
  readonly #netlink: Netlink;
  readonly #datapath: Datapath;
  readonly #sightings = new Sightings();
  /** When a run last came to its end. */
  #lastWhole = 0;
  readonly #turns = new ProbeTurns(DIRECT_ROUNDS, DIRECT_PROBES);
  readonly #compiler = new PolicyCompiler();
  readonly #programs: Programs;
  readonly #acceptSet: AcceptSet;
  readonly #tunnelDevices: TunnelDevices;
  readonly #proxies: ProxyNeighbours;
  /** What the active generation was made of, and when it was last compared with the kernel's. */
  #active: { inputs: PolicyInputs; checkedAt: number } | undefined;
  /** Next hops that the kernel was asked to keep fresh. */
  #held = new Set<string>();

  constructor(netlink: Netlink, datapath: Datapath, xdpWatch: XdpWatch) {
    this.#netlink = netlink;
    this.#datapath = datapath;
    this.#programs = new Programs(datapath, xdpWatch);
    this.#acceptSet = new AcceptSet(datapath);
    this.#tunnelDevices = new TunnelDevices(netlink);
    this.#proxies = new ProxyNeighbours(netlink);
  }

  [Symbol.dispose](): void {
    this.#tunnelDevices[Symbol.dispose]();
  }

  /** Makes the devices that everything else refers to. */
  async devices(config: Config, mtu: number): Promise<Devices> {
    const mac = this.#datapath.homeMac;
    const owner = ownerOf(config.instance);
    const { home, peer } = await ensureHomeDevice(this.#netlink, owner, config.home.interface, mac, mtu);
    const tunnel = config.external && (await ensureTunnelDevice(this.#netlink, owner, config.external, mac));
    const settings = this.#datapath.settings;
    settings.set(CxSetting.HOME_IFINDEX, home.ifindex);
    settings.set(CxSetting.ROUTE_PROTOCOL, config.routing.protocol);
    settings.set(CxSetting.BYPASS_MARK, config.routing.bypassMark);
    return { home, peer, tunnel };
  }

  /** Whether an announcement of the kernel only says that a route is as a run wanted it: nothing follows from it. */
  isAnswer(route: Route, there: boolean): boolean {
    return this.#sightings.isAnswer(route, there);
  }

  /** Whether packets of bindings in use are sent to this neighbour. */
  isNextHop(neighbour: { ifindex: number; address: Address }): boolean {
    return this.#held.has(nameOfHop(neighbour));
  }

  /** Whether what routers register can be made so for them alone; where devices make outer headers it cannot. */
  canScope(config: Config, plan: Plan): boolean {
    return !this.#datapath.filling && config.external === undefined && !hasOwnedDevices(plan);
  }

  /**
   * The steps of `run` for a part of the plan, in the same order: it takes as long as the part is large. What is asked
   * of the kernel's routes, and of the maps, is what the part is about; what it has replaced is what goes.
   */
  async runScope(
    config: Config,
    scope: Scope,
    devices: Devices,
    snapshot: NetlinkSnapshot,
  ): Promise<ReconcileReport> {
    const { plan, before } = scope;
    const report = emptyReport(plan.problems);
    const own = { protocol: config.routing.protocol };
    const hasSame = hasSameRoutes(scope);
    const run: Run = {
      ...{ config, devices, report, scope, tunnels: NO_TUNNELS, rows: new Rows() },
      plan: without(plan, before),
      snapshot: {
        ...snapshot,
        routes: hasSame ? [] : routesTo(scope, destinationsOf(plan, before)),
        rules: [],
      },
    };
    await this.#switchBindings(run, 'off');
    await guard(report, () => this.#datapath.prefixes.update(...prefixChanges(scope)));
    await guard(report, () => this.#syncAccepted(run));
    await this.#switchBindings(run, 'moved');
    const specs = (routes: Plan['routes']): Plan['routes'][number]['spec'][] =>
      routes.map(({ spec }) => spec);
    const add = async (needsBindings: boolean): Promise<void> => {
      if (hasSame) return;
      const routes = specs(plan.routes.filter((route) => route.needsBindings === needsBindings));
      const desired = { rules: [], routes };
      take(report, await addMissing(this.#netlink, run.snapshot, own, desired, this.#sightings));
    };
    await add(false);
    if (!hasSamePolicies(scope))
      await this.#activatePolicies({ ...run, plan: scope.whole(), snapshot }, plan.routers);
    await this.#switchBindings(run, 'on');

    await guard(report, () => settleHomeDevice(this.#netlink, devices.home, scope.homeMtu, undefined));
    await add(true);
    if (!hasSame) {
      const all = { rules: [], routes: specs(plan.routes) };
      const earlier = specs(before.routes);
      take(report, await removeStale(this.#netlink, run.snapshot, own, all, this.#sightings, earlier));
    }
    await guard(report, () => this.#syncRoutes(run));
    if (scope.neighbours) {
      const all = { ...run, plan: scope.whole(), snapshot };
      await guard(report, () => this.#syncNeighbours(all));
      await this.#holdNeighbours(all);
    } else await this.#holdNewNextHops(run);
    await this.#releaseBindings(plan, before);
    return report;
  }

  /**
   * Makes the kernel and the datapath as the plan says, what packets wait for first.
   * @param isOutdated whether something newer is known than the plan: what no packet waits for is then left out
   */
  async run(
    config: Config,
    plan: Plan,
    devices: Devices,
    snapshot: NetlinkSnapshot,
    isOutdated: () => boolean,
  ): Promise<ReconcileReport> {
    this.#sightings.forgetAsked();
    const report = emptyReport(plan.problems);
    const own = { protocol: config.routing.protocol };
    const early = plan.routes.filter((route) => !route.needsBindings).map((route) => route.spec);
    const addEarly = async (): Promise<void> =>
      take(
        report,
        await addMissing(this.#netlink, snapshot, own, { rules: plan.rules, routes: early }, this.#sightings),
      );

    // A tunnel device asks the kernel's routes for the way of its outer packets.
    if (hasOwnedDevices(plan)) await addEarly();
    const tunnels = await this.#tunnelDevices.prepare(
      config,
      plan,
      { links: snapshot.links, external: devices.tunnel },
      report,
    );
    const run: Run = { config, plan, devices, snapshot, report, tunnels, rows: new Rows() };
    await this.#switchBindings(run, 'off');
    await guard(report, () => this.#datapath.prefixes.sync(plan.prefixes));
    await guard(report, () => this.#syncAccepted(run));
    await this.#switchBindings(run, 'moved');
    if (!hasOwnedDevices(plan)) await addEarly();
    // Packets do not come to a state that is still being filled.
    if (!this.#datapath.filling) {
      await this.#attach(run);
      if (goesToStack(report.changes)) {
        await guard(report, () => this.#programs.attachXdp(config, snapshot, report));
        await guard(report, () => this.#syncNeighbours(run));
      }
    }
    await this.#activatePolicies(run);
    await this.#switchBindings(run, 'on');
    // Unless packets are to go to the stack a new care-of address need not wait for it.
    if (!this.#datapath.filling && report.xdpChanges === undefined) {
      await guard(report, () => this.#programs.attachXdp(config, snapshot, report));
    }
    // What is left is for the next run, which begins at once; but not for ever.
    if (isOutdated() && performance.now() - this.#lastWhole < LONGEST_CUT_MS) return report;

    const address = config.role === 'mobile-router' ? config.home.address : undefined;
    await guard(report, () => settleHomeDevice(this.#netlink, devices.home, plan.homeMtu, address));
    const all = { rules: plan.rules, routes: plan.routes.map((route) => route.spec) };
    const late = plan.routes.filter((route) => route.needsBindings).map((route) => route.spec);
    const after = { rules: [], routes: late };
    take(report, await addMissing(this.#netlink, snapshot, own, after, this.#sightings));
    take(report, await removeStale(this.#netlink, snapshot, own, all, this.#sightings));
    await guard(report, () => this.#syncRoutes(run));
    await guard(report, () => this.#syncNeighbours(run));
    await this.#holdNeighbours(run);
    await guard(report, async () => {
      const failed = await this.#proxies.sync(plan.proxies, config.routing.protocol);
      report.problems.push(...failed.map(problemOf));
    });
    await guard(report, () => this.#takeOver(run));
    await this.#releaseBindings(plan);
    await guard(report, () => this.#tunnelDevices.sweep(config, tunnels, snapshot.links, report));
    this.#lastWhole = performance.now();
    report.isWhole = true;
    if (report.problems.length > plan.problems.length) {
      // What was refused may pass without a message from the kernel.
      runAgain(report, RETRY_MS);
    }
    return report;
  }

  async #attach({ config, plan, devices, snapshot, report, tunnels }: Run): Promise<void> {
    const owned = tunnels.owned.map(({ link }) => link);
    await this.#programs.attach(config, plan, { ...devices, owned }, snapshot, report);
  }

  /**
   * Switches bindings off, on, or first of all those that only go on with another address or next hop: what our
   * program encapsulates asks for no route or rule of ours, and to wait for these would be to wait for all who
   * change the kernel's tables at that moment.
   */
  async #switchBindings(run: Run, direction: 'off' | 'moved' | 'on'): Promise<void> {
    const { config, plan, report, rows } = run;
    for (const router of plan.routers) {
      for (const binding of router.bindings) {
        if (rows.switched.has(binding.index)) continue;
        const row = rows.of(binding.index, () =>
          bindingRow(binding, router.id, outerAddresses(config, binding), tunnelDevice(run, binding)),
        );
        if ((row === undefined) !== (direction === 'off')) {
          continue;
        }
        const before = this.#datapath.bindings.current(binding.index);
        if (direction === 'moved' && !(isSentByUs(before) && isSentByUs(row))) {
          continue;
        }
        rows.switched.add(binding.index);
        if (await this.#datapath.bindings.set(binding.index, row)) {
          const from = config.role === 'mobile-router' ? before?.outerSource : before?.outerDestination;
          report.switched.push({ plan: binding, router: router.name, from, at: performance.now() });
        }
      }
    }
  }

  /** Answers the rows written. */
  async #syncAccepted({ config, plan, tunnels, report, scope }: Run): Promise<number> {
    const replaced = scope && without(scope.before, scope.plan);
    const { written, dueInMs } = await this.#acceptSet.sync(config, plan, replaced);
    report.pairsDueInMs = dueInMs;
    if (scope) return written;
    const devices = await this.#acceptSet.syncDevices(plan, tunnels.owned);
    return written + devices + this.#datapath.spis.sync(tunnels.arrivals);
  }

  /**
   * A state that was filled beside an older version's is looked at again as a whole, then named complete, and
   * only then do the programs over it take the place of the older ones, one by one. The older state goes when
   * nothing uses it any more; a run that ends before that is continued by the next.
   * @throws DatapathError UPGRADE_NOT_VERIFIED
   */
  async #takeOver(run: Run): Promise<void> {
    const { config, snapshot, report } = run;
    if (this.#datapath.filling) {
      const wrong = await this.#unsettled(run);
      if (wrong.length > 0) {
        throw new DatapathError(
          'UPGRADE_NOT_VERIFIED',
          `the new state reads back differently: ${wrong.join(', ')}`,
          'packets still use the old one, and it is tried again; look for another writer of the pinned maps',
        );
      }
      this.#datapath.takeOver();
      await this.#attach(run);
      await this.#programs.attachXdp(config, snapshot, report);
    }
    if (report.changes?.failed.length === 0 && report.xdpChanges?.failed.length === 0) {
      report.replaced = this.#datapath.releasePredecessors();
    }
  }

  /** Does what a run writes into maps once more; answers what was not as it should have been. */
  async #unsettled(first: Run): Promise<string[]> {
    const report = emptyReport([]);
    const run = { ...first, report, rows: new Rows() };
    const writes: Record<string, number> = {};
    const again = async (name: string, step: () => Promise<number> | number): Promise<void> => {
      await guard(report, async () => {
        writes[name] = await step();
      });
    };
    await again('prefixes', () => this.#datapath.prefixes.sync(run.plan.prefixes));
    await again('accepted addresses', () => this.#syncAccepted(run));
    await again('routes', () => this.#syncRoutes(run));
    await again('neighbours', () => this.#syncNeighbours(run));
    // What is remembered of the generation is no answer here: it is compared with the kernel's.
    this.#active = undefined;
    await this.#activatePolicies(run);
    await this.#switchBindings(run, 'off');
    await this.#switchBindings(run, 'on');
    writes.bindings = report.switched.length;
    writes.policies = report.generation === undefined ? 0 : 1;
    return Object.keys(writes).filter((name) => writes[name] !== 0);
  }

  #syncRoutes({ config, plan, devices, snapshot, scope }: Run): number {
    if (scope === undefined) {
      return this.#datapath.routes.sync(homeRoutes(snapshot, devices.home.ifindex, ownerIn(plan, config)));
    }
    const announced = { ...snapshot, routes: routesTo(scope, scope.destinations) };
    const routes = homeRoutes(announced, devices.home.ifindex, (prefix) => scope.ownerOf(prefix));
    const there = new Set(routes.map(({ prefix }) => prefix.toString()));
    return this.#datapath.routes.update(
      routes,
      scope.destinations.filter((prefix) => !there.has(prefix.toString())),
    );
  }

  /** @param changed the routers of which something is another than it was, where it is known that something is */
  async #activatePolicies({ plan, snapshot, report }: Run, changed?: readonly RouterPlan[]): Promise<void> {
    const { generations, policyIds, bindings } = this.#datapath;
    const active = this.#active;
    const now = performance.now();
    let inputs: PolicyInputs;
    if (active && changed) {
      inputs = active.inputs;
      inputs.replace(changed, snapshot, findCgroup);
    } else {
      inputs = new PolicyInputs(plan.routers, snapshot, findCgroup);
      if (active && inputs.equals(active.inputs) && now - active.checkedAt < RECHECK_MS) return;
    }
    // Whatever goes wrong from here on is tried again.
    this.#active = undefined;
    const routers = plan.routers.map(policySetOf);
    const indices = new Map(snapshot.links.map((link) => [link.name, link.ifindex]));
    const compiled = await this.#compiler.compile(routers, {
      bindingIndex: (router, bid) => bindings.index({ router, bid }),
      policyId: (router, fid) => policyIds.id(router, fid),
      ifindex: (name) => indices.get(name),
      cgroupId: findCgroup,
      limits: generations.limits,
    });
    await policyIds.save();
    const from = generations.activeId;
    if (from === 0 || !(await generations.isActive(compiled))) {
      report.generation = { from, to: await generations.activate(compiled) };
    }
    // Also when nothing changed: what failed or was killed before this line has left ids behind.
    await policyIds.keepOnly(compiled.policyIds);
    this.#active = { inputs, checkedAt: now };
  }

  /** Answers the rows written. */
  async #syncNeighbours({ config, plan, snapshot }: Run): Promise<number> {
    const { added, changed } = await this.#datapath.neighbours.sync(
      directOf(config, plan, snapshot).map((neighbour) => [
        neighbour.address.toBytes(),
        encodeCxNeighbour({
          address: neighbour.address.toString(),
          ifindex: neighbour.ifindex,
          mac: neighbour.mac.toString(),
          ownMac: neighbour.ownMac.toString(),
          mtu: neighbour.mtu,
        }),
      ]),
    );
    return added + changed;
  }

  /** The kernel is to keep the neighbours fresh that packets reach without it. */
  async #holdNeighbours({ config, plan, snapshot, report }: Run): Promise<void> {
    const wanted = { nextHops: nextHopsOf(plan), direct: directOf(config, plan, snapshot) };
    this.#held = new Set(wanted.nextHops.map(nameOfHop));
    await guard(report, async () => {
      const failed = await holdNeighbours(this.#netlink, snapshot, wanted, config.routing.protocol);
      report.problems.push(...failed.map(problemOf));
    });
  }

  /** What no binding uses any more is let go by the next run over everything. */
  async #holdNewNextHops({ config, plan, snapshot, report }: Run): Promise<void> {
    const nextHops = nextHopsOf(plan).filter((hop) => !this.#held.has(nameOfHop(hop)));
    if (nextHops.length === 0) return;
    for (const hop of nextHops) this.#held.add(nameOfHop(hop));
    const names = new Set(nextHops.map(nameOfHop));
    const neighbours = snapshot.neighbours.filter((neighbour) => names.has(nameOfHop(neighbour)));
    const wanted = { nextHops, direct: [] };
    await guard(report, async () => {
      const about = { ...snapshot, neighbours };
      const failed = await holdNeighbours(this.#netlink, about, wanted, config.routing.protocol);
      report.problems.push(...failed.map(problemOf));
    });
  }

  /** Asks the next hops in use, and by turns the hosts of the mobile network, whether they are still there. */
  async probe(config: Config, plan: Plan, snapshot: NetlinkSnapshot): Promise<void> {
    const asked = [...nextHopsOf(plan), ...this.#turns.take(directOf(config, plan, snapshot))];
    await probeNeighbours(this.#netlink, snapshot, asked, config.routing.protocol);
  }

  /**
   * Forgets bindings that are in no router's list and, by now, in no generation.
   * @param before what was planned for the routers of the plan, where these are not all
   */
  async #releaseBindings(plan: Plan, before?: Plan): Promise<void> {
    const planned = indicesOf(plan);
    const known = before ? indicesOf(before) : this.#datapath.bindings.indices();
    for (const index of known) {
      if (!planned.has(index)) {
        await this.#datapath.bindings.release(index);
      }
    }
    if (before) return;
    this.#datapath.routerIds.keepOnly(new Set(plan.routers.map((router) => router.homeAddress.toString())));
  }
}

/** The neighbours in the mobile network that packets are given to without the stack. */
function directOf(config: Config, plan: Plan, snapshot: NetlinkSnapshot): DirectNeighbour[] {
  const names = new Set(config.role === 'mobile-router' ? fastIngress(plan) : config.interfaces);
  const links = snapshot.links.filter((link) =>
    [link.name, ...link.altNames].some((name) => names.has(name)),
  );
  return directNeighbours(snapshot, links).slice(0, config.limits.neighbours);
}

/** The neighbours that bindings in use send to. */
function nextHopsOf(plan: Plan): { ifindex: number; address: Address }[] {
  const nextHops = new Map<string, { ifindex: number; address: Address }>();
  for (const { bindings } of plan.routers) {
    for (const { nextHop, state } of bindings) {
      if (!nextHop?.address || !carries(state)) continue;
      const { ifindex, address } = nextHop;
      nextHops.set(nameOfHop({ ifindex, address }), { ifindex, address });
    }
  }
  return [...nextHops.values()];
}

/** Whether our program gives the packets of a binding to its link, so that they ask for no route or rule. */
function isSentByUs(row: Pick<CxBinding, 'kind'> | undefined): boolean {
  return row?.kind === CxTunnelKind.BPF || row?.kind === CxTunnelKind.HOME;
}

function outerAddresses(config: Config, binding: BindingPlan): { source: Address; destination: Address } {
  const careOf = binding.careOf ?? binding.homeAgent;
  return config.role === 'mobile-router'
    ? { source: careOf, destination: binding.homeAgent }
    : { source: binding.homeAgent, destination: careOf };
}

/** The device that makes a binding's outer header, undefined where our program does. */
function tunnelDevice({ config, devices, tunnels }: Run, binding: BindingPlan): TunnelDevice | undefined {
  if (binding.tunnel !== 'external') {
    const link = tunnels.current.get(binding.index);
    return link && { ...placeOf(link), kind: CxTunnelKind.DEVICE, tunnelId: 0 };
  }
  const { tunnel: link } = devices;
  if (!link || !config.external) return undefined;
  if (config.external.kind === 'xfrm') {
    const tunnelId = interfaceIdOf(config, binding);
    return { ...placeOf(link), kind: CxTunnelKind.EXTERNAL_XFRM, tunnelId };
  }
  return { ...placeOf(link), kind: CxTunnelKind.EXTERNAL, tunnelId: config.external.vni };
}

function placeOf({ ifindex, type }: Link): Pick<TunnelDevice, 'ifindex' | 'linkHeader'> {
  return { ifindex, linkHeader: type === ARPHRD.ETHER };
}

function ownerIn(plan: Plan, config: Config): (prefix: Prefix) => number {
  if (config.role === 'mobile-router') {
    return () => plan.routers[0]?.id ?? 0;
  }
  const owners = new PrefixIndex(plan.prefixes.map(({ prefix, router }) => [prefix, router] as const));
  return (prefix) => owners.find(prefix) ?? 0;
}

/** Of plans of routers that stay, so that of many only those are made anew that are another. */
const policySets = new WeakMap<RouterPlan, RouterPolicySet>();

function policySetOf(router: RouterPlan): RouterPolicySet {
  let set = policySets.get(router);
  if (set === undefined) {
    const { id: routerId, policies, bindings } = router;
    set = { routerId, policies, bindings };
    policySets.set(router, set);
  }
  return set;
}

function indicesOf(plan: Plan): Set<number> {
  return new Set(plan.routers.flatMap(({ bindings }) => bindings.map(({ index }) => index)));
}

const nameOfHop = (hop: { ifindex: number; address: Address }): string => `${hop.ifindex} ${hop.address}`;

function routesTo({ routesTo: ask }: Scope, destinations: Iterable<Prefix>): Route[] {
  return [...destinations].flatMap((destination) => ask(destination));
}

/** Where the routes of plans lead, each prefix once. */
function destinationsOf(...plans: readonly Plan[]): Iterable<Prefix> {
  const found = new Map<string, Prefix>();
  for (const { routes } of plans) {
    for (const { spec } of routes) {
      const destination = Prefix.from(spec.destination);
      found.set(destination.toString(), destination);
    }
  }
  return found.values();
}

/** A plan with those of its bindings only that another plan of the same routers does not have as they are. */
function without(plan: Plan, other: Plan): Plan {
  const routers = plan.routers.map((router, at) => {
    const others = new Set(other.routers[at]?.bindings);
    return { ...router, bindings: router.bindings.filter((binding) => !others.has(binding)) };
  });
  return { ...plan, routers };
}

function hasSameRoutes({ plan, before }: Scope): boolean {
  return (
    plan.routes.length === before.routes.length &&
    plan.routes.every(({ spec, needsBindings }, at) => {
      const was = before.routes[at];
      return (
        was?.needsBindings === needsBindings &&
        was.spec.mtu === spec.mtu &&
        String(was.spec.destination) === String(spec.destination)
      );
    })
  );
}

/** What `PrefixMap.update` is to do. */
function prefixChanges({ plan, before }: Scope): [desired: Plan['prefixes'], gone: Prefix[]] {
  const was = new Map(before.prefixes.map(({ prefix, router }) => [prefix.toString(), router]));
  const is = new Set(plan.prefixes.map(({ prefix }) => prefix.toString()));
  return [
    plan.prefixes.filter(({ prefix, router }) => was.get(prefix.toString()) !== router),
    before.prefixes.flatMap(({ prefix }) => (is.has(prefix.toString()) ? [] : [prefix])),
  ];
}

/** Whether the generation of before is that of now: it has policies, and bindings with their priorities. */
function hasSamePolicies({ plan, before }: Scope): boolean {
  return plan.routers.every(({ id, policies, bindings }, at) => {
    const was = before.routers[at];
    return (
      was?.id === id &&
      was.policies === policies &&
      was.bindings.length === bindings.length &&
      bindings.every(({ bid, priority, index }, place) => {
        const other = was.bindings[place];
        return other?.bid === bid && other.priority === priority && other.index === index;
      })
    );
  });
}

/** The role number of a config, as the programs know it. */
export function roleOf(config: Config): CxRole {
  return config.role === 'mobile-router' ? CxRole.MOBILE_ROUTER : CxRole.HOME_AGENT;
}
