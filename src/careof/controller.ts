import { EventEmitter } from 'node:events';
import type { Config } from '../config/index.js';
import { CxBindingKeyFlag, Datapath, Instance } from '../datapath/index.js';
import { Address } from '../net/index.js';
import { Netlink, NetlinkError, type NetlinkEvent, NetlinkMonitor } from '../netlink/index.js';
import {
  type BindingChange,
  type BindingState,
  type BindingView,
  type ChangeEvent,
  type Controller,
  type ControllerStatus,
  type CreateController,
  type Log,
  type MapDump,
  type MapValue,
  type MapView,
  type PolicyView,
  type ReasonView,
  type ReloadResult,
  RequestError,
} from '../views/index.js';
import { ControllerError } from './controller-error.js';
import { planHomeAgent, type Registration, type RouteAnswer } from './home-agent.js';
import { planMobileRouter } from './mobile-router.js';
import { type BindingPlan, IPV6_MIN_MTU, type Plan, type RouterPlan } from './plan.js';
import { type Devices, type ReconcileReport, Reconciler, roleOf } from './reconciler.js';
import { bindingView, policyViews } from './report.js';

export { removeInstance } from './removal.js';

/** Most kernel messages that lead to one run; more come in the next one. */
const RECONCILE_ATTEMPTS = 16;

/** How often what the kernel does not announce is looked at, milliseconds. */
const AUDIT_MS = 1000;

/** Every how many audits the next hops are asked whether they are still there. */
const AUDITS_PER_PROBE = 5;

/** Most addresses of a binding that are accepted beside the one in use; the oldest make way. */
const ALSO_ACCEPTED = 2;

/** Makes the controller of an instance; nothing is touched before `start()`. */
export const createController: CreateController = (config, log) => new InstanceController(config, log);

/** Everything that is there only between start and stop. */
interface Running {
  datapath: Datapath;
  netlink: Netlink;
  monitor: NetlinkMonitor;
  reconciler: Reconciler;
  devices: Devices;
}

/**
 * Follows the kernel, derives the plan of one instance and lets the reconciler make it so. State of its own
 * is only what nobody else has: addresses to accept beside a registered one, and since when what is so.
 */
class InstanceController implements Controller {
  #config: Config;
  readonly #log: Log;
  readonly #events = new EventEmitter<{ change: [ChangeEvent] }>();
  #running: Running | undefined;
  #plan: Plan | undefined;
  #attachments: ReconcileReport['attachments'] = [];
  #missing: ReconcileReport['missing'] = [];
  #problems: ReconcileReport['problems'] = [];
  #lastSwitch: ControllerStatus['lastSwitch'] = null;
  readonly #states = new Map<number, { state: BindingState; since: Date }>();
  readonly #alsoAccepted = new Map<number, Address[]>();
  readonly #told = new Set<string>();

  /** When the kernel first said something that no run has seen yet. */
  #dirtySince: number | undefined;
  #work: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #auditTimer: NodeJS.Timeout | undefined;
  #audits = 0;

