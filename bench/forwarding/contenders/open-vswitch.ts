// What a data-centre engineer would pick: Open vSwitch's userspace datapath on AF_XDP ports, the policies as flows
// that choose the source of the tunnel.
import { mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment, run } from '../../../lab/command.js';
import type { Lab } from '../../../lab/lab.js';
import type { LabNode } from '../../../lab/node.js';
import type { LabProcess } from '../../../lab/process.js';
import { addresses } from '../../../lab/topology.js';
import { until } from '../../../lab/wait.js';
import type { Contender, Lane, Poller } from '../lane.js';
import { inGre } from './expected.js';
import { openFlows } from './openflow.js';
import type { BenchPolicies } from './policy-sets.js';

/** Open vSwitch could not be brought into the state to be measured. */
class OpenVswitchError extends Error {
  readonly code = 'BENCH_OPEN_VSWITCH_FAILED';
}

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
/** OpenFlow ports. */
const PORT = { lan0: 1, tunnel: 10, wa: 1, wb: 2 } as const;
const START_PATIENCE = 20_000;
/**
 * Flows of the datapath live as long as they would under steady traffic, and nobody looks through them meanwhile,
 * milliseconds: a look during which the switch is stopped would seem to have taken that long, whereupon the switch
 * throws nearly all of them away.
 */
const FOREVER = 3_600_000;
/** As many flows as the switch may have when it has run for some minutes: it begins with few. */
const FLOW_LIMIT = 200_000;
/** Age of neighbours, seconds. */
const NEIGHBOUR_AGE = 3_600;
/** Until a poller that was stopped has what came meanwhile behind it, milliseconds. */
const AWAKE = 20;
/** Seconds of packets until the flows of the datapath are there: each is made by a packet that misses. */
const WARM_UP = { one: 1, many: 8 };

/** @param cpu the one that packets are made on: the polling thread gets another one */
export function openVswitch(set: BenchPolicies, cpu: number): Contender {
  return {
    name: `Open vSwitch, ${set.name}`,
    async setUp({ lab }): Promise<Lane> {
      const flows = openFlows(set.policies, {
        ingress: PORT.lan0,
        tunnel: PORT.tunnel,
        homeAgent: addresses.homeAgent,
        careOf: [addresses.careOfA, addresses.careOfB],
      });
      const ovs = await OpenVswitch.start(lab, otherCpu(cpu));
      await ovs.connect();
      await ovs.addFlows('br-int', flows);
      await ovs.goFirst();
      ovs.pause();
      return {
        entry: { node: 'lan', interface: 'eth0' },
        router: { node: 'mr', interface: 'lan0' },
        exits: [
          { node: 'ra', interface: 'mr0', expected: inGre(addresses.careOfA, addresses.homeAgent) },
          { node: 'rb', interface: 'mr0', expected: inGre(addresses.careOfB, addresses.homeAgent) },
        ],
        flows: set.flows,
        takesFrames: true,
        poller: ovs,
        warmUp: set.policies.length === 1 ? WARM_UP.one : WARM_UP.many,
      };
    },
  };
}

function otherCpu(cpu: number): number {
  const other = cpus().length - 1 === cpu ? cpu - 1 : cpus().length - 1;
  if (other < 0)
    throw new OpenVswitchError(
      'Open vSwitch polls on a CPU of its own: leave PEERS out on a machine with one',
    );
  return other;
}

/** Its two daemons on the mobile router, with all they have in the lab's directory. */
class OpenVswitch implements Poller {
  readonly #lab: Lab;
  readonly #mr: LabNode;
  readonly #directory: string;
  #switch: LabProcess | undefined;

  private constructor(lab: Lab) {
    this.#lab = lab;
    this.#mr = lab.node('mr');
    this.#directory = join(lab.directory, 'ovs');
  }

