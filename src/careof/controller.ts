import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Config, HomeAgentConfig, MobileRouterConfig, RouterConfig } from '../config/index.js';
import { CxSetting, Datapath, Instance } from '../datapath/index.js';
import { Address } from '../net/index.js';
import {
  type Neighbour,
  Netlink,
  type NetlinkEvent,
  NetlinkMonitor,
  type NetlinkSnapshot,
} from '../netlink/index.js';
import {
  type BindingChange,
  type BindingView,
  type ChangeEvent,
  type Controller,
  type ControllerStatus,
  type CreateController,
  type DeregistrationResult,
  type Log,
  type MapDump,
  type MapValue,
  type MapView,
  type PolicyView,
  type ProbeView,
  type ReasonView,
  type RegistrationView,
  type ReloadResult,
  RequestError,
  type Traffic,
} from '../views/index.js';
import { CareOfRoutes } from './care-of-routes.js';
import { ControllerError } from './controller-error.js';
import { FirewallWatch, planIngress } from './forwarding.js';
import { Health } from './health.js';
import { bindingsOf, type HomeAgentContext, type RouterRegistration } from './home-agent.js';
import { HomeAgentPlans } from './home-agent-plans.js';
import { HomeAgentRegistration } from './home-agent-registration.js';
import { otherOwners } from './home-device.js';
import { IpsecWatch } from './ipsec-watch.js';
import { planMobileRouter } from './mobile-router.js';
import { addressesInUse, MobileRouterRegistration } from './mobile-router-registration.js';
import { News } from './news.js';
import { type BindingPlan, IPV6_MIN_MTU, type Plan, type RouterPlan } from './plan.js';
import { probeBindings } from './probe.js';
import type { ReconcileReport } from './reconcile-report.js';
import { type Devices, Reconciler, roleOf } from './reconciler.js';
import { Registrations, requestedCareOf } from './registrations.js';
import { bindingView, interfaceViews, policyViews } from './report.js';
import { RunLoop } from './run-loop.js';
import { SampleTurns, takeHealthSample } from './sample.js';
import { type Happened, Pending, type Scope } from './scope.js';
import { xdpAttachments } from './xdp.js';
import { XdpWatch } from './xdp-watch.js';

export { removeInstance } from './removal.js';

/** How often what the kernel does not announce is looked at, milliseconds. */
const AUDIT_MS = 1000;

/**
 * A home agent whose runs are for some routers looks at everything after so many milliseconds, or so many times as many as
 * the last look took.
 */
const LOOK_AGAIN_MS = 10_000;
const REST = 100;

/** For how long a reload without registration waits for the home agent to confirm its end, milliseconds. */
const FAREWELL_MS = 3000;

/** Every how many audits the next hops are asked whether they are still there. */
const AUDITS_PER_PROBE = 5;

/** Makes the controller of an instance; nothing is touched before `start()`. */
export const createController: CreateController = (config, log) => new InstanceController(config, log);

/** Everything that is there only between start and stop. */
interface Running {
  datapath: Datapath;
  netlink: Netlink;
  monitor: NetlinkMonitor;
  reconciler: Reconciler;
  registrations: Registrations;
  firewall: FirewallWatch;
  /** Of a mobile router; on a home agent nothing depends on it, and it is not started. */
  ipsec: IpsecWatch;
  xdpWatch: XdpWatch;
  devices: Devices;
  /** What mobile routers register themselves, or this one does; undefined where the file does not ask for it. */
  registration: MobileRouterRegistration | HomeAgentRegistration | undefined;
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
  /** Makes the plan when somebody asks for it: of many routers it is not made anew with each that registers. */
  #planned: (() => Plan) | undefined;
  #attachments: ReconcileReport['attachments'] = [];
  #missing: ReconcileReport['missing'] = [];
  #xdp: ReconcileReport['xdp'] = [];
  #problems: ReconcileReport['problems'] = [];
  readonly #health: Health;
  readonly #turns = new SampleTurns();
  readonly #news: News;
  readonly #loop: RunLoop;
  readonly #pending = new Pending();
  readonly #careOfRoutes = new CareOfRoutes();
  /** Of a home agent: the plan router by router, once all of it has been made so. */
  #plans: HomeAgentPlans | undefined;
  /** When a run over everything is due although nothing happens, `performance.now()`. */
  #wholeDue = Number.POSITIVE_INFINITY;
  /** When a pair of outer addresses is to be refused. */
  #pairsDue = Number.POSITIVE_INFINITY;
  #auditTimer: NodeJS.Timeout | undefined;
  #audits = 0;
  #probing: Promise<ProbeView[]> | undefined;