  constructor(config: Config, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  on(event: 'change', listener: (change: ChangeEvent) => void): void {
    this.#events.on(event, listener);
  }

  async start(): Promise<void> {
    const config = this.#config;
    const opened: Disposable[] = [];
    try {
      const netlink = Netlink.open();
      opened.push(netlink);
      const monitor = new NetlinkMonitor();
      opened.push(monitor);
      await monitor.start();
      const instance = new Instance(config.instance, config.bpffs);
      const datapath = await Datapath.open({ instance, role: roleOf(config), limits: config.limits });
      opened.push(datapath);
      const reconciler = new Reconciler(netlink, datapath);
      const devices = await reconciler.devices(config, IPV6_MIN_MTU);
      this.#running = { datapath, netlink, monitor, reconciler, devices };
      monitor.subscribe((event) => this.#onKernel(event));
      this.#log.info(
        { adopted: datapath.adopted, attach: datapath.attachments.mechanism },
        datapath.adopted ? 'adopted the running datapath' : 'loaded the datapath',
      );
      await this.#settle();
      this.#auditTimer = setInterval(() => void this.#audit(), AUDIT_MS);
    } catch (error) {
      this.#running = undefined;
      for (const resource of opened.reverse()) {
        resource[Symbol.dispose]();
      }
      throw error;
    }
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) {
      return;
    }
    this.#running = undefined;
    clearTimeout(this.#timer);
    clearInterval(this.#auditTimer);
    running.monitor.stop();
    await this.#work?.catch(() => undefined);
    running.netlink.close();
    running.datapath.close();
  }

  async reload(config: Config): Promise<ReloadResult> {
    const { datapath, reconciler } = this.#need();
    refuseChange(this.#config, config);
    await this.#work;
    const before = this.#config;
    const generation = datapath.generations.activeId;
    // Whoever edits a care-of address in the file means it: what was registered for it is void.
    this.#forgetRegistrations(before, config);
    this.#config = config;
    try {
      const running = this.#need();
      running.devices = await reconciler.devices(config, running.devices.home.mtu);
      await this.#settle();
    } catch (error) {
      this.#config = before;
      await this.#settle();
      throw error;
    }
    const changes: string[] = [];
    if (datapath.generations.activeId !== generation) {
      changes.push(`policy generation ${datapath.generations.activeId}`);
    }
    return { generation: datapath.generations.activeId, changes };
  }

  status(): ControllerStatus {
    const { datapath } = this.#need();
    return {
      role: this.#config.role,
      instance: this.#config.instance,
      generation: datapath.generations.activeId,
      interfaces: [
        ...this.#attachments.map((item) => ({
          name: item.interface,
          role: item.role,
          attach: `${datapath.attachments.mechanism} ${item.direction}`,
          ifindex: item.ifindex,
        })),
        ...this.#missing.map((item) => ({ ...item, attach: 'none', ifindex: null })),
      ],
      bindings: this.bindings().map(({ router, bid, name, state, careOf }) => ({
        router,
        bid,
        name,
        state,
        careOf,
      })),
      reasons: this.reasons(),
      problems: this.#problems,
      lastSwitch: this.#lastSwitch,
    };
  }

  bindings(): BindingView[] {
    return this.#routers().flatMap((router) => router.bindings.map((binding) => this.#view(router, binding)));
  }

