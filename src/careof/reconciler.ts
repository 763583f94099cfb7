import type { Config } from '../config/index.js';
import {
  type Attachment,
  type AttachmentChanges,
  CxRole,
  CxSetting,
  CxTunnelKind,
  type Datapath,
  DatapathError,
  decodeCxTunnelEnd,
  encodeCxNeighbour,
  encodeCxTunnelEnd,
  encodeCxTunnelEndKey,
  findCgroup,
  type XdpAttachment,
  type XdpChanges,
} from '../datapath/index.js';
import type { Address, Prefix } from '../net/index.js';
import { type Link, type Netlink, NetlinkError, type NetlinkSnapshot } from '../netlink/index.js';
import { PolicyCompiler } from '../policy/index.js';
import { shortageOf } from '../views/index.js';

import { fastIngress, goesToStack, planAttachments } from './attachment-plan.js';
import { ensureHomeDevice, ensureTunnelDevice, ownerOf, settleHomeDevice } from './home-device.js';
import { addMissing, homeRoutes, type RoutingChanges, removeStale, Sightings } from './kernel-routing.js';
import {
  type DirectNeighbour,
  directNeighbours,
  holdNeighbours,
  ProbeTurns,
  probeNeighbours,
} from './managed-neighbours.js';
import { type BindingPlan, bindingRow, carries, type Plan, type TunnelDevice } from './plan.js';
import { factsOf } from './policy-facts.js';
import { PolicyInputs } from './policy-inputs.js';
import type { ProblemCode } from './problems.js';
import { planXdp, type XdpPlan, xdpAttachments, xdpPorts, xdpProblems } from './xdp.js';
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

/** What one run did that is worth telling. */
export interface ReconcileReport {
  /** Bindings whose row was switched. */
  switched: { plan: BindingPlan; router: string; from: string | undefined; at: number }[];
  generation: { from: number; to: number } | undefined;
  attachments: readonly Attachment[];
  changes: AttachmentChanges | undefined;
  /** Interfaces of the config that are not there. */
  missing: { name: string; role: Attachment['role'] }[];
  problems: { code: string; message: string }[];
  xdp: readonly XdpPlan[];
  xdpChanges: XdpChanges | undefined;
  /** What somebody else had removed and is there again, in words. */
  repaired: string[];
  /** Schemas of older versions whose state this one has replaced. */
  replaced: number[];
  /** When the next run is due although nothing happens, milliseconds from now. */
  dueInMs: number | undefined;
}

/**
 * Makes kernel and maps equal to a plan, and can be run at any time: whatever is right already is not
 * touched. The order keeps every packet right on the way: bindings that died are taken out first; rule,
 * table and accept set are there before a binding is switched; what is stale goes last.
 */
export class Reconciler {
  readonly #netlink: Netlink;
  readonly #datapath: Datapath;
  /** When an accepted pair of outer addresses that is no longer planned will be refused. */
  readonly #leaving = new Map<string, number>();
  readonly #sightings = new Sightings();
  /** When a run last came to its end. */
  #lastWhole = 0;
  readonly #attachmentsSeen = new Sightings();
  readonly #xdpSeen = new Sightings();
  readonly #turns = new ProbeTurns(DIRECT_ROUNDS, DIRECT_PROBES);
  readonly #compiler = new PolicyCompiler();
  readonly #xdpWatch: XdpWatch;
  /** What the active generation was made of, and when it was last compared with the kernel's. */
  #active: { inputs: PolicyInputs; checkedAt: number } | undefined;