  constructor(config: Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#health = new Health(config.silenceMs);
    this.#news = new News((change) => this.#events.emit('change', change));
    this.#loop = new RunLoop(
      (since) => this.#reconcile(since),
      (error) => this.#news.failed('run', error),
    );
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
      refuseSharedProtocol(config, monitor.snapshot());
      const instance = new Instance(config.instance, config.bpffs);
      const externalXfrm = config.external?.kind === 'xfrm';
      // Has the kernel load the module whose functions the programs call.
      if (externalXfrm) await netlink.offersLinkKind('xfrm');
      const { limits } = config;
      const datapath = await Datapath.open({ instance, role: roleOf(config), limits, externalXfrm });
      opened.push(datapath);
      const firewall = new FirewallWatch(() => this.#request());
      opened.push(firewall);
      const ipsec = new IpsecWatch(() => this.#request());
      opened.push(ipsec);
      await Promise.all([firewall.refresh(), ...(config.role === 'mobile-router' ? [ipsec.refresh()] : [])]);
      const xdpWatch = new XdpWatch({ netlink, datapath, firewall }, () => this.#request());
      opened.push(xdpWatch);
      const reconciler = new Reconciler(netlink, datapath, xdpWatch);
      opened.push(reconciler);
      const devices = await reconciler.devices(config, IPV6_MIN_MTU);
      const registrations = new Registrations(datapath);
      const registration = this.#openRegistration(datapath, registrations);
      if (registration) opened.push(asDisposable(registration));
      this.#running = {
        ...{ datapath, netlink, monitor, reconciler, registrations },
        ...{ firewall, ipsec, xdpWatch, devices, registration },
      };
      monitor.subscribe((event) => this.#onKernel(event));
      const { adopted, inheritedFrom } = datapath;
      this.#log.info(
        { adopted, inheritedFrom, attach: datapath.attachments.mechanism },
        adopted
          ? 'adopted the running datapath'
          : inheritedFrom === undefined
            ? 'loaded the datapath'
            : `loaded the datapath beside that of schema ${inheritedFrom}`,
      );
      await this.#settle();
      // It may have been stopped meanwhile.
      if (this.#running !== undefined) {
        if (registration instanceof HomeAgentRegistration) registration.start();
        this.#auditTimer = setInterval(() => void this.#audit(), AUDIT_MS);
      }
    } catch (error) {
      this.#running = undefined;
      for (const resource of opened.reverse()) {
        resource[Symbol.dispose]();
      }
      throw error;
    }
  }

