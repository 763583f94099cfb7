// What is measured beside rates, by name.
import type { Progress } from '../forwarding/progress.js';
import { careOfChanges, daemonLoad, detectedChanges, failovers, type Measured } from './measurements.js';
import { RunningRouter } from './router.js';
import { tcpThroughput } from './tcp.js';

export interface ControlOptions {
  /** Words of which a name has one; all when there are none. */
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly cpu: number;
  readonly progress: Progress;
}

type Measurement = [name: string, measure: (router: RunningRouter) => Promise<Measured>];

export async function measureControl(options: ControlOptions): Promise<Measured> {
  const { only, quick, cpu, progress } = options;
  const wanted = (name: string): boolean => only.length === 0 || only.some((word) => name.includes(word));
  const parts: Measured[] = [];
  if (wanted('TCP')) {
    parts.push(await tcpThroughput({ rounds: 5, bytes: quick ? 2 ** 28 : 2 ** 32, progress }));
  }
  const detection: Measurement = [
    'duplicate address detection',
    async (router) => detectedChanges(router, quick ? 1 : 5),
  ];
  const measurements: Measurement[] = [
    ['care-of address change', async (router) => careOfChanges(router, quick ? 100 : 1_000)],
    ['fail-over', async (router) => failovers(router, quick ? 3 : 20)],
    ...(quick && only.length === 0 ? [] : [detection]),
    ['daemon', async (router) => daemonLoad(router, quick ? 1 : 5, quick ? 2 : 4)],
  ];
  const chosen = measurements.filter(([name]) => wanted(name));
  if (chosen.length > 0) {
    progress.say('set up a mobile router whose daemon runs');
    const router = await RunningRouter.start(cpu);
    try {
      for (const [name, measure] of chosen) {
        progress.say(name);
        parts.push(await measure(router));
      }
    } finally {
      await router.end();
    }
  }
  return { results: parts.flatMap(({ results }) => results), ratios: parts.flatMap(({ ratios }) => ratios) };
}