  constructor(netlink: Netlink, datapath: Datapath, xdpWatch: XdpWatch) {
    this.#netlink = netlink;
    this.#datapath = datapath;
    this.#xdpWatch = xdpWatch;
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
    await this.#switchBindings(config, plan, devices, 'off', report);
    await guard(report, () => this.#datapath.prefixes.sync(plan.prefixes));
    await guard(report, () => this.#syncTunnelEnds(config, plan, report));
    await this.#switchBindings(config, plan, devices, 'moved', report);

    const early = plan.routes.filter((route) => !route.needsBindings).map((route) => route.spec);
    const before = { rules: plan.rules, routes: early };
    take(report, await addMissing(this.#netlink, snapshot, own, before, this.#sightings));
    // Packets do not come to a state that is still being filled.
    if (!this.#datapath.filling) {
      this.#attach(config, plan, devices, snapshot, report);
      if (goesToStack(report.changes)) {
        await guard(report, () => this.#attachXdp(config, snapshot, report));
        await guard(report, () => this.#syncNeighbours(config, plan, snapshot));
      }
    }
    await this.#activatePolicies(plan, snapshot, report);
    await this.#switchBindings(config, plan, devices, 'on', report);
    // Unless packets are to go to the stack a new care-of address need not wait for it.
    if (!this.#datapath.filling && report.xdpChanges === undefined) {
      await guard(report, () => this.#attachXdp(config, snapshot, report));
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
    await guard(report, () => this.#syncRoutes(config, plan, devices, snapshot));
    await guard(report, () => this.#syncNeighbours(config, plan, snapshot));
    await this.#holdNeighbours(config, plan, snapshot, report);
    await guard(report, () => this.#takeOver(config, plan, devices, snapshot, report));
    await this.#releaseBindings(plan);
    this.#lastWhole = performance.now();
    if (report.problems.length > plan.problems.length) {
      // What was refused may pass without a message from the kernel.
      report.dueInMs = Math.min(report.dueInMs ?? RETRY_MS, RETRY_MS);
    }
    return report;
  }

  /**
   * Switches bindings off, on, or first of all those that only go on with another address or next hop: what our
   * program encapsulates asks for no route or rule of ours, and to wait for these would be to wait for all who
   * change the kernel's tables at that moment.
   */
  async #switchBindings(
    config: Config,
    plan: Plan,
    devices: Devices,
    direction: 'off' | 'moved' | 'on',
    report: ReconcileReport,
  ): Promise<void> {
    const tunnel: TunnelDevice | undefined = devices.tunnel &&
      config.external && { ifindex: devices.tunnel.ifindex, vni: config.external.vni };
    for (const router of plan.routers) {
      for (const binding of router.bindings) {
        const row = bindingRow(binding, router.id, outerAddresses(config, binding), tunnel);
        if ((row === undefined) !== (direction === 'off')) {
          continue;
        }
        const before = this.#datapath.bindings.current(binding.index);
        if (direction === 'moved' && (before?.kind !== CxTunnelKind.BPF || row?.kind !== CxTunnelKind.BPF)) {
          continue;
        }
        if (await this.#datapath.bindings.set(binding.index, row)) {
          const from = config.role === 'mobile-router' ? before?.outerSource : before?.outerDestination;
          report.switched.push({ plan: binding, router: router.name, from, at: performance.now() });
        }
      }
    }
  }

  /**
   * A state that was filled beside an older version's is looked at again as a whole, then named complete, and
   * only then do the programs over it take the place of the older ones, one by one. The older state goes when
   * nothing uses it any more; a run that ends before that is continued by the next.
   * @throws DatapathError UPGRADE_NOT_VERIFIED
   */
  async #takeOver(
    config: Config,
    plan: Plan,
    devices: Devices,
    snapshot: NetlinkSnapshot,
    report: ReconcileReport,
  ): Promise<void> {
    if (this.#datapath.filling) {
      const wrong = await this.#unsettled(config, plan, devices, snapshot);
      if (wrong.length > 0) {
        throw new DatapathError(
          'UPGRADE_NOT_VERIFIED',
          `the new state reads back differently: ${wrong.join(', ')}`,
          'packets still use the old one, and it is tried again; look for another writer of the pinned maps',
        );
      }
      this.#datapath.takeOver();
      this.#attach(config, plan, devices, snapshot, report);
      await this.#attachXdp(config, snapshot, report);
    }
    if (report.changes?.failed.length === 0 && report.xdpChanges?.failed.length === 0) {
      report.replaced = this.#datapath.releasePredecessors();
    }
  }

  /** Does what a run writes into maps once more; answers what was not as it should have been. */
  async #unsettled(
    config: Config,
    plan: Plan,
    devices: Devices,
    snapshot: NetlinkSnapshot,
  ): Promise<string[]> {
    const report = emptyReport([]);
    const writes: Record<string, number> = {};
    const again = async (name: string, step: () => Promise<number> | number): Promise<void> => {
      await guard(report, async () => {
        writes[name] = await step();
      });
    };
    await again('prefixes', () => this.#datapath.prefixes.sync(plan.prefixes));
    await again('accepted addresses', () => this.#syncTunnelEnds(config, plan, report));
    await again('routes', () => this.#syncRoutes(config, plan, devices, snapshot));
    await again('neighbours', () => this.#syncNeighbours(config, plan, snapshot));
    // What is remembered of the generation is no answer here: it is compared with the kernel's.
    this.#active = undefined;
    await this.#activatePolicies(plan, snapshot, report);
    await this.#switchBindings(config, plan, devices, 'off', report);
    await this.#switchBindings(config, plan, devices, 'on', report);
    writes.bindings = report.switched.length;
    writes.policies = report.generation === undefined ? 0 : 1;
    return Object.keys(writes).filter((name) => writes[name] !== 0);
  }

  /** Old pairs stay for the grace time: packets under way still carry them. Answers the rows written. */
  async #syncTunnelEnds(config: Config, plan: Plan, report: ReconcileReport): Promise<number> {
    const desired = new Map<string, readonly [Uint8Array, Uint8Array]>();
    const add = (local: string, remote: string, binding: number, router: number): void => {
      const end = { local, remote };
      desired.set(`${local} ${remote}`, [
        encodeCxTunnelEndKey(end),
        encodeCxTunnelEnd({ ...end, binding, router }),
      ]);
    };
    for (const router of plan.routers) {
      for (const binding of router.bindings) {
        for (const { local, remote } of binding.accepts) {
          add(local.toString(), remote.toString(), binding.index, router.id);
          add(local.toString(), '::', 0, 0);
        }
      }
    }
    if (config.role === 'home-agent') {
      add(config.home.agent.toString(), '::', 0, 0);
    }
    const now = performance.now();
    for (const name of desired.keys()) {
      this.#leaving.delete(name);
    }
    const routers = new Set([0, ...plan.routers.map(({ id }) => id)]);
    const stayMs = (row: Uint8Array): number => {
      const { local, remote, router } = decodeCxTunnelEnd(row);
      if (!routers.has(router)) {
        // Its prefixes are gone, so nothing would pass, and its id may become another router's.
        return 0;
      }
      const name = `${local} ${remote}`;
      const deadline = this.#leaving.get(name) ?? now + config.graceTimeMs;
      this.#leaving.set(name, deadline);
      return deadline - now;
    };
    const { added, changed } = await this.#datapath.tunnelEnds.sync(desired.values(), stayMs);
    for (const [name, deadline] of this.#leaving) {
      if (deadline <= now) {
        this.#leaving.delete(name);
      } else {
        report.dueInMs = Math.min(report.dueInMs ?? Number.POSITIVE_INFINITY, deadline - now);
      }
    }
    return added + changed;
  }

  #syncRoutes(config: Config, plan: Plan, devices: Devices, snapshot: NetlinkSnapshot): number {
    return this.#datapath.routes.sync(
      homeRoutes(snapshot, devices.home.ifindex, (prefix) => routerOwning(plan, config, prefix)),
    );
  }

  /**
   * An interface that goes over to the stack does so here for packets from the mobile network, and at once
   * afterwards, with the neighbours, for those to it: connection tracking sees first who began. But not long
   * before: it refuses acknowledgements of what it has not seen, and a sender that has nothing left to send
   * meanwhile repeats what is acknowledged for ever.
   */
  #attach(
    config: Config,
    plan: Plan,
    devices: Devices,
    snapshot: NetlinkSnapshot,
    report: ReconcileReport,
  ): void {
    this.#markSockets(config, report);
    const { attachments: desired, missing } = planAttachments(config, plan, devices, snapshot.links);
    report.missing = [...missing];
    for (const { name } of missing) {
      const code: ProblemCode = 'INTERFACE_MISSING';
      report.problems.push({ code, message: `there is no interface ${name} now` });
    }
    this.#datapath.fragmentSlices.sync(
      desired.flatMap(({ role, ifindex }) => (role === 'ingress' || role === 'transit' ? [ifindex] : [])),
    );
    try {
      report.changes = this.#datapath.attachments.sync(
        desired,
        snapshot.links.map((link) => link.ifindex),
      );
    } catch (error) {
      if (!isRefusal(error)) {
        throw error;
      }
      // Programs that run need neither their pins nor descriptors, and bindings must go on being switched.
      report.problems.push(problemOf(error));
      report.attachments = desired;
      return;
    }
    const attached = new Set(report.changes.attached);
    const name = ({ role, ifindex }: Attachment): string => `${role}-${ifindex}`;
    for (const item of desired) {
      if (this.#attachmentsSeen.missed(name(item), !attached.has(item))) {
        report.repaired.push(`program ${item.program} on ${item.interface} (pin ${name(item)})`);
      }
    }
    this.#attachmentsSeen.keepOnly(new Set(desired.map(name)));
    const failed = new Set(report.changes.failed.map(({ item }) => item));
    for (const { error } of report.changes.failed) {
      report.problems.push({ code: error.code, message: error.message });
    }
    report.attachments = desired.filter((item) => !failed.has(item));
  }

  /**
   * XDP programs are there after the TC programs to which they leave packets, and know nothing of an interface that
   * they are not to send to any more before its device goes from their map.
   */
  async #attachXdp(config: Config, snapshot: NetlinkSnapshot, report: ReconcileReport): Promise<void> {
    const { xdp, ports } = this.#datapath;
    const { links } = snapshot;
    const own = report.attachments.map(({ ifindex }) => ifindex);
    await this.#xdpWatch.meet(links.filter(({ ifindex }) => own.includes(ifindex)));
    report.xdp = planXdp(config.xdp, report.attachments, links, this.#xdpWatch.facts);
    report.problems.push(...xdpProblems(config.xdp, report.xdp));
    const desired = xdpAttachments(report.xdp);
    await ports.sync(xdpPorts(report.xdp, links));
    if (desired.length > 0) await this.#datapath.loadXdp();
    report.xdpChanges = xdp.sync(desired);
    const attached = new Set(report.xdpChanges.attached);
    const name = ({ ifindex, mode }: XdpAttachment): string => `${ifindex} ${mode}`;
    for (const item of desired) {
      if (this.#xdpSeen.missed(name(item), !attached.has(item))) {
        report.repaired.push(`XDP program ${item.program} on ${item.interface}`);
      }
    }
    this.#xdpSeen.keepOnly(new Set(desired.map(name)));
    for (const { error } of report.xdpChanges.failed) {
      report.problems.push({ code: error.code, message: error.message });
    }
  }

  /**
   * Local traffic can bypass us only by a mark that its socket has from the beginning. A home agent has no such
   * policies.
   */
  #markSockets(config: Config, report: ReconcileReport): void {
    try {
      this.#datapath.sockets.sync(config.role === 'mobile-router' && factsOf(config.policies).bypassesCgroup);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      report.problems.push(problemOf(error));
    }
  }

  async #activatePolicies(plan: Plan, snapshot: NetlinkSnapshot, report: ReconcileReport): Promise<void> {
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
  async #syncNeighbours(config: Config, plan: Plan, snapshot: NetlinkSnapshot): Promise<number> {
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
  async #holdNeighbours(
    config: Config,
    plan: Plan,
    snapshot: NetlinkSnapshot,
    report: ReconcileReport,
  ): Promise<void> {
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

function emptyReport(problems: ReconcileReport['problems']): ReconcileReport {
  return {
    switched: [],
    generation: undefined,
    attachments: [],
    changes: undefined,
    missing: [],
    xdp: [],
    xdpChanges: undefined,
    problems: [...problems],
    repaired: [],
    replaced: [],
    dueInMs: undefined,
  };
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

/**
 * Runs a step that depends on the kernel's mood or on the room in a map; what is refused is reported, and
 * tried again next time, but holds up nothing else.
 */
async function guard(report: ReconcileReport, step: () => unknown): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!isRefusal(error)) {
      throw error;
    }
    report.problems.push(problemOf(error));
  }
}

/** An error that has a name and may pass. */
type Refusal = Error & { code: string; errnoName?: string | undefined };

/** What the kernel, a full map or a machine without room refuses; anything else is a fault of ours. */
function isRefusal(error: unknown): error is Refusal {
  return (
    error instanceof NetlinkError ||
    error instanceof DatapathError ||
    (error instanceof Error && shortageOf(error) !== undefined)
  );
}

function problemOf(error: Refusal): { code: string; message: string } {
  return { code: error.errnoName ?? error.code, message: error.message };
}

function take(report: ReconcileReport, changes: RoutingChanges): void {
  report.repaired.push(...changes.repaired);
  report.problems.push(...changes.failed.map(problemOf));
}

function outerAddresses(config: Config, binding: BindingPlan): { source: Address; destination: Address } {
  const careOf = binding.careOf ?? binding.homeAgent;
  return config.role === 'mobile-router'
    ? { source: careOf, destination: binding.homeAgent }
    : { source: binding.homeAgent, destination: careOf };
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