  /** @throws KeyError, SignallingError, RegistrationError */
  #openRegistration(
    datapath: Datapath,
    registrations: Registrations,
    registered?: ReadonlyMap<number, Address>,
  ): Running['registration'] {
    const config = this.#config;
    datapath.settings.set(CxSetting.SIGNALLING, config.registration ? 1 : 0);
    const log = this.#log;
    if (config.role === 'mobile-router') {
      const known = registered ?? (datapath.adopted ? addressesInUse(config, datapath) : new Map());
      const changed = (): void => this.#request();
      return (
        config.registration &&
        new MobileRouterRegistration(config, config.registration, known, { datapath, log, changed })
      );
    }
    const apply = (homeAddresses: readonly Address[]): Promise<void> => {
      this.#pending.routers(homeAddresses);
      return this.#loop.settle();
    };
    const setByHand = (router: RouterConfig): readonly Address[] => registrations.careOfsOf(router);
    const context = { datapath, log, setByHand, apply };
    return config.registration && new HomeAgentRegistration(config, config.registration, context);
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) {
      return;
    }
    this.#running = undefined;
    clearInterval(this.#auditTimer);
    running.monitor.stop();
    running.firewall[Symbol.dispose]();
    running.ipsec[Symbol.dispose]();
    await running.registration?.[Symbol.asyncDispose]();
    await this.#loop.stop();
    running.xdpWatch[Symbol.dispose]();
    running.reconciler[Symbol.dispose]();
    running.netlink.close();
    running.datapath.close();
  }

  async reload(config: Config): Promise<ReloadResult> {
    const { datapath, reconciler, registrations } = this.#need();
    refuseChange(this.#config, config);
    await this.#loop.rest();
    const before = this.#config;
    const generation = datapath.generations.activeId;
    registrations.forgetEdited(before, config);
    this.#config = config;
    this.#careOfRoutes.forget();
    try {
      const running = this.#need();
      await this.#reopenRegistration(running, before);
      running.devices = await reconciler.devices(config, running.devices.home.mtu);
      await this.#settle();
      this.#health.silenceMs = config.silenceMs;
    } catch (error) {
      this.#config = before;
      await this.#reopenRegistration(this.#need(), config).catch((failure: unknown) =>
        this.#log.error({ err: failure }, 'registration does not go on as before'),
      );
      await this.#settle();
      throw error;
    }
    const changes: string[] = [];
    if (datapath.generations.activeId !== generation) {
      changes.push(`policy generation ${datapath.generations.activeId}`);
    }
    return { generation: datapath.generations.activeId, changes };
  }

  /** Registration as the file says it now; addresses that are registered stay so meanwhile. */
  async #reopenRegistration(running: Running, before: Config): Promise<void> {
    const config = this.#config;
    const { registration, datapath } = running;
    if (
      registration instanceof HomeAgentRegistration &&
      config.role === 'home-agent' &&
      config.registration
    ) {
      registration.reconfigure(config, config.registration);
      return;
    }
    if (config.role === 'mobile-router' && before.role === 'mobile-router') {
      const isEnded = registration instanceof MobileRouterRegistration && registration.isEnded;
      if (!isEnded && isDeepStrictEqual(registeredParts(config), registeredParts(before))) return;
    }
    if (config.registration === undefined && registration === undefined) return;
    if (config.registration === undefined && registration instanceof MobileRouterRegistration) {
      await Promise.race([registration.end(), setTimeout(FAREWELL_MS, undefined, { ref: false })]);
    }
    const registered =
      registration instanceof MobileRouterRegistration ? registration.allRegistered : undefined;
    running.registration = undefined;
    await registration?.[Symbol.asyncDispose]();
    running.registration = this.#openRegistration(datapath, running.registrations, registered);
    if (running.registration instanceof HomeAgentRegistration) running.registration.start();
  }

  status(): ControllerStatus {
    const { datapath, monitor } = this.#need();
    return {
      role: this.#config.role,
      instance: this.#config.instance,
      generation: datapath.generations.activeId,
      interfaces: interfaceViews(
        this.#plan?.ingress ?? [],
        {
          attached: this.#attachments,
          missing: this.#missing,
          mechanism: datapath.attachments.mechanism,
          xdp: this.#xdp,
        },
        monitor.snapshot().links,
      ),
      bindings: this.bindings().map(({ router, bid, name, state, careOf }) => ({
        router,
        bid,
        name,
        state,
        careOf,
      })),
      reasons: this.reasons(),
      problems: [
        ...this.#problems,
        ...this.#news.failing,
        ...(this.#need().registration?.problems() ?? []),
        ...this.#health.findings().map(({ code, message }) => ({ code, message })),
      ],
      lastSwitch: this.#news.lastSwitch,
    };
  }

  bindings(): BindingView[] {
    return this.#routers().flatMap((router) => router.bindings.map((binding) => this.#view(router, binding)));
  }

  policies(): PolicyView[] {
    const { datapath, registration } = this.#need();
    const told = (fid: number): Pick<PolicyView, 'flows' | 'remark'> =>
      registration instanceof MobileRouterRegistration ? registration.told(fid) : { flows: [], remark: null };
    return this.#routers().flatMap((router) => {
      const hits = (fid: number): Traffic => {
        const id = datapath.policyIds.find(router.id, fid);
        return id === undefined ? { packets: 0, bytes: 0 } : datapath.counters.policy(id);
      };
      return policyViews(router, hits, told);
    });
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
    const { registrations, registration } = this.#need();
    const { binding } = this.#find(router, bid);
    const homes = (this.#plan?.prefixes ?? []).map(({ prefix }) => prefix);
    const careOf =
      change.careOf === undefined ? undefined : requestedCareOf(this.#config, homes, change.careOf);
    registrations.change(binding.index, careOf, change);
    if (careOf && registration instanceof HomeAgentRegistration) registration.followHand();
    await this.#settle();
    const after = this.#find(router, bid);
    return this.#view(after.router, after.binding);
  }

  async deregister(): Promise<DeregistrationResult> {
    const { registration } = this.#need();
    if (this.#config.role === 'home-agent') {
      throw new RequestError(
        'WRONG_ROLE',
        'a home agent registers nothing itself',
        'ask the mobile router, or take its bindings out with "coax binding set --down"',
      );
    }
    if (!(registration instanceof MobileRouterRegistration)) {
      throw new RequestError(
        'NOT_REGISTERING',
        'this mobile router registers nothing',
        'its home agent is told by hand: "coax binding set" there',
      );
    }
    const answered = await registration.end();
    await this.#settle();
    return { answered };
  }

  async probe(): Promise<ProbeView[]> {
    this.#need();
    this.#probing ??= probeBindings(this.#config, this.#routers(), this.#health).finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  #need(): Running {
    if (!this.#running) {
      throw new ControllerError('NOT_STARTED', 'the controller is not running', 'start the daemon first');
    }
    return this.#running;
  }

  get #plan(): Plan | undefined {
    return this.#planned?.();
  }

  #routers(): readonly RouterPlan[] {
    return this.#plan?.routers ?? [];
  }

  #view(router: RouterPlan, binding: BindingPlan): BindingView {
    const { counters } = this.#need().datapath;
    const since = this.#news.since(binding.index);
    const warnings = this.#health.codes(binding.index);
    const registration = this.#registrationOf(router, binding.bid);
    return bindingView(router.name, binding, counters.binding(binding.index), since, warnings, registration);
  }

  #registrationOf({ homeAddress }: RouterPlan, bid: number): RegistrationView | null {
    const { registration } = this.#need();
    if (registration instanceof MobileRouterRegistration) return registration.view(bid);
    return registration?.view(homeAddress, bid) ?? null;
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

  /** Asks for a run over everything. */
  #request(): void {
    this.#pending.all();
    this.#loop.request();
  }

  /** Runs over everything now. @throws what the run throws */
  #settle(): Promise<void> {
    this.#pending.all();
    return this.#loop.settle();
  }

  #onKernel(event: NetlinkEvent): void {
    if (event.kind === 'error') {
      // It tries again five times a second.
      this.#news.failed('monitor', event.error);
      return;
    }
    this.#news.succeeded('monitor');
    if (event.kind === 'resync') {
      this.#log.warn({ reason: event.reason }, 'kernel messages were lost; the state was read again');
    }
    this.#remember(event);
    this.#loop.request();
  }

  /** What the next run has to look at because of it, and which answers about routes do not hold any more. */
  #remember(event: Exclude<NetlinkEvent, { kind: 'error' }>): void {
    if (event.kind === 'route') {
      const { change, value } = event;
      if (this.#running?.reconciler.isAnswer(value, change !== 'removed')) {
        this.#pending.destination(value.destination);
      } else this.#pending.all();
      this.#careOfRoutes.doubt(value.destination);
      return;
    }
    if (event.kind === 'neighbour') {
      this.#rememberNeighbour(event);
      return;
    }
    this.#pending.all();
    this.#careOfRoutes.forget();
  }

  /** The kernel announces each step of a neighbour; no plan depends on one that is as usable as before. */
  #rememberNeighbour({ value, previous, change }: Extract<NetlinkEvent, { kind: 'neighbour' }>): void {
    if (value.proxy || previous?.proxy) {
      // One of ours that somebody has taken away is made again.
      this.#pending.all();
      return;
    }
    const isSame = change === 'changed' && previous !== undefined && isAsUsable(value, previous);
    if (isSame && isHeldAlike(value, previous)) return;
    if (isSame) {
      this.#pending.neighbour();
      return;
    }
    const running = this.#running;
    if (running?.reconciler.isNextHop(value)) this.#pending.nextHop();
    else this.#pending.neighbour();
    // A gateway that answers, or does not any more, can be another choice between routes.
    if (this.#isGateway(value.address)) this.#careOfRoutes.forget();
  }

  #isGateway(address: Address): boolean {
    const { protocol } = this.#config.routing;
    const routes = this.#running?.monitor.snapshot().routes ?? [];
    return routes.some(
      (route) =>
        route.protocol !== protocol &&
        (route.gateway?.equals(address) || route.nextHops.some(({ gateway }) => gateway?.equals(address))),
    );
  }

  /** Looks at what the kernel does not announce: pins, attached programs, silent next hops, what is not delivered. */
  async #audit(): Promise<void> {
    const running = this.#running;
    const plan = this.#plan;
    if (!running || !plan || !this.#loop.idle) {
      return;
    }
    try {
      for (const name of running.datapath.restorePins()) {
        this.#news.repaired(`pin of map ${name}`);
      }
      if (
        !running.datapath.attachments.intact(this.#attachments) ||
        !running.datapath.xdp.intact(xdpAttachments(this.#xdp))
      ) {
        this.#request();
      }
      this.#health.observe(await takeHealthSample(running, plan, this.#turns));
      this.#news.problems('audit', this.#health.findings());
      if (++this.#audits % AUDITS_PER_PROBE === 0) {
        await running.reconciler.probe(this.#config, plan, running.monitor.snapshot());
        await running.firewall.audit();
        await running.ipsec.audit();
      }
      // Last, so that nothing else waits for it when it fails.
      const own = new Set(this.#attachments.map(({ ifindex }) => ifindex));
      await running.xdpWatch.audit(
        running.monitor.snapshot().links.filter(({ ifindex }) => own.has(ifindex)),
      );
      this.#news.succeeded('audit');
    } catch (error) {
      if (this.#running === running) {
        this.#news.failed('audit', error);
      }
    }
  }

  /** One look at the kernel and what follows from it. Answers when the next one is due, milliseconds. */
  async #reconcile(since: number): Promise<number | undefined> {
    const running = this.#running;
    if (!running) {
      return undefined;
    }
    if (performance.now() >= this.#wholeDue) this.#pending.all();
    const happened = this.#pending.take();
    try {
      const snapshot = running.monitor.snapshot();
      if (!happened.all && (await this.#reconcileSome(running, snapshot, happened, since))) {
        return this.#nextRun();
      }
      await this.#reconcileAll(running, snapshot, since);
      return this.#nextRun();
    } catch (error) {
      this.#pending.all();
      throw error;
    }
  }

  async #reconcileAll(running: Running, snapshot: NetlinkSnapshot, since: number): Promise<void> {
    const begun = performance.now();
    if (!areUp(running.devices, snapshot.links)) {
      // The first run, before our own links have been reported, or somebody removed one or set it down.
      running.devices = await running.reconciler.devices(this.#config, IPV6_MIN_MTU);
    } else {
      running.devices = refresh(running.devices, snapshot.links);
    }
    this.#plans = undefined;
    const plans = this.#config.role === 'home-agent' ? new HomeAgentPlans(this.#config) : undefined;
    const plan = await this.#derive(running, snapshot, plans);
    const report = await running.reconciler.run(
      this.#config,
      plan,
      running.devices,
      snapshot,
      () => this.#loop.isAsked,
    );
    this.#planned = () => plan;
    this.#attachments = report.attachments;
    this.#missing = report.missing;
    this.#xdp = report.xdp;
    this.#problems = report.problems;
    const bindings = plan.routers.flatMap((router) => router.bindings);
    running.registrations.keepOnly(new Set(bindings.map((binding) => binding.index)));
    // Not before: what is sent needs the rules of this run, and what answers its accept set.
    if (running.registration instanceof MobileRouterRegistration) running.registration.follow(plan);
    this.#news.publish(plan, report, since);
    // What was left out is for the next one.
    if (!report.isWhole) this.#pending.all();
    else if (running.reconciler.canScope(this.#config, plan)) this.#plans = plans;
    this.#wholeDue = timeIn(report.dueInMs);
    if (this.#plans) {
      // Nobody asks for one any more, and the kernel does not announce all that others do.
      const took = performance.now() - begun;
      this.#wholeDue = Math.min(this.#wholeDue, timeIn(Math.max(LOOK_AGAIN_MS, took * REST)));
    }
    this.#pairsDue = timeIn(report.pairsDueInMs);
  }

  /** The same for some routers; false where it takes a run over everything. */
  async #reconcileSome(
    running: Running,
    snapshot: NetlinkSnapshot,
    { routers, destinations, neighbours }: Happened,
    since: number,
  ): Promise<boolean> {
    const plans = this.#plans;
    if (plans === undefined) return false;
    const context = this.#homeAgentContext(running);
    const some = routers === undefined ? plans.config.routers : plans.routersOf(routers);
    await this.#askRoutes(running, plans.config, some);
    const part = plans.planSome(some, snapshot, context);
    if (part === undefined) return false;
    const scope: Scope = {
      ...part,
      destinations,
      neighbours,
      routesTo: (destination) => running.monitor.routesTo(destination),
      ownerOf: (prefix) => plans.ownerOf(prefix),
    };
    let report: ReconcileReport;
    try {
      report = await running.reconciler.runScope(plans.config, scope, running.devices, snapshot);
    } catch (error) {
      // Whatever it is, a run over everything meets it too, or there is nothing left of it.
      this.#log.debug({ err: error }, 'registrations could not be taken over by themselves');
      return false;
    }
    this.#planned = part.whole;
    this.#news.publish(part.plan, report, since, part.before);
    this.#pairsDue = timeIn(report.pairsDueInMs);
    // It is found again by a run over everything, which reports it.
    return report.problems.length === 0;
  }

  #nextRun(): number | undefined {
    const due = Math.min(this.#wholeDue, this.#pairsDue);
    return Number.isFinite(due) ? Math.max(0, due - performance.now()) : undefined;
  }

  async #derive(
    running: Running,
    snapshot: NetlinkSnapshot,
    plans: HomeAgentPlans | undefined,
  ): Promise<Plan> {
    const { datapath, devices, registrations, registration } = running;
    const config = this.#config;
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
        disabled: (bid) => registrations.of(index(bid)).disabled,
        registered:
          registration instanceof MobileRouterRegistration
            ? (bid) => registration.registered(bid)
            : undefined,
        ingress: planIngress(config, {
          ...snapshot,
          firewall: running.firewall.firewall,
          ipsec: running.ipsec.ipsec,
        }),
      });
    }
    const all = plans ?? new HomeAgentPlans(config);
    await this.#askRoutes(running, config, config.routers);
    const plan = all.planAll(snapshot, this.#homeAgentContext(running));
    this.#careOfRoutes.keepOnly(all.careOfs());
    return plan;
  }

  #homeAgentContext({ datapath, devices, registrations, registration }: Running): HomeAgentContext {
    const index = (router: number, bid: number): number => datapath.bindings.index({ router, bid });
    return {
      homeIfindex: devices.home.ifindex,
      routerId: (router) => datapath.routerIds.id(router.address.toString()),
      index,
      registration: (router, bid) => registrations.of(index(router, bid)),
      registered: (router) => registeredBy(registration, router),
      policies: (router) =>
        registration instanceof HomeAgentRegistration ? registration.policiesOf(router) : router.policies,
      route: (careOf) => this.#careOfRoutes.route(careOf),
    };
  }

  /** Asks the kernel for its routes to the care-of addresses of some routers. */
  async #askRoutes(
    { datapath, netlink, monitor, registrations, registration }: Running,
    config: HomeAgentConfig,
    routers: readonly RouterConfig[],
  ): Promise<void> {
    const careOfs: Address[] = [];
    for (const router of routers) {
      const itself = registeredBy(registration, router);
      for (const { bid, careOf } of bindingsOf(router, itself)) {
        const id = itself ? 0 : datapath.routerIds.id(router.address.toString());
        const byHand = itself
          ? undefined
          : registrations.of(datapath.bindings.index({ router: id, bid })).careOf;
        const address = byHand ?? careOf;
        if (address) careOfs.push(address);
      }
    }
    const known = {
      longestRoutes: (address: Address, table: number) => monitor.longestRoutes(address, table),
      rules: monitor.snapshot().rules,
    };
    await this.#careOfRoutes.ask(netlink, known, careOfs, config.home.agent);
  }
}

