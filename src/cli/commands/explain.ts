import type { Command } from 'commander';
import type { Config } from '../../config/index.js';
import type { PacketOptions } from '../../inspect/index.js';
import { UsageError } from '../cli-error.js';
import { CommandStatus } from '../command-status.js';
import { EXIT } from '../exit-code.js';
import { formatExplanation } from '../format-explanation.js';
import { paint, print } from '../output.js';
import { required, resolveTarget, type TargetOptions } from '../target.js';

interface ExplainOptions extends TargetOptions, PacketOptions {
  in?: string;
  mark?: string;
  cgroup?: string;
  pcap?: string;
  packet?: string;
  all?: boolean;
}

/** What a capture says itself. */
const OF_PACKET = [
  ['src', '--src'],
  ['dst', '--dst'],
  ['proto', '--proto'],
  ['sport', '--sport'],
  ['dport', '--dport'],
  ['dscp', '--dscp'],
  ['flowLabel', '--flow-label'],
  ['spi', '--spi'],
  ['icmpType', '--icmp-type'],
  ['icmpCode', '--icmp-code'],
  ['hopLimit', '--hop-limit'],
  ['length', '--length'],
  ['fragment', '--fragment'],
] as const;

/** How long a daemon may take to say why bindings are not usable, milliseconds. */
const DAEMON_PATIENCE_MS = 2000;

/** `coax explain`: what becomes of a packet and why, by the live maps and by the reference classifier. */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('say what becomes of a packet and why; nothing is sent or counted')
    .option('--config <file>', 'configuration file of the daemon')
    .option('--in <interface>', 'interface it comes in by; without one, this machine sends it')
    .option('--src <address>', 'source; of a packet of this mobile router its home address')
    .option('--dst <address>', 'destination')
    .option('--proto <protocol>', 'name or number (default: udp, or what the other flags speak of)')
    .option('--sport <port>', 'source port')
    .option('--dport <port>', 'destination port')
    .option('--dscp <value>', 'name or number')
    .option('--flow-label <number>', 'flow label')
    .option('--spi <number>', 'SPI of ESP, or of an authentication header before another protocol')
    .option('--icmp-type <type>', 'ICMPv6 type, name or number')
    .option('--icmp-code <number>', 'ICMPv6 code')
    .option('--hop-limit <number>', 'hop limit (default: 64)')
    .option('--length <bytes>', 'length of the whole IPv6 packet (default: 128)')
    .option('--fragment <which>', 'first or later: a fragment of a packet')
    .option('--mark <number>', 'mark that it has when netfilter has run')
    .option('--cgroup <path>', 'cgroup of the process that sends it')
    .option('--pcap <file>', 'take the packet from a capture instead')
    .option('--packet <number>', 'which packet of the capture (default: 1)')
    .option('--instance <name>', 'name of the instance, when it is not in the configuration')
    .option('--socket <path>', 'socket of the daemon, which is asked why bindings are not usable')
    .option('--all', 'print all policies that do not match')
    .option('--json', 'print JSON')
    .action(runExplain);
}

async function runExplain(options: ExplainOptions): Promise<void> {
  required(options.config, '--config FILE');
  refuseContradictions(options);
  const target = await resolveTarget(options);
  const { loadConfig } = await import('../../config/index.js');
  const loaded = target.config ?? (await loadConfig(options.config ?? ''));
  const config = { ...loaded, instance: target.instance };
  const inspect = await import('../../inspect/index.js');
  const question = {
    packet: await packetOf(options, config),
    interface: options.in,
    mark: inspect.readMark(options.mark),
    cgroup: inspect.readCgroup(options.cgroup),
  };
  const answer = await inspect.explain(config, question, await bindingStates(target.socket, config));
  print(options.json === true, answer, () => formatExplanation(answer, options.all === true));
  if (answer.trustworthy) return;
  const lines = ['DO NOT TRUST THIS ANSWER', ...answer.doubts.map((doubt) => `- ${doubt}`)];
  process.stderr.write(`${lines.map((line) => paint('red', line)).join('\n')}\n`);
  process.stderr.write(
    'hint: when the file has been edited, `coax reload` first; otherwise restart the daemon, and if it stays, report it\n',
  );
  throw new CommandStatus(EXIT.FAILED);
}

function refuseContradictions(options: ExplainOptions): void {
  if (options.in !== undefined && options.cgroup !== undefined) {
    throw new UsageError('a packet that comes in has no cgroup', 'leave --in or --cgroup out');
  }
  if (options.pcap === undefined) {
    if (options.packet !== undefined) throw new UsageError('--packet needs a capture', 'add --pcap FILE');
    return;
  }
  const said = OF_PACKET.find(([key]) => options[key] !== undefined);
  if (said !== undefined) {
    throw new UsageError(`${said[1]} and --pcap are both about the packet`, 'leave one of them out');
  }
  if (options.packet !== undefined && !/^[1-9][0-9]{0,8}$/.test(options.packet)) {
    throw new UsageError(`--packet "${options.packet}" is not a number`, 'the first packet is 1');
  }
}

async function packetOf(options: ExplainOptions, config: Config): Promise<Uint8Array> {
  if (options.pcap !== undefined) {
    const { readCapturedPacket } = await import('../../capture/index.js');
    return readCapturedPacket(options.pcap, Number(options.packet ?? 1));
  }
  const inspect = await import('../../inspect/index.js');
  const ours = config.role === 'mobile-router' && options.in === undefined ? config.home.address : undefined;
  return inspect.buildPacket(inspect.readPacketFields(options, ours));
}

/** What a daemon says of its bindings; nothing when none runs, the answer does not need it. */
async function bindingStates(socket: string, config: Config): Promise<ReadonlyMap<string, string>> {
  const [{ createClient }, { stateKey }] = await Promise.all([
    import('../../api/client.js'),
    import('../../inspect/index.js'),
  ]);
  const patience = new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), DAEMON_PATIENCE_MS).unref();
  });
  const asked = createClient(socket)
    .bindings()
    .catch(() => undefined);
  const views = (await Promise.race([asked, patience])) ?? [];
  const single = config.role === 'mobile-router';
  return new Map(views.map(({ router, bid, state }) => [stateKey(single ? null : router, bid), state]));
}