  policies(): PolicyView[] {
    const { datapath } = this.#need();
    return this.#routers().flatMap((router) =>
      policyViews(router, (fid) => {
        const id = datapath.policyIds.find(router.id, fid);
        return id === undefined ? { packets: 0, bytes: 0 } : datapath.counters.policy(id);
      }),
    );
  }

  reasons(): ReasonView[] {
    return this.#need().datapath.counters.reasons();
  }

  maps(): MapView[] {
    return this.#need().datapath.maps();
  }

  dumpMap(name: string): MapDump {
    const dump = this.#need().datapath.dump(name);
    if (!dump) {
      throw new RequestError(
        'UNKNOWN_MAP',
        `there is no map ${name}`,
        '"coax maps" lists the maps there are',
      );
    }
    return {
      ...dump.summary,
      rows: dump.rows.map(({ key, value }) => ({ key: key as MapValue, value: value as MapValue })),
    };
  }

  async setBinding(router: string | undefined, bid: number, change: BindingChange): Promise<BindingView> {
    const { datapath } = this.#need();
    const found = this.#find(router, bid);
    const { index } = found.binding;
    const identity = datapath.bindings.identity(index);
    let careOf = identity.careOf;
    if (change.careOf !== undefined) {
      const address = this.#checkCareOf(found.router, change.careOf);
      if (change.acceptOnly) {
        const others = (this.#alsoAccepted.get(index) ?? []).filter((other) => !other.equals(address));
        this.#alsoAccepted.set(index, [...others, address].slice(-ALSO_ACCEPTED));
      } else {
        this.#alsoAccepted.delete(index);
        careOf = address.toString();
      }
    }
    const disabled = change.down ?? found.binding.state === 'disabled';
    datapath.bindings.annotate(index, { careOf, disabled });
    this.#dirtySince ??= performance.now();
    await this.#settle();
    const after = this.#find(router, bid);
    return this.#view(after.router, after.binding);
  }

  #need(): Running {
    if (!this.#running) {
      throw new ControllerError('NOT_STARTED', 'the controller is not running', 'start the daemon first');
    }
    return this.#running;
  }

  #routers(): readonly RouterPlan[] {
    return this.#plan?.routers ?? [];
  }

  #view(router: RouterPlan, binding: BindingPlan): BindingView {
    const since = this.#states.get(binding.index)?.since ?? new Date();
    return bindingView(router.name, binding, this.#need().datapath.counters.binding(binding.index), since);
  }

  #find(router: string | undefined, bid: number): { router: RouterPlan; binding: BindingPlan } {
    const routers = this.#routers();
    const names = routers.map((candidate) => candidate.name).join(', ');
    const found =
      router === undefined && routers.length === 1
        ? routers[0]
        : routers.find((candidate) => candidate.name === router);
    if (!found) {
      throw new RequestError(
        'UNKNOWN_ROUTER',
        router === undefined ? 'there is more than one router' : `there is no router ${router}`,
        `name one of: ${names}`,
      );
    }
    const binding = found.bindings.find((candidate) => candidate.bid === bid);
    if (!binding) {
      throw new RequestError(
        'UNKNOWN_BINDING',
        `${found.name} has no binding with BID ${bid}`,
        `its BIDs are ${found.bindings.map((candidate) => candidate.bid).join(', ')}`,
      );
    }
    return { router: found, binding };
  }

  #checkCareOf(router: RouterPlan, text: string): Address {
    if (this.#config.role === 'mobile-router') {
      throw new RequestError(
        'WRONG_ROLE',
        'a mobile router takes its care-of addresses from its uplinks',
        'ask the home agent, or change the address of the uplink',
      );
    }
    let address: Address | undefined;
    try {
      address = Address.parse(text);
    } catch {
      address = undefined;
    }
    const own = this.#config.home.agent;
    if (!address?.isGlobal || address.family !== 6 || address.equals(own)) {
      throw new RequestError(
        'INVALID_CARE_OF',
        `${text} cannot be a care-of address`,
        'give the IPv6 unicast address that the mobile router has on that uplink',
      );
    }
    for (const { prefix } of this.#plan?.prefixes ?? []) {
      if (prefix.contains(address)) {
        throw new RequestError(
          'INVALID_CARE_OF',
          `${text} is inside ${prefix}, which is reached through a tunnel itself`,
          `give an address of the visited network, not of ${router.name}'s home`,
        );
      }
    }
    return address;
  }

  #forgetRegistrations(before: Config, after: Config): void {
    if (before.role !== 'home-agent' || after.role !== 'home-agent') {
      return;
    }
    const { bindings, routerIds } = this.#need().datapath;
    for (const router of after.routers) {
      const old = before.routers.find((candidate) => candidate.address.equals(router.address));
      for (const binding of old?.bindings ?? []) {
        const next = router.bindings.find((candidate) => candidate.bid === binding.bid);
        if (next && String(next.careOf) !== String(binding.careOf)) {
          const index = bindings.index({ router: routerIds.id(router.address.toString()), bid: binding.bid });
          bindings.annotate(index, { careOf: '::', disabled: this.#registration(index).disabled });
        }
      }
    }
  }

  #onKernel(event: NetlinkEvent): void {
    if (event.kind === 'error') {
      this.#log.error({ err: event.error }, 'the kernel state could not be read');
      return;
    }
    if (event.kind === 'resync') {
      this.#log.warn({ reason: event.reason }, 'kernel messages were lost; the state was read again');
    }
    this.#dirtySince ??= performance.now();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#work !== undefined || !this.#running) {
      return;
    }
    this.#settle().catch((error: unknown) => {
      this.#tell({ kind: 'problem', code: codeOf(error), message: String(error) });
      // Tried again although nothing happens: the cause may pass without a message from the kernel.
      this.#wakeIn(1000);
    });
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#schedule(), Math.max(1, milliseconds));
  }

  /** Looks at what the kernel does not announce: pins, attached programs, silent next hops. */
  async #audit(): Promise<void> {
    const running = this.#running;
    if (!running || !this.#plan || this.#work !== undefined) {
      return;
    }
    try {
      for (const name of running.datapath.restorePins()) {
        this.#tellRepaired(`pin of map ${name}`);
      }
      if (!running.datapath.attachments.intact(this.#attachments)) {
        this.#dirtySince ??= performance.now();
        this.#schedule();
      }
      if (++this.#audits % AUDITS_PER_PROBE === 0) {
        await running.reconciler.probe(this.#config, this.#plan, running.monitor.snapshot());
      }
    } catch (error) {
      if (this.#running === running) {
        this.#tell({ kind: 'problem', code: codeOf(error), message: String(error) });
      }
    }
  }

  /** Runs the reconciler until the kernel has said nothing new; one at a time. */
  async #settle(): Promise<void> {
    while (this.#work !== undefined) {
      await this.#work.catch(() => undefined);
    }
    this.#work = this.#reconcile();
    try {
      await this.#work;
    } finally {
      this.#work = undefined;
    }
    if (this.#dirtySince !== undefined) {
      this.#schedule();
    }
  }

  async #reconcile(): Promise<void> {
    for (let attempt = 0; attempt < RECONCILE_ATTEMPTS; attempt++) {
      const running = this.#running;
      if (!running) {
        return;
      }
      const since = this.#dirtySince ?? performance.now();
      this.#dirtySince = undefined;
      const snapshot = running.monitor.snapshot();
      if (!areUp(running.devices, snapshot.links)) {
        // The first run, before our own links have been reported, or somebody removed one or set it down.
        running.devices = await running.reconciler.devices(this.#config, IPV6_MIN_MTU);
      } else {
        running.devices = refresh(running.devices, snapshot.links);
      }
      const plan = await this.#derive(running);
      const report = await running.reconciler.run(this.#config, plan, running.devices, snapshot);
      this.#plan = plan;
      this.#attachments = report.attachments;
      this.#missing = report.missing;
      this.#problems = report.problems;
      this.#publish(plan, report, since);
      clearTimeout(this.#timer);
      if (report.dueInMs !== undefined) {
        this.#wakeIn(report.dueInMs);
      }
      // Messages about our own changes are read before the next look.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#dirtySince === undefined) {
        return;
      }
    }
  }

  async #derive(running: Running): Promise<Plan> {
    const { datapath, devices, monitor } = running;
    const config = this.#config;
    const snapshot = monitor.snapshot();
    const homeIfindex = devices.home.ifindex;
    if (config.role === 'mobile-router') {
      const routerId = datapath.routerIds.id(config.home.address.toString());
      const index = (bid: number): number => datapath.bindings.index({ router: routerId, bid });
      return planMobileRouter(config, snapshot, {
        routerId,
        homeIfindex,
        index,
        current: (bid) => {
          const source = datapath.bindings.current(index(bid))?.outerSource;
          return source === undefined ? undefined : Address.parse(source);
        },
        disabled: (bid) => this.#registration(index(bid)).disabled,
      });
    }
    const routerId = (router: { address: Address }): number =>
      datapath.routerIds.id(router.address.toString());
    const index = (router: number, bid: number): number => datapath.bindings.index({ router, bid });
    const routes = new Map<string, RouteAnswer | undefined>();
    for (const router of config.routers) {
      for (const { bid, careOf } of router.bindings) {
        const address = this.#registration(index(routerId(router), bid)).careOf ?? careOf;
        if (address && !routes.has(address.toString())) {
          routes.set(address.toString(), await askRoute(running.netlink, address, config.home.agent));
        }
      }
    }
    return planHomeAgent(config, snapshot, {
      homeIfindex,
      routerId,
      index,
      registration: (router, bid) => this.#registration(index(router, bid)),
      route: (careOf) => routes.get(careOf.toString()),
    });
  }

  #registration(index: number): Registration {
    const { careOf, flags } = this.#need().datapath.bindings.identity(index);
    return {
      careOf: careOf === '::' ? undefined : Address.parse(careOf),
      alsoAccepted: this.#alsoAccepted.get(index) ?? [],
      disabled: (flags & CxBindingKeyFlag.DISABLED) !== 0,
    };
  }

  #publish(plan: Plan, report: ReconcileReport, since: number): void {
    for (const router of plan.routers) {
      for (const { index, bid, name, state } of router.bindings) {
        const before = this.#states.get(index);
        if (before?.state !== state) {
          this.#states.set(index, { state, since: new Date() });
          if (before) {
            this.#tell({ kind: 'binding', router: router.name, bid, name, from: before.state, to: state });
          }
        }
      }
    }
    for (const { plan: binding, router, from, at } of report.switched) {
      const to = binding.careOf?.toString() ?? null;
      const durationMs = Math.round((at - since) * 1000) / 1000;
      this.#lastSwitch = {
        router,
        bid: binding.bid,
        from: from ?? null,
        to,
        at: new Date().toISOString(),
        durationMs,
      };
      if ((from ?? null) !== to) {
        const { bid, name } = binding;
        this.#tell({ kind: 'care-of', router, bid, name, from: from ?? null, to, durationMs });
      }
    }
    for (const item of report.changes?.attached ?? []) {
      this.#tell({ kind: 'interface', name: item.interface, from: 'none', to: item.program });
    }
    for (const name of report.changes?.detached ?? []) {
      this.#tell({ kind: 'interface', name, from: 'attached', to: 'none' });
    }
    if (report.generation) {
      this.#tell({ kind: 'generation', ...report.generation });
    }
    for (const index of [...this.#alsoAccepted.keys(), ...this.#states.keys()]) {
      // An index that was given back may become another binding's.
      if (!plan.routers.some((router) => router.bindings.some((binding) => binding.index === index))) {
        this.#alsoAccepted.delete(index);
        this.#states.delete(index);
      }
    }
    for (const what of report.repaired) {
      this.#tellRepaired(what);
    }
    const problems = new Set(report.problems.map(({ code, message }) => `${code} ${message}`));
    for (const { code, message } of report.problems) {
      if (!this.#told.has(`${code} ${message}`)) {
        this.#tell({ kind: 'problem', code, message });
      }
    }
    this.#told.clear();
    for (const problem of problems) {
      this.#told.add(problem);
    }
  }

  #tellRepaired(what: string): void {
    const message = `${what} was removed by somebody else and is there again`;
    this.#tell({ kind: 'problem', code: 'REPAIRED', message });
  }

  #tell(change: ChangeEvent): void {
    this.#events.emit('change', change);
  }
}

