// The lab: the network the demo, the tests and the benchmarks run in, one network namespace per node.
//
//                       wa        mr0      core0    ra0
//                    +-------------- ra --------------+
//    eth0      lan0  |   :a::/64           :fa::/64   |    ha0     core0     cn0     eth0
//  lan ----------- mr                                core ----------- ha ----------- cn
//      :1::/64 (MNP) |   :b::/64           :fb::/64   |   :ffff::/64      :99::/64
//                    +-------------- rb --------------+
//                       wb        mr0      core0    rb0
//
// Prefixes are 2001:db8 plus what is shown. lan, the two care-of addresses and cn are ::2 on their links,
// their routers ::1; towards the core ra and rb are ::2, the core ::1; on the core's link to the home
// agent the core is ::ff and the home agent ::1. Home address 2001:db8:77::1. ra and rb let nothing in
// from the mobile router whose source is outside the uplink's prefix, and count what they refuse.
//
// With {routers: 2} a second mobile router stands beside the first, on one uplink of its own:
//
//    eth0      lan0     wa        mr2
//  lan2 ---------- mr2 -------------- ra        home address 2001:db8:78::1
//      :2::/64 (MNP)      :a2::/64
//
// With {thirdUplink: true} there is one more access network, as the other two: rc, between wc at the mobile router and rc0
// at the core, with :c::/64 and :fc::/64.
//
// With {homeLink: true} the mobile router and the home agent are on the home link, too: :77::/64, which has the home
// address. hl is a bridge between them and a host; the home agent's address is the one that it has there.
//
//      wh (::2)    mr0      ha0    home0 (::ff)
//  mr ------------------ hl ------------------ ha
//                   home0 (::3)
import { chmodSync, chownSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandResult, run } from './command.js';
import { type DaemonConfig, LabDaemon, type StartOptions } from './daemon.js';
import { LabNode } from './node.js';
import { DAEMON_USER } from './privileges.js';
import { bpffsOf, removeLab, runtimeOf } from './removal.js';
import { isAbandoned, type LabState, processStart, readStates, writeState } from './state.js';
import { type Extras, type NodeName, type Topology, topology } from './topology.js';

/** With two mobile routers there are no extras. */
export interface LabOptions extends Extras {
  /** Part of every namespace name; unique on this machine. Made from the process id when left out. */
  readonly name?: string;
  /** Number of mobile routers, 1 when left out. */
  readonly routers?: 1 | 2;
  /** Leave the lab up when its owner ends; its daemons outlive it too. */
  readonly keep?: boolean;
}

/** The lab could not be built or was asked for something it does not have. */
export class LabError extends Error {
  readonly code = 'LAB_FAILED';
}

/** Those of every lab. */
export type Uplink = 'a' | 'b';

let built = 0;

/** Index of the first interface; those of a fresh namespace are below. */
const FIRST_INDEX = 101;

/** A running lab. `destroy()` removes every trace; so does the next lab's start if the owner crashed. */
export class Lab {
  readonly name: string;
  readonly directory: string;
  /** A BPF file system of the lab's own. */
  readonly bpffs: string;
  /** Where the daemons have sockets and locks: a small file system of the lab's own, as /run is one. */
  readonly runtime: string;
  readonly state: LabState;
  readonly #topology: Topology;
  readonly #nodes: ReadonlyMap<NodeName, LabNode>;
  readonly #daemons = new Map<NodeName, LabDaemon>();
  #destroyed: Promise<void> | undefined;

  private constructor(state: LabState, shape: Topology) {
    this.name = state.name;
    this.directory = state.directory;
    this.bpffs = bpffsOf(state.directory);
    this.runtime = runtimeOf(state.directory);
    this.state = state;
    this.#topology = shape;
    this.#nodes = new Map(shape.nodes.map((name, i) => [name, new LabNode(name, state.namespaces[i] ?? '')]));
  }

  /** Builds a lab, after removing those that crashed owners left behind. @throws LabError, CommandError */
  static async create(options: LabOptions = {}): Promise<Lab> {
    if (process.getuid?.() !== 0) {
      throw new LabError('the lab needs root, to make network namespaces: run it with sudo');
    }
    await Lab.sweep();
    const name = options.name ?? `cx${process.pid}-${++built}`;
    const shape = topology(options.routers ?? 1, options);
    const state: LabState = {
      name,
      pid: process.pid,
      startTime: processStart(process.pid) ?? '',
      directory: mkdtempSync(join(tmpdir(), 'coaxial-lab-')),
      namespaces: shape.nodes.map((node) => `${name}-${node}`),
      keep: options.keep ?? false,
    };
    const lab = new Lab(state, shape);
    try {
      // Before the first namespace, so that nothing can be left that nobody knows of.
      writeState(state);
      await lab.#build();
    } catch (error) {
      await lab.destroy();
      throw error;
    }
    return lab;
  }

  /** Removes the labs whose owner has gone; returns their names. */
  static async sweep(): Promise<string[]> {
    const abandoned = readStates().filter(isAbandoned);
    for (const state of abandoned) await removeLab(state);
    return abandoned.map((state) => state.name);
  }

  /** A node by its role. @throws LabError for a role this lab does not have */
  node(name: NodeName): LabNode {
    const node = this.#nodes.get(name);
    if (node === undefined)
      throw new LabError(`this lab has no node '${name}', only ${[...this.#nodes.keys()]}`);
    return node;
  }

