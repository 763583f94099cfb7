// One round: a home agent that is started anew, and all mobile routers registering with it.
import { chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LabDaemon } from '../../lab/daemon.js';
import { Lab } from '../../lab/lab.js';
import { DAEMON_USER } from '../../lab/privileges.js';
import { until } from '../../lab/wait.js';
import type { ReasonView } from '../../src/views/index.js';
import { cpuSeconds } from '../control/measurements.js';
import type { Progress } from '../forwarding/progress.js';
import { agentConfig, standIn, writeKeys } from './fleet.js';
import type { GeneratorResult, GeneratorTask } from './generator.js';

const GENERATOR = fileURLToPath(new URL('generator.js', import.meta.url));
const MEMORY = new URL('memory.js', import.meta.url).href;
/** Of one run of the generator, milliseconds. */
const PATIENCE = 300_000;
/** What packets are lost by that were not looked at. */
const DROPS = ['drop-signal-limit', 'drop-signals-full'] as const;

export interface RoundOptions {
  readonly routers: number;
  readonly bindings: number;
  readonly window: number;
  /** Care-of address changes a second. */
  readonly rate: number;
  /** One binding in each message instead of all. */
  readonly single: boolean;
  /** Further options of Node for the daemon, such as `--cpu-prof`. */
  readonly node: readonly string[];
  readonly progress: Progress;
}

/** What the generator saw, how many bindings that were, and what it took. */
export interface Phase extends GeneratorResult {
  readonly name: string;
  readonly bindings: number;
  /** CPU time of the daemon, seconds. */
  readonly cpu: number;
}

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
}

export interface Round {
  readonly phases: readonly Phase[];
  /** Bytes of the daemon for each binding, from all routers known to all registered. */
  readonly rssPerBinding: number;
  readonly heapPerBinding: number;
  /** Of the daemon at the end, MiB. */
  readonly rss: number;
  /** Packets by reason. */
  readonly drops: Readonly<Record<(typeof DROPS)[number], number>>;
}

export async function runRound(options: RoundOptions): Promise<Round> {
  const lab = await Lab.create();
  try {
    return await measure(lab, options);
  } finally {
    await lab.destroy();
  }
}

async function measure(lab: Lab, options: RoundOptions): Promise<Round> {
  const { routers, bindings, single, window, rate, progress } = options;
  const keys = join(lab.directory, 'keys');
  const state = join(lab.directory, 'state');
  writeKeys(keys, routers);
  mkdirSync(state);
  chownSync(state, DAEMON_USER, DAEMON_USER);
  await standIn(lab.node('core'));
  progress.say(`start a home agent of ${routers} mobile routers`);
  const daemon = await lab.startDaemon('ha', agentConfig(routers, bindings, keys, state), {
    node: ['--expose-gc', '--import', MEMORY, ...options.node],
  });
  const bids = Array.from({ length: bindings }, (_, at) => at + 1);
  const all = single ? bids.map((bid) => [bid]) : [bids];
  const before = await memoryOf(daemon);
  const phases: Phase[] = [];
  let sequence = 1;
  const phase = async (
    name: string,
    part: Pick<GeneratorTask, 'groups' | 'move' | 'rate'>,
  ): Promise<Phase> => {
    progress.say(name);
    const task: GeneratorTask = { interface: 'ha0', routers, window, sequence, ...part };
    sequence += part.groups.length;
    const cpu = cpuSeconds(daemon.pid);
    const { stdout } = await lab
      .node('core')
      .exec(process.execPath, [GENERATOR, JSON.stringify(task)], { timeout: PATIENCE });
    const result = JSON.parse(stdout) as GeneratorResult;
    const each = part.groups.flat().length / part.groups.length;
    const done = {
      ...{ name, ...result, bindings: result.accepted * each, cpu: cpuSeconds(daemon.pid) - cpu },
    };
    phases.push(done);
    return done;
  };
  await phase('all register', { groups: all, move: 0, rate: null });
  const after = await memoryOf(daemon);
  await phase('all refresh', { groups: all, move: 0, rate: null });
  await phase('all move one binding', { groups: [[1]], move: 1, rate: null });
  await phase(`one binding moves, ${rate} a second`, { groups: [[1]], move: 2, rate });
  const drops = await dropsOf(daemon);
  const { rss } = await memoryOf(daemon);
  await daemon.stop();
  const count = routers * bindings;
  return {
    phases,
    rssPerBinding: (after.rss - before.rss) / count,
    heapPerBinding: (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / count,
    rss: rss / 2 ** 20,
    drops,
  };
}

/** After a collection of garbage. */
async function memoryOf(daemon: LabDaemon): Promise<Memory> {
  const file = `${daemon.configFile}.memory`;
  rmSync(file, { force: true });
  await daemon.kill('SIGUSR2');
  let memory: Memory | undefined;
  await until(
    async () => {
      try {
        memory = JSON.parse(readFileSync(file, 'utf8')) as Memory;
      } catch {
        memory = undefined;
      }
      return memory !== undefined;
    },
    { what: 'what the daemon says of its memory', timeout: 30_000 },
  );
  return memory as Memory;
}

async function dropsOf(daemon: LabDaemon): Promise<Round['drops']> {
  const { body } = await daemon.api('GET', '/v1/reasons');
  const packets = (name: string): number =>
    (body as ReasonView[]).reduce((sum, { reason, packets: more }) => sum + (reason === name ? more : 0), 0);
  return Object.fromEntries(DROPS.map((name) => [name, packets(name)])) as Round['drops'];
}