  /** Both end with the lab. @throws OpenVswitchError with the log */
  static async start(lab: Lab, cpu: number): Promise<OpenVswitch> {
    const ovs = new OpenVswitch(lab);
    mkdirSync(ovs.#directory);
    await ovs.#mr.exec('ovsdb-tool', ['create', ovs.#path('conf.db'), SCHEMA]);
    ovs.#spawn('ovsdb-server', [ovs.#path('conf.db'), `--remote=punix:${ovs.#path('db.sock')}`]);
    await ovs.#ready('ovsdb-server');
    const settings = [
      `pmd-cpu-mask=0x${(1n << BigInt(cpu)).toString(16)}`,
      `max-idle=${FOREVER}`,
      `max-revalidator=${FOREVER}`,
    ].map((each) => `other_config:${each}`);
    await ovs.#vsctl(['--no-wait', 'init', '--', 'set', 'Open_vSwitch', '.', ...settings]);
    ovs.#switch = ovs.#spawn('ovs-vswitchd', [`unix:${ovs.#path('db.sock')}`]);
    await ovs.#ready('ovs-vswitchd');
    return ovs;
  }

  /** Bridges, ports, addresses, the route and the neighbours of the tunnel. */
  async connect(): Promise<void> {
    const [mr, a, b] = [this.#mr, this.#lab.node('ra'), this.#lab.node('rb')];
    const [wa, wb, ra, rb] = await Promise.all([mr.link('wa'), mr.link('wb'), a.link('mr0'), b.link('mr0')]);
    // What arrives at a port is the switch's: addresses and routes go over to the bridge.
    await mr.batch(['lan0', 'wa', 'wb'].map((name) => `address flush dev ${name}`));
    const bridge = (name: string): string[] =>
      `-- add-br ${name} -- set bridge ${name} datapath_type=netdev fail-mode=secure`.split(' ');
    const port = (of: string, name: string, number: number, words: string): string[] =>
      `-- add-port ${of} ${name} -- set interface ${name} ofport_request=${number} ${words}`.split(' ');
    await this.#vsctl([
      ...bridge('br-phy'),
      ...port('br-phy', 'wa', PORT.wa, 'type=afxdp'),
      ...port('br-phy', 'wb', PORT.wb, 'type=afxdp'),
      ...bridge('br-int'),
      ...port('br-int', 'lan0', PORT.lan0, 'type=afxdp'),
      ...port(
        'br-int',
        'tun',
        PORT.tunnel,
        'type=gre options:remote_ip=flow options:local_ip=flow options:packet_type=legacy_l3',
      ),
    ]);
    await mr.batch([
      `address add ${addresses.careOfA}/64 dev br-phy nodad`,
      `address add ${addresses.careOfB}/64 dev br-phy nodad`,
      'link set br-phy up',
    ]);
    await this.#appctl(['upcall/set-flow-limit', String(FLOW_LIMIT)]);
    await this.#appctl(['tnl/neigh/aging', String(NEIGHBOUR_AGE)]);
    // 3.1 writes the source that the route has, whatever the flow says of the tunnel's: the mark chooses the route.
    const next = [
      { mark: 1, gateway: addresses.accessA, mac: ra.mac },
      { mark: 2, gateway: addresses.accessB, mac: rb.mac },
    ];
    for (const { mark, gateway, mac } of next) {
      await this.#appctl(['tnl/neigh/set', 'br-phy', gateway, mac]);
      await this.#routed(`${addresses.homeAgent}/128 br-phy ${gateway} pkt_mark=${mark}`);
    }
    // Both routes lead to the bridge: the uplink that goes with a source is for flows to say.
    const uplink = (source: string, from: string, to: string, out: number): string =>
      `in_port=LOCAL,ipv6,ipv6_src=${source},actions=mod_dl_src:${from},mod_dl_dst:${to},output:${out}`;
    await this.addFlows('br-phy', [
      uplink(addresses.careOfA, wa.mac, ra.mac, PORT.wa),
      uplink(addresses.careOfB, wb.mac, rb.mac, PORT.wb),
    ]);
    await this.#check();
  }

