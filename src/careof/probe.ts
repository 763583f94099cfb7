import { execFile } from 'node:child_process';
import type { Config } from '../config/index.js';
import type { ProbeView } from '../views/index.js';
import type { Health } from './health.js';
import type { BindingPlan, RouterPlan } from './plan.js';

/** Echoes of one probe, and how long the last may take. */
const ECHOES = 3;
const INTERVAL_S = 0.2;
const DEADLINE_S = 3;

/** The program is killed when even its own deadline does not end it. */
const PATIENCE_MS = 5000;

/** Probes at a time. */
const PARALLEL = 16;

/** The fastest answer, or why there was none. */
type EchoResult = { rttMs: number } | { failure: string };

/**
 * Sends ICMPv6 echoes with an address of this machine as source, by the program `ping`; over within five
 * seconds. Never throws: what goes wrong is the result.
 */
async function echo(source: string, destination: string): Promise<EchoResult> {
  const args = ['-6', '-n', '-c', ECHOES, '-i', INTERVAL_S, '-w', DEADLINE_S, '-I', source, destination];
  return new Promise((resolve) => {
    const options = {
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
      env: { ...process.env, LC_ALL: 'C' },
    } as const;
    execFile('ping', args.map(String), options, (error, stdout, stderr) => {
      if (error && 'code' in error && error.code === 'ENOENT') {
        resolve({ failure: 'the program ping is not there (Debian: iputils-ping)' });
      } else {
        resolve(readPing(stdout, stderr, `no answer from ${destination} to an echo from ${source}`));
      }
    });
  });
}

/** What `ping` said: its fastest answer, an ICMPv6 error it was sent, or its own complaint. */
export function readPing(stdout: string, stderr: string, silence: string): EchoResult {
  const times = [...stdout.matchAll(/^\d+ bytes from .* time=([\d.]+) ms/gm)].map((match) =>
    Number(match[1]),
  );
  if (times.length > 0) {
    return { rttMs: Math.min(...times) };
  }
  const refusal = /^From (\S+?):? icmp_seq=\d+ (.+)$/m.exec(stdout);
  if (refusal) {
    return { failure: `${silence}: ${refusal[1]} says ${refusal[2]}` };
  }
  const complaint = /^ping: (.+)$/m.exec(stderr);
  return { failure: complaint ? `${silence}: ${complaint[1]}` : silence };
}

/** Runs a job for each item, a few at a time; results in the order of the items. */
async function inParallel<T, R>(items: readonly T[], job: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at] as T;
      results[at] = await job(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  return results;
}

/** Sends an echo by way of every binding that has a care-of address, and lets `health` know. */
export async function probeBindings(
  config: Config,
  routers: readonly RouterPlan[],
  health: Pick<Health, 'echoed'>,
): Promise<ProbeView[]> {
  const all = routers.flatMap((router) => router.bindings.map((binding) => ({ router, binding })));
  return inParallel(all, async ({ router, binding }): Promise<ProbeView> => {
    const who = { router: router.name, bid: binding.bid, name: binding.name };
    const ends = probeEnds(config, binding);
    if (!ends) {
      return { ...who, from: null, to: null, rttMs: null, failure: `it is ${binding.state}` };
    }
    const result = await echo(ends.from, ends.to);
    const failure = 'failure' in result ? result.failure : null;
    health.echoed(binding.index, failure ?? undefined);
    return { ...who, ...ends, rttMs: 'rttMs' in result ? result.rttMs : null, failure };
  });
}

/** From the care-of address to the home agent, or on a home agent the other way round. */
function probeEnds(
  config: Config,
  { careOf, homeAgent }: BindingPlan,
): { from: string; to: string } | undefined {
  if (!careOf) {
    return undefined;
  }
  const [own, other] = config.role === 'mobile-router' ? [careOf, homeAgent] : [homeAgent, careOf];
  return { from: own.toString(), to: other.toString() };
}
