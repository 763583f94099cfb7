// One network namespace of the lab.
import { type SpawnOptions, spawn } from 'node:child_process';
import { type CommandOptions, type CommandResult, environment, run } from './command.js';
import { LabProcess } from './process.js';
import { until } from './wait.js';

/** A place in the lab's topology; programs started through it live in its network namespace. */
export class LabNode {
  /** Role in the topology: `mr`, `ha`, ... */
  readonly name: string;
  /** Name of the namespace below /run/netns. */
  readonly namespace: string;
  #processes = new Set<LabProcess>();

  constructor(name: string, namespace: string) {
    this.name = name;
    this.namespace = namespace;
  }

  /** `nsenter` and not `ip netns exec`: the latter hides every mounted bpffs. */
  command(command: string, args: readonly string[]): [string, string[]] {
    return ['nsenter', [`--net=/run/netns/${this.namespace}`, '--', command, ...args]];
  }

  /** Runs a program to its end. @throws CommandError */
  async exec(
    command: string,
    args: readonly string[] = [],
    options: CommandOptions = {},
  ): Promise<CommandResult> {
    return run(...this.command(command, args), options);
  }

  /** Starts a program; what still runs is ended with the lab, unless it was started detached. */
  spawn(command: string, args: readonly string[] = [], options: SpawnOptions = {}): LabProcess {
    const started = new LabProcess(spawn(...this.command(command, args), { env: environment, ...options }));
    if (options.detached !== true) {
      this.#processes.add(started);
      void started.exited.then(() => this.#processes.delete(started));
    }
    return started;
  }

  /** `ip` in this namespace, its words split at blanks: `node.ip('link set wa down')`. */
  async ip(words: string, options: CommandOptions = {}): Promise<string> {
    const args = ['-n', this.namespace, ...words.split(/\s+/).filter((word) => word !== '')];
    return (await run('ip', args, options)).stdout;
  }

  /** Several `ip` commands by one process, in order, ending at the first that fails. */
  async batch(lines: readonly string[]): Promise<void> {
    await run('ip', ['-n', this.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** Writes kernel parameters, named below `net.`: `{'ipv6.conf.all.forwarding': 1}`. */
  async sysctl(values: Readonly<Record<string, number | string>>): Promise<void> {
    const script = Object.entries(values).map(
      ([name, value]) => `echo ${value} > /proc/sys/net/${name.replaceAll('.', '/')}`,
    );
    await this.exec('sh', ['-e', '-c', script.join('\n')]);
  }

  /** Loads an nftables ruleset text. */
  async nft(ruleset: string): Promise<void> {
    await this.exec('nft', ['-f', '-'], { input: ruleset });
  }

  /** MAC and index of an interface. */
  async link(name: string): Promise<{ mac: string; ifindex: number; mtu: number; up: boolean }> {
    const [link] = JSON.parse(await this.ip(`-j link show dev ${name}`)) as [
      { address: string; ifindex: number; mtu: number; flags: string[] },
    ];
    return { mac: link.address, ifindex: link.ifindex, mtu: link.mtu, up: link.flags.includes('UP') };
  }

  /** Resolves when every interface that is up has its carrier and a link-local address to resolve with. */
  async linksReady(): Promise<void> {
    await until(
      async () => {
        // A link that is not up, such as the ip6tnl0 of every namespace, is listed as an empty object.
        const links = JSON.parse(await this.ip('-j address show up')) as {
          ifname?: string;
          operstate: string;
          addr_info: { scope: string; tentative?: boolean }[];
        }[];
        return links.every(
          ({ ifname, operstate, addr_info }) =>
            ifname === undefined ||
            ifname === 'lo' ||
            (operstate === 'UP' &&
              addr_info.some(({ scope, tentative }) => scope === 'link' && tentative !== true)),
        );
      },
      { what: `the interfaces of ${this.name} to be ready` },
    );
  }

  /** Ends what was started here and still runs, but for processes that are to stay, by their pids. */
  async endProcesses(staying: ReadonlySet<number> = new Set()): Promise<void> {
    const leaving = [...this.#processes].filter(({ pid }) => !staying.has(pid));
    await Promise.all(leaving.map((started) => started.end('SIGTERM', 1_000)));
  }
}