  async addFlows(bridge: string, flows: readonly string[]): Promise<void> {
    await this.#mr.exec('ovs-ofctl', ['add-flows', `unix:${this.#path(`${bridge}.mgmt`)}`, '-'], {
      input: `${flows.join('\n')}\n`,
      timeout: 60_000,
    });
  }

  /** The polling threads get the sender's priority: to them their CPU is as good as isolated. */
  async goFirst(): Promise<void> {
    const tasks = `/proc/${this.#switch?.pid}/task`;
    for (const task of await readdir(tasks)) {
      const name = await readFile(join(tasks, task, 'comm'), 'utf8').catch(() => '');
      if (name.startsWith('pmd-')) await run('chrt', ['--fifo', '--pid', '1', task]);
    }
  }

  pause(): void {
    this.#switch?.kill('SIGSTOP');
  }

  async resume(): Promise<void> {
    if (this.#switch?.exit !== undefined)
      throw new OpenVswitchError(`ovs-vswitchd has ended:\n${await this.#log()}`);
    this.#switch?.kill('SIGCONT');
    await sleep(AWAKE);
  }

  /** Adds a route, which is refused until the switch has heard of the bridge's addresses. */
  async #routed(route: string): Promise<void> {
    const words = ['-t', this.#path('ovs-vswitchd.unixctl'), 'ovs/route/add', ...route.split(' ')];
    await until(async () => (await this.#mr.exec('ovs-appctl', words, { mayFail: true })).exitCode === 0, {
      what: `Open vSwitch to take the route ${route}`,
      timeout: START_PATIENCE,
    });
  }

  /** The ports must be open in the mode that is fast. */
  async #check(): Promise<void> {
    const ports = await this.#appctl(['dpif/show']);
    const native = ports.split('\n').filter((line) => /\(afxdp:.*xdp-mode-in-use=native/.test(line));
    if (native.length !== 3)
      throw new OpenVswitchError(`AF_XDP does not run in the driver:\n${ports}\n${await this.#log()}`);
  }

  #spawn(program: string, options: readonly string[]): LabProcess {
    const own = ['pidfile', 'unixctl', 'log-file'].map(
      (name) => `--${name}=${this.#path(`${program}.${name}`)}`,
    );
    // A thread that polls at such a priority must not outlive whoever started it.
    const words = ['--pdeathsig', 'KILL', program, ...options, ...own, '--verbose=console:off'];
    return this.#mr.spawn('setpriv', words, {
      stdio: 'ignore',
      env: { ...environment, ...this.#environment },
    });
  }

  /** No path of the system's own Open vSwitch; no dispatcher of libxdp, which would pin beside the lab. */
  get #environment(): Record<string, string> {
    const at = Object.fromEntries(
      ['RUN', 'LOG', 'DB', 'SYSCONF'].map((what) => [`OVS_${what}DIR`, this.#directory]),
    );
    return { ...at, LIBXDP_SKIP_DISPATCHER: '1' };
  }

  async #ready(program: string): Promise<void> {
    const ask = ['-t', this.#path(`${program}.unixctl`), 'version'];
    await until(async () => (await this.#mr.exec('ovs-appctl', ask, { mayFail: true })).exitCode === 0, {
      what: `${program} to answer`,
      timeout: START_PATIENCE,
    });
  }

  async #vsctl(words: readonly string[]): Promise<void> {
    await this.#mr.exec('ovs-vsctl', [`--db=unix:${this.#path('db.sock')}`, '--timeout=15', ...words]);
  }

  async #appctl(words: readonly string[]): Promise<string> {
    return (await this.#mr.exec('ovs-appctl', ['-t', this.#path('ovs-vswitchd.unixctl'), ...words])).stdout;
  }

  /** The end of the switch's log. */
  async #log(): Promise<string> {
    const text = await readFile(this.#path('ovs-vswitchd.log-file'), 'utf8').catch(() => '');
    return text.split('\n').slice(-20).join('\n');
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}
