// A lab with its daemons and captures, and the proof that taking it down leaves nothing.
import type { ExecutionContext } from 'ava';
import { Capture, type CapturedPacket } from '../../lab/capture.js';
import type { DaemonConfig, LabDaemon, StartOptions } from '../../lab/daemon.js';
import { Lab, type Uplink } from '../../lab/lab.js';
import type { LabNode } from '../../lab/node.js';
import { Protocol } from '../../lab/packet.js';
import { Remains } from '../../lab/remains.js';
import { addresses, type Extras, type NodeName, prefixes } from '../../lab/topology.js';
import { until } from '../../lab/wait.js';
import type {
  BindingChange,
  BindingState,
  BindingView,
  PolicyView,
  ReasonView,
  StatusView,
} from '../../src/views/index.js';

/** The BIDs of the first mobile router's uplinks. */
export const BID: Readonly<Record<Uplink, number>> = { a: 1, b: 2 };

function policies(side: 'source-port' | 'destination-port'): object[] {
  const udp = (range: string): object => ({ protocol: 'udp', [side]: range });
  return [
    { fid: 1, name: 'to-a', match: udp('5100-5199'), use: ['a', 'b'] },
    { fid: 2, name: 'to-b', match: udp('5200-5299'), use: ['b', 'a'] },
  ];
}

/** The first mobile router: UDP to 5100-5199 takes uplink A, to 5200-5299 uplink B. */
export function mobileRouter(change: DaemonConfig = {}): DaemonConfig {
  return {
    role: 'mobile-router',
    home: { agent: addresses.homeAgent, address: addresses.home, prefixes: [prefixes.mobile] },
    ingress: [{ interface: 'lan0' }],
    bindings: [
      { bid: BID.a, name: 'a', priority: 10, interface: 'wa' },
      { bid: BID.b, name: 'b', priority: 20, interface: 'wb' },
    ],
    policies: policies('destination-port'),
    'grace-time': '1s',
    ...change,
  };
}

/** The second mobile router of a lab with two. */
export function secondMobileRouter(): DaemonConfig {
  return {
    role: 'mobile-router',
    home: { agent: addresses.homeAgent, address: addresses.home2, prefixes: [prefixes.mobile2] },
    ingress: [{ interface: 'lan0' }],
    bindings: [{ bid: 1, name: 'a', interface: 'wa' }],
  };
}

/** The home agent of the first mobile router, and of the second where there is one. */
export function homeAgent(routers: 1 | 2 = 1, change: DaemonConfig = {}): DaemonConfig {
  const first = {
    name: 'mr1',
    address: addresses.home,
    prefixes: [prefixes.mobile],
    bindings: [
      { bid: BID.a, name: 'a', 'care-of': addresses.careOfA, priority: 10 },
      { bid: BID.b, name: 'b', 'care-of': addresses.careOfB, priority: 20 },
    ],
    policies: policies('source-port'),
  };
  const second = {
    name: 'mr2',
    address: addresses.home2,
    prefixes: [prefixes.mobile2],
    bindings: [{ bid: 1, name: 'a', 'care-of': addresses.careOf2 }],
  };
  return {
    role: 'home-agent',
    home: { agent: addresses.homeAgent },
    interfaces: ['core0', 'cn0'],
    routers: routers === 2 ? [first, second] : [first],
    'grace-time': '1s',
    ...change,
  };
}

/** What both ends are started with; an end that is null is not started. */
export interface SiteOptions extends Extras {
  readonly routers?: 1 | 2;
  readonly mr?: DaemonConfig | null;
  readonly ha?: DaemonConfig | null;
  /** Words in front of the first mobile router's daemon. */
  readonly under?: readonly string[];
  /** What the daemons may do beside what all may. */
  readonly capabilities?: readonly string[];
}

/** Conditions on a busy machine take their time. */
export const PATIENCE = 20_000;

/** What a daemon had counted and logged at some time. */
interface Past {
  readonly packets: ReadonlyMap<string, number>;
  readonly logged: number;
}

/** Everything a test works with. */
export class Site {
  readonly lab: Lab;
  readonly #daemons = new Map<NodeName, LabDaemon>();
  /** Empty in a site that has one test only. */
  readonly #past = new Map<LabDaemon, Past>();

  constructor(lab: Lab) {
    this.lab = lab;
  }

  get mr(): LabDaemon {
    return this.daemon('mr');
  }

  get ha(): LabDaemon {
    return this.daemon('ha');
  }

  /** A daemon that was started. */
  daemon(name: NodeName): LabDaemon {
    const daemon = this.#daemons.get(name);
    if (daemon === undefined) throw new Error(`no daemon was started on ${name}`);
    return daemon;
  }