/** What a router has registered itself; undefined for one that does not. */
function registeredBy(
  registration: Running['registration'],
  router: RouterConfig,
): RouterRegistration | undefined {
  return registration instanceof HomeAgentRegistration ? registration.of(router) : undefined;
}

/** When something that is due in so many milliseconds is, `performance.now()`. */
function timeIn(milliseconds: number | undefined): number {
  return milliseconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + milliseconds;
}

/** Whether packets go to a neighbour as before. */
function isAsUsable(neighbour: Neighbour, before: Neighbour): boolean {
  return (
    neighbour.usable === before.usable &&
    neighbour.proxy === before.proxy &&
    String(neighbour.mac) === String(before.mac)
  );
}

/** Whether the kernel keeps a neighbour fresh as before. */
function isHeldAlike(neighbour: Neighbour, before: Neighbour): boolean {
  return neighbour.managed === before.managed && neighbour.protocol === before.protocol;
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

/** Two instances with one protocol number would remove each other's routes and rules. */
function refuseSharedProtocol(config: Config, snapshot: NetlinkSnapshot): void {
  for (const other of otherOwners(snapshot.links, config.instance)) {
    const { protocol } = config.routing;
    if (snapshot.routes.some((route) => route.ifindex === other.ifindex && route.protocol === protocol)) {
      throw new ControllerError(
        'PROTOCOL_TAKEN',
        `the routes of ${other.alias} in this network namespace have protocol number ${protocol} too`,
        'give each instance its own routing.protocol, routing.table, routing.metric and home.interface',
      );
    }
  }
}

/** What a mobile router's registration is made of. */
function registeredParts({ registration, home, instance }: MobileRouterConfig): object {
  return { registration, instance, home: JSON.stringify(home) };
}

/** For a start that fails; nobody waits then. */
function asDisposable(resource: AsyncDisposable): Disposable {
  return { [Symbol.dispose]: () => void resource[Symbol.asyncDispose]() };
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
    // Its programs are others.
    'external.kind': config.external?.kind === 'xfrm' ? 'xfrm' : 'another kind',
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
