// What a site is like: what tests change in its namespaces and daemons, as text that can be compared.
import { run } from '../../lab/command.js';
import type { LabDaemon } from '../../lab/daemon.js';
import type { LabNode } from '../../lab/node.js';
import type { Site } from './site.js';

/** By `ip`, what it lists of all families first. Path MTUs that were learnt are forgotten: they are of one test. */
const LISTED = [
  { options: ['-o'], lines: ['link show', 'address show'] },
  {
    options: ['-o', '-6'],
    lines: [
      'route flush cache',
      'route show table all',
      'rule show',
      'xfrm policy show',
      'xfrm policy getdefault',
    ],
  },
] as const;

/** In front of the name of a node. */
const MARK = '@ ';

/** The numbers of a device that the daemon makes anew when somebody takes it away. */
const NUMBERS = /^\d+: |link\/ether \S+|\S*\bfe80::\S+/g;

/** What stays the same when our devices are made anew. */
function withoutNumbers(line: string): string {
  return /\bcoax/.test(line) ? line.replace(NUMBERS, '') : line;
}

/** Netfilter's rules without their counters, and kernel parameters of interfaces. */
const READ =
  'nft --stateless list ruleset; cd /proc/sys/net/ipv6/conf; grep . */accept_dad */forwarding */ndisc_notify';

/** Commands that list addresses, links, routes, rules, policies and parameters of a node behind a line with its name. */
function listing(node: LabNode): string {
  const batches = LISTED.map(
    ({ options, lines }) =>
      `ip -n ${node.namespace} ${options.join(' ')} -batch - <<'END'\n${lines.join('\n')}\nEND`,
  );
  const [program, words] = node.command('sh', ['-c', `'${READ}'`]);
  return [`echo '${MARK}${node.name}'`, ...batches, [program, ...words].join(' ')].join('\n');
}

/** What is said of the packets of the last seconds, and of nothing that a test could take back. */
const PASSING: readonly string[] = ['UPLINK_DROPS', 'PATH_SILENT'];

/** Bindings, interfaces, problems and accepted pairs of a daemon, without counters and times. */
async function daemonState(site: Site, daemon: LabDaemon): Promise<string[]> {
  const bindings = (await site.bindings(daemon)).map(
    ({ sent: _, received: __, since: ___, warnings, ...binding }) => ({
      ...binding,
      warnings: warnings.filter((code) => !PASSING.includes(code)),
    }),
  );
  const { interfaces, problems } = await site.status(daemon);
  const places = interfaces.map((one) => (one.name.startsWith('coax') ? { ...one, ifindex: null } : one));
  const lasting = problems.filter(({ code }) => !PASSING.includes(code));
  const facts = [...bindings, ...places, ...lasting, ...(await site.accepted(daemon))];
  return facts.map((fact) => `daemon of ${daemon.node.name}: ${JSON.stringify(fact)}`);
}

/** What the daemons say: it costs little to ask. One line for each fact. */
export async function daemonsState(site: Site): Promise<string[]> {
  return (await Promise.all(site.daemons.map((daemon) => daemonState(site, daemon)))).flat();
}

/** What the namespaces have, one line for each fact; one program lists them all, for that costs least. */
export async function nodesState(site: Site): Promise<string[]> {
  const { stdout } = await run('sh', ['-e', '-c', site.lab.nodes.map(listing).join('\n')]);
  let node = '';
  return stdout.split('\n').flatMap((line) => {
    if (line.startsWith(MARK)) node = line.slice(MARK.length);
    const fact = withoutNumbers(line).trim();
    return line.startsWith(MARK) || fact === '' ? [] : [`${node}: ${fact}`];
  });
}