  get nodes(): LabNode[] {
    return [...this.#nodes.values()];
  }

  /**
   * Starts a coaxial daemon on a node, with an instance, socket and pins of the lab's own; resolves
   * when its API answers. `options` hold for each of its starts. @throws DaemonError with its log
   */
  async startDaemon(node: NodeName, config: DaemonConfig, options: StartOptions = {}): Promise<LabDaemon> {
    await this.#daemons.get(node)?.stop();
    const place = {
      directory: this.directory,
      runtime: this.runtime,
      bpffs: this.bpffs,
      instance: `${this.name}-${node}`.toLowerCase(),
      detached: this.state.keep,
    };
    const daemon = new LabDaemon(this.node(node), config, place, options);
    this.#daemons.set(node, daemon);
    await daemon.start();
    return daemon;
  }

  /** The command line tool, told to talk to the daemon of a node. @throws CommandError, LabError */
  async coax(
    node: NodeName,
    args: readonly string[],
    options: { mayFail?: boolean } = {},
  ): Promise<CommandResult> {
    const daemon = this.#daemons.get(node);
    if (daemon === undefined) throw new LabError(`no daemon was started on '${node}'`);
    return daemon.coax(args, options);
  }

  /** The mobile router loses an uplink: interface down, its routes gone. */
  async uplinkDown(uplink: Uplink | 'c'): Promise<void> {
    await this.node('mr').ip(`link set w${uplink} down`);
  }

  /** The uplink is back, with its address and default route. */
  async uplinkUp(uplink: Uplink | 'c'): Promise<void> {
    const routes = this.#topology.routes.mr?.filter((route) => route.includes(`dev w${uplink} `)) ?? [];
    await this.node('mr').batch([
      `link set w${uplink} up`,
      ...routes.map((route) => `route replace ${route}`),
    ]);
  }

  /** Packets an access router has refused because of their source, since the lab was built. */
  async refused(node: 'ra' | 'rb' | 'rc'): Promise<number> {
    const { stdout } = await this.node(node).exec('nft', ['-j', 'list', 'counters']);
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { packets: number } }[] };
    return nftables.reduce((sum, entry) => sum + (entry.counter?.packets ?? 0), 0);
  }

  /** Removes everything; may be called again. */
  async destroy(): Promise<void> {
    this.#destroyed ??= this.#remove();
    return this.#destroyed;
  }

  async #remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.endProcesses()));
    await removeLab(this.state);
  }

  async #build(): Promise<void> {
    mkdirSync(this.bpffs);
    mkdirSync(this.runtime);
    await run('mount', ['-t', 'bpf', 'bpf', this.bpffs]);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k,nr_inodes=64', 'tmpfs', this.runtime]);
    for (const path of [this.directory, this.bpffs, this.runtime]) {
      chownSync(path, DAEMON_USER, DAEMON_USER);
      chmodSync(path, 0o755);
    }
    const names = this.nodes.map((node) => `netns add ${node.namespace}`);
    await run('ip', ['-batch', '-'], { input: names.join('\n') });
    // Before the interfaces come, which inherit the defaults.
    await Promise.all(this.nodes.map((node) => node.sysctl(this.#parameters(node))));
    // Every index is there once: for a pair with equal ones the kernel reports the carrier a second late.
    let index = FIRST_INDEX;
    const links = this.#topology.links.map(({ ends: [a, b] }) => {
      const [one, other] = [this.node(a.node), this.node(b.node)];
      return (
        `link add name ${a.interface} index ${index++} netns ${one.namespace} type veth ` +
        `peer name ${b.interface} index ${index++} netns ${other.namespace}`
      );
    });
    await run('ip', ['-batch', '-'], { input: links.join('\n') });
    await Promise.all(this.nodes.map((node) => this.#configure(node)));
    await Promise.all(this.nodes.map((node) => node.linksReady()));
  }

  #parameters(node: LabNode): Record<string, number> {
    const forwarding = this.#topology.forwarding.includes(node.name as NodeName);
    return {
      'ipv6.conf.all.forwarding': forwarding ? 1 : 0,
      'ipv6.conf.default.forwarding': forwarding ? 1 : 0,
      'ipv6.conf.all.accept_dad': 0,
      'ipv6.conf.default.accept_dad': 0,
      'ipv6.conf.default.accept_ra': 0,
      'ipv6.conf.default.router_solicitations': 0,
      // A link that was down comes back with its addresses.
      'ipv6.conf.all.keep_addr_on_down': 1,
      'ipv6.conf.default.keep_addr_on_down': 1,
    };
  }

  async #configure(node: LabNode): Promise<void> {
    const ends = this.#topology.links.flatMap((link) => link.ends).filter((end) => end.node === node.name);
    const bridge = this.#topology.bridges[node.name as NodeName];
    await node.batch([
      'link set lo up',
      ...(bridge
        ? [
            `link add ${bridge.interface} type bridge`,
            `address add ${bridge.address}/64 dev ${bridge.interface} nodad`,
            `link set ${bridge.interface} up`,
          ]
        : []),
      ...ends.flatMap((end) => [
        end.address === ''
          ? `link set ${end.interface} master ${bridge?.interface}`
          : `address add ${end.address}/64 dev ${end.interface} nodad`,
        `link set ${end.interface} up`,
      ]),
      ...(this.#topology.routes[node.name as NodeName] ?? []).map((route) => `route add ${route}`),
    ]);
    const filters = this.#topology.sourceFilters[node.name as NodeName];
    if (filters !== undefined) await node.nft(sourceFilter(filters));
  }
}

/** Link-local sources and the unspecified one belong to neighbour discovery. */
function sourceFilter(filters: readonly { interface: string; prefix: string }[]): string {
  const rules = filters.map(
    ({ interface: name, prefix }) =>
      `iifname "${name}" ip6 saddr != { ${prefix}, fe80::/10, :: } counter name refused drop`,
  );
  return `table ip6 coaxial_lab {
  counter refused {}
  chain prerouting {
    type filter hook prerouting priority raw;
    ${rules.join('\n    ')}
  }
}
`;
}