function areUp({ home, peer, tunnel }: Devices, links: readonly Devices['home'][]): boolean {
  return [home, peer, ...(tunnel ? [tunnel] : [])].every(({ ifindex }) =>
    links.some((link) => link.ifindex === ifindex && link.up),
  );
}

function refresh(devices: Devices, links: readonly Devices['home'][]): Devices {
  const now = (link: Devices['home']): Devices['home'] =>
    links.find((candidate) => candidate.ifindex === link.ifindex) ?? link;
  return { home: now(devices.home), peer: now(devices.peer), tunnel: devices.tunnel && now(devices.tunnel) };
}

async function askRoute(
  netlink: Netlink,
  destination: Address,
  source: Address,
): Promise<RouteAnswer | undefined> {
  try {
    const route = await netlink.getRoute({ destination, source });
    return route.ifindex === undefined || route.type !== 'unicast'
      ? undefined
      : { ifindex: route.ifindex, gateway: route.gateway };
  } catch (error) {
    if (error instanceof NetlinkError && error.errnoName !== undefined) {
      return undefined;
    }
    throw error;
  }
}

/** What cannot change while an instance runs, because its pinned state is made of it. */
function refuseChange(before: Config, after: Config): void {
  const fixed = (config: Config): Record<string, string> => ({
    role: config.role,
    instance: config.instance,
    bpffs: config.bpffs,
    'home.interface': config.home.interface,
    'routing.protocol': String(config.routing.protocol),
    limits: JSON.stringify(config.limits),
  });
  const old = fixed(before);
  for (const [setting, value] of Object.entries(fixed(after))) {
    if (old[setting] !== value) {
      throw new RequestError(
        'RELOAD_REFUSED',
        `"${setting}" cannot change while the instance runs`,
        '"coax down", then start the daemon with the new config',
      );
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNEXPECTED';
}