  get daemons(): LabDaemon[] {
    return [...this.#daemons.values()];
  }

  node(name: NodeName): LabNode {
    return this.lab.node(name);
  }

  async start(name: NodeName, config: DaemonConfig, options: StartOptions = {}): Promise<LabDaemon> {
    const daemon = await this.lab.startDaemon(name, config, options);
    this.#daemons.set(name, daemon);
    return daemon;
  }

  /** Tunnelled and plain UDP and ICMPv6, but no neighbour discovery to read past. */
  async capture(node: NodeName, name: string, filter = 'ip6 and not tcp'): Promise<Capture> {
    return Capture.start(this.node(node), name, { filter });
  }

  async bindings(daemon: LabDaemon = this.mr): Promise<BindingView[]> {
    return (await daemon.api('GET', '/v1/bindings')).body as BindingView[];
  }

  /** As `coax binding set` does; `router` where the daemon has several. */
  async setBinding(
    bid: number,
    change: BindingChange,
    { daemon = this.mr, router = '-' }: { daemon?: LabDaemon; router?: string } = {},
  ): Promise<void> {
    const { status, body } = await daemon.api('PUT', `/v1/routers/${router}/bindings/${bid}`, change);
    if (status !== 200) throw new Error(`binding ${bid} was not changed: ${JSON.stringify(body)}`);
  }

  async status(daemon: LabDaemon = this.mr): Promise<StatusView> {
    return (await daemon.api('GET', '/v1/status')).body as StatusView;
  }

  async policies(daemon: LabDaemon = this.mr): Promise<PolicyView[]> {
    return (await daemon.api('GET', '/v1/policies')).body as PolicyView[];
  }

  /** From now on `counted`, `reason` and `logged` are about what comes: another test begins. */
  async forgetPast(): Promise<void> {
    this.#past.clear();
    for (const daemon of this.daemons) {
      const packets = new Map((await this.counted(daemon)).map((row) => [placeOf(row), row.packets]));
      this.#past.set(daemon, { packets, logged: (await daemon.log()).length });
    }
  }

  /** Packets by reason and hook, since the test began. */
  async counted(daemon: LabDaemon = this.mr): Promise<ReasonView[]> {
    const rows = (await daemon.api('GET', '/v1/reasons')).body as ReasonView[];
    const past = this.#past.get(daemon)?.packets;
    return rows.map((row) => ({ ...row, packets: row.packets - (past?.get(placeOf(row)) ?? 0) }));
  }

  /** Packets counted under a reason since the test began, at all hooks. */
  async reason(name: string, daemon: LabDaemon = this.mr): Promise<number> {
    const rows = await this.counted(daemon);
    return rows.filter(({ reason }) => reason === name).reduce((sum, { packets }) => sum + packets, 0);
  }

  /** Rows of a map as the API shows them. */
  async rows<T>(map: string, daemon: LabDaemon = this.mr): Promise<T[]> {
    const { body } = await daemon.api('GET', `/v1/maps/${map}`);
    return (body as { rows: T[] }).rows;
  }

  /** Pairs of outer addresses that are accepted, as "local remote". */
  async accepted(daemon: LabDaemon = this.mr): Promise<string[]> {
    const rows = await this.rows<{ key: { local: string; remote: string } }>('cx_tunnel_ends', daemon);
    return rows.map(({ key }) => `${key.local} ${key.remote}`);
  }

  /** Resolves when a binding is in a state, and has that care-of address if one is named. */
  async state(
    bid: number,
    state: BindingState,
    options: { careOf?: string; daemon?: LabDaemon; router?: string } = {},
  ): Promise<BindingView> {
    let last: unknown;
    try {
      return await until(
        async () => {
          const bindings = await this.bindings(options.daemon);
          const found = bindings.find(
            (binding) =>
              binding.bid === bid && (options.router === undefined || binding.router === options.router),
          );
          last = found;
          const right = found?.state === state && (options.careOf ?? found.careOf) === found.careOf;
          return right ? found : undefined;
        },
        { what: `binding ${bid} to be ${state} ${options.careOf ?? ''}`, timeout: PATIENCE },
      );
    } catch (error) {
      throw new Error(`binding ${bid} is ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** Resolves when both bindings of both ends carry packets and their next hops are resolved. */
  async ready(): Promise<void> {
    await until(
      async () => {
        for (const daemon of this.daemons) {
          const bindings = await this.bindings(daemon);
          if (bindings.some(({ state, nextHopMac }) => state !== 'usable' || nextHopMac === null))
            return false;
        }
        return true;
      },
      { what: 'all bindings to be usable', timeout: PATIENCE },
    );
  }

  /** Resolves when the daemon's log has a line of this test that matches. */
  async logged(daemon: LabDaemon, pattern: RegExp): Promise<string> {
    const from = this.#past.get(daemon)?.logged ?? 0;
    const find = async (): Promise<string | undefined> =>
      (await daemon.log())
        .slice(from)
        .split('\n')
        .find((line) => pattern.test(line));
    return until(find, { what: `${pattern} in the log of ${daemon.node.name}`, timeout: PATIENCE });
  }

  /** Ends what tests have started in the lab; the daemons stay. */
  async endProcesses(): Promise<void> {
    const daemons = new Set(this.daemons.map(({ pid }) => pid));
    await Promise.all(this.lab.nodes.map((node) => node.endProcesses(daemons)));
  }
}

/** What a row of counters is about. */
function placeOf({ hook, reason }: ReasonView): string {
  return `${hook} ${reason}`;
}

type AccessNode = Parameters<Lab['refused']>[0];

/** One site from its lab to the proof that it has left nothing. */
export class SiteLife {
  readonly site: Site;
  readonly #remains: Remains;

  readonly #accesses: readonly AccessNode[];

  private constructor(lab: Lab, accesses: readonly AccessNode[]) {
    this.site = new Site(lab);
    this.#remains = new Remains(lab);
    this.#accesses = accesses;
  }

  /** Builds the lab. */
  static async begin(options: SiteOptions): Promise<SiteLife> {
    const { routers = 1, homeLink = false, thirdUplink = false } = options;
    const lab = await Lab.create({ routers, homeLink, thirdUplink });
    return new SiteLife(lab, ['ra', 'rb', ...(thirdUplink ? (['rc'] as const) : [])]);
  }

  /** Starts the daemons. */
  async populate(options: SiteOptions): Promise<void> {
    const { site } = this;
    const { mr = mobileRouter(), ha = homeAgent(options.routers), under = [], capabilities = [] } = options;
    await Promise.all([
      ...(mr === null ? [] : [site.start('mr', mr, { under, capabilities })]),
      ...(ha === null ? [] : [site.start('ha', ha, { capabilities })]),
      ...(options.routers === 2 ? [site.start('mr2', secondMobileRouter())] : []),
    ]);
  }

  /** Insists on what holds after each test, and remembers what it has made in the kernel. */
  async prove(t: ExecutionContext): Promise<void> {
    // The access routers refuse what has not a source of their link: nothing of ours ever has.
    const refused = await Promise.all(this.#accesses.map((node) => this.site.lab.refused(node)));
    t.deepEqual(new Set(refused), new Set([0]), 'packets left an uplink with a source of another link');
    await this.#remains.note();
  }

  /** Takes the instances down and insists that nothing is left in the namespaces. */
  async takeDown(t: ExecutionContext): Promise<void> {
    for (const daemon of this.site.daemons) {
      await down(daemon);
      t.deepEqual(await this.#remains.inNode(daemon.node), [], `left on ${daemon.node.name} by coax down`);
    }
    t.deepEqual(this.#remains.pins(), [], 'pins left by coax down');
    t.deepEqual(await this.#remains.objects(), [], 'kernel objects left by coax down');
  }

  /** Shows with the test how the logs end. */
  async showLogs(t: ExecutionContext): Promise<void> {
    for (const daemon of this.site.daemons) {
      const lines = (await daemon.log()).split('\n').slice(-10);
      t.log(`log of ${daemon.node.name}:\n${lines.map((line) => line.slice(90, 290)).join('\n')}`);
    }
  }

  /** Removes the lab, whatever became of the test. */
  async end(): Promise<void> {
    await this.site.lab.destroy();
  }

  /** Insists that nothing is left in the kernel after the lab. */
  async proveGone(t: ExecutionContext): Promise<void> {
    t.deepEqual(await this.#remains.afterwards(), [], 'left after the lab');
  }
}

/**
 * Runs a test in a lab of its own, both ends ready; then takes the instances down and insists that nothing
 * is left in the namespaces, and after the lab nothing in the kernel.
 */
export async function withSite(
  t: ExecutionContext,
  options: SiteOptions,
  body: (site: Site) => Promise<void>,
): Promise<void> {
  const life = await SiteLife.begin(options);
  try {
    await life.populate(options);
    await body(life.site);
    await life.prove(t);
    await life.takeDown(t);
  } catch (error) {
    await life.showLogs(t);
    throw error;
  } finally {
    await life.end();
  }
  await life.proveGone(t);
}

/** `coax down` of one daemon's instance. */
export async function down(daemon: LabDaemon): Promise<string> {
  const { stdout } = await daemon.coax(['down', '--instance', daemon.instance, '--bpffs', daemon.bpffs]);
  return stdout;
}

/** Packets of a UDP flow towards a port, tunnelled or not. */
export function toPort(port: number, sourcePort?: number): (packet: CapturedPacket) => boolean {
  return ({ transport }) =>
    transport?.protocol === Protocol.UDP &&
    transport.destinationPort === port &&
    (sourcePort === undefined || transport.sourcePort === sourcePort);
}
