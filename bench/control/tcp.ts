// One TCP stream from the mobile network to its correspondent, with segmentation offload.

import type { DaemonConfig } from '../../lab/daemon.js';
import { homeAgentConfig, mobileRouterConfig } from '../../lab/demo/config.js';
import { Lab } from '../../lab/lab.js';
import { addresses, prefixes } from '../../lab/topology.js';
import { until } from '../../lab/wait.js';
import { takeXdp } from '../../lab/xdp.js';
import type { Progress } from '../forwarding/progress.js';
import { judged } from '../forwarding/ratios.js';
import { resultOf } from '../forwarding/results.js';
import { ratio } from '../forwarding/statistics.js';
import type { Measured } from './measurements.js';

const TARGET = 0.95;
const GIGA = 1e9;

interface Path {
  readonly name: string;
  readonly setUp: (lab: Lab) => Promise<void>;
}

const PATHS: readonly Path[] = [
  { name: 'plain forwarding', setUp: forwardPlainly },
  { name: 'coaxial TC', setUp: async (lab) => startDaemons(lab, 'bpf') },
  // What `xdp: auto` does not choose on a veth.
  { name: 'coaxial XDP', setUp: async (lab) => startDaemons(lab, 'bpf', { xdp: { mode: 'native' } }) },
  { name: 'coaxial TC, tunnel device', setUp: async (lab) => startDaemons(lab, 'external') },
];

/** The same way through the lab, without a tunnel. */
async function forwardPlainly(lab: Lab): Promise<void> {
  await lab.node('ra').nft('flush ruleset');
  await lab.node('ra').ip(`route add ${prefixes.mobile} via ${addresses.careOfA} dev mr0`);
  await lab
    .node('core')
    .batch([
      `route replace ${prefixes.mobile} via 2001:db8:fa::2 dev ra0`,
      `route add 2001:db8:99::/64 via ${addresses.homeAgent} dev ha0`,
    ]);
}

async function startDaemons(lab: Lab, tunnel: 'bpf' | 'external', change: DaemonConfig = {}): Promise<void> {
  const careOf = { a: addresses.careOfA, b: addresses.careOfB };
  if ('xdp' in change) await takeXdp(lab);
  await lab.startDaemon('ha', { ...homeAgentConfig(tunnel, careOf), ...change });
  await lab.startDaemon('mr', { ...mobileRouterConfig(tunnel), ...change });
}

export async function tcpThroughput(options: {
  rounds: number;
  /** Of one stream. */
  bytes: number;
  progress: Progress;
}): Promise<Measured> {
  const { rounds, bytes, progress } = options;
  const paths: { path: Path; lab: Lab; rates: number[] }[] = [];
  try {
    for (const path of PATHS) {
      progress.say(`set up TCP: ${path.name}`);
      const lab = await Lab.create();
      paths.push({ path, lab, rates: [] });
      await path.setUp(lab);
      await until(
        async () => {
          const ping = ['-c', '1', '-W', '1', addresses.correspondent];
          return (await lab.node('lan').exec('ping', ping, { mayFail: true })).exitCode === 0;
        },
        { what: `a way to the correspondent, ${path.name}`, timeout: 20_000 },
      );
      const server = lab
        .node('cn')
        .spawn('iperf3', ['-s', '--forceflush'], { stdio: ['ignore', 'pipe', 'pipe'] });
      await until(async () => (await lab.node('cn').exec('ss', ['-Hltn', 'sport = :5201'])).stdout !== '', {
        what: `the iperf3 server ${server.pid} to listen`,
      });
    }
    for (let round = 0; round < rounds; round++) {
      progress.say(`TCP, round ${round + 1} of ${rounds}`);
      for (const { lab, rates } of paths) rates.push(await stream(lab, bytes));
    }
  } finally {
    await Promise.all(paths.map(({ lab }) => lab.destroy()));
  }
  const of = (name: string): number[] => paths.find(({ path }) => path.name === name)?.rates ?? [];
  const coaxial = of('coaxial TC');
  return {
    results: paths.map(({ path, rates }) => resultOf(path.name, 'TCP, one stream', 'Gbit/s', rates)),
    ratios: [
      judged('TCP, coaxial TC / plain forwarding', ratio(coaxial, of('plain forwarding')), TARGET),
      judged('TCP, coaxial XDP / plain forwarding', ratio(of('coaxial XDP'), of('plain forwarding')), null),
      judged(
        'TCP, coaxial TC / coaxial TC, tunnel device',
        ratio(coaxial, of('coaxial TC, tunnel device')),
        null,
      ),
    ],
  };
}

/** Gbit/s received. */
async function stream(lab: Lab, bytes: number): Promise<number> {
  const { stdout } = await lab
    .node('lan')
    .exec('iperf3', ['-6', '-c', addresses.correspondent, '-n', String(bytes), '-J'], {
      timeout: 60_000,
    });
  const report = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } };
  return report.end.sum_received.bits_per_second / GIGA;
}
