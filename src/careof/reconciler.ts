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
import type { Address, Prefix } from '../net/index.js';
import { ARPHRD, type Link, type Netlink, type NetlinkSnapshot } from '../netlink/index.js';
import { PolicyCompiler } from '../policy/index.js';
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
import { type BindingPlan, bindingRow, carries, type Plan, type TunnelDevice } from './plan.js';
import { PolicyInputs } from './policy-inputs.js';
import { Programs } from './programs.js';
import { ProxyNeighbours } from './proxy-neighbours.js';
import { emptyReport, guard, problemOf, type ReconcileReport, runAgain, take } from './reconcile-report.js';
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
}

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
    const run: Run = { config, plan, devices, snapshot, report, tunnels };
    await this.#switchBindings(run, 'off');
    await guard(report, () => this.#datapath.prefixes.sync(plan.prefixes));
    await guard(report, () => this.#syncAccepted(run));
    await this.#switchBindings(run, 'moved');
    if (!hasOwnedDevices(plan)) await addEarly();
    // Packets do not come to a state that is still being filled.
    if (!this.#datapath.filling) {
      this.#attach(run);
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
    if (report.problems.length > plan.problems.length) {
      // What was refused may pass without a message from the kernel.
      runAgain(report, RETRY_MS);
    }
    return report;
  }

  #attach({ config, plan, devices, snapshot, report, tunnels }: Run): void {
    const owned = tunnels.owned.map(({ link }) => link);
    this.#programs.attach(config, plan, { ...devices, owned }, snapshot, report);
  }

  /**
   * Switches bindings off, on, or first of all those that only go on with another address or next hop: what our
   * program encapsulates asks for no route or rule of ours, and to wait for these would be to wait for all who
   * change the kernel's tables at that moment.
   */
  async #switchBindings(run: Run, direction: 'off' | 'moved' | 'on'): Promise<void> {
    const { config, plan, report } = run;
    for (const router of plan.routers) {
      for (const binding of router.bindings) {
        const outer = outerAddresses(config, binding);
        const row = bindingRow(binding, router.id, outer, tunnelDevice(run, binding));
        if ((row === undefined) !== (direction === 'off')) {
          continue;
        }
        const before = this.#datapath.bindings.current(binding.index);
        if (direction === 'moved' && !(isSentByUs(before) && isSentByUs(row))) {
          continue;
        }
        if (await this.#datapath.bindings.set(binding.index, row)) {
          const from = config.role === 'mobile-router' ? before?.outerSource : before?.outerDestination;
          report.switched.push({ plan: binding, router: router.name, from, at: performance.now() });
        }
      }
    }
  }

  /** Answers the rows written. */
  async #syncAccepted({ config, plan, tunnels, report }: Run): Promise<number> {
    const { written, dueInMs } = await this.#acceptSet.sync(config, plan);
    runAgain(report, dueInMs);
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
      this.#attach(run);
      await this.#programs.attachXdp(config, snapshot, report);
    }
    if (report.changes?.failed.length === 0 && report.xdpChanges?.failed.length === 0) {
      report.replaced = this.#datapath.releasePredecessors();
    }
  }

  /** Does what a run writes into maps once more; answers what was not as it should have been. */
  async #unsettled(first: Run): Promise<string[]> {
    const report = emptyReport([]);
    const run = { ...first, report };
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

  #syncRoutes({ config, plan, devices, snapshot }: Run): number {
    return this.#datapath.routes.sync(
      homeRoutes(snapshot, devices.home.ifindex, (prefix) => routerOwning(plan, config, prefix)),
    );
  }

  async #activatePolicies({ plan, snapshot, report }: Run): Promise<void> {
    const { generations, policyIds, bindings } = this.#datapath;
    const inputs = new PolicyInputs(plan, snapshot, findCgroup);
    const now = performance.now();
    if (inputs.equals(this.#active?.inputs) && now - (this.#active?.checkedAt ?? 0) < RECHECK_MS) {
      return;
    }
    // Whatever goes wrong from here on is tried again.
    this.#active = undefined;
    const routers = plan.routers.map((router) => ({
      routerId: router.id,
      policies: router.policies,
      bindings: router.bindings.map(({ bid, priority }) => ({ bid, priority })),
    }));
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
    await guard(report, async () => {
      const failed = await holdNeighbours(this.#netlink, snapshot, wanted, config.routing.protocol);
      report.problems.push(...failed.map(problemOf));
    });
  }

  /** Asks the next hops in use, and by turns the hosts of the mobile network, whether they are still there. */
  async probe(config: Config, plan: Plan, snapshot: NetlinkSnapshot): Promise<void> {
    const asked = [...nextHopsOf(plan), ...this.#turns.take(directOf(config, plan, snapshot))];
    await probeNeighbours(this.#netlink, snapshot, asked, config.routing.protocol);
  }

  /** Forgets bindings that are in no router's list and, by now, in no generation. */
  async #releaseBindings(plan: Plan): Promise<void> {
    const planned = new Set(
      plan.routers.flatMap((router) => router.bindings.map((binding) => binding.index)),
    );
    for (const { index } of this.#datapath.bindings.identities()) {
      if (!planned.has(index)) {
        await this.#datapath.bindings.release(index);
      }
    }
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
  for (const { nextHop, state } of plan.routers.flatMap((router) => router.bindings)) {
    if (nextHop?.address && carries(state)) {
      const { ifindex, address } = nextHop;
      nextHops.set(`${ifindex} ${address}`, { ifindex, address });
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

function routerOwning(plan: Plan, config: Config, prefix: Prefix): number {
  if (config.role === 'mobile-router') {
    return plan.routers[0]?.id ?? 0;
  }
  return plan.prefixes.find((owner) => owner.prefix.contains(prefix))?.router ?? 0;
}

/** The role number of a config, as the programs know it. */
export function roleOf(config: Config): CxRole {
  return config.role === 'mobile-router' ? CxRole.MOBILE_ROUTER : CxRole.HOME_AGENT;
}
