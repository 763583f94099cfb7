// What the daemon does to traffic, and traffic and changes to the daemon.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { judged } from '../forwarding/ratios.js';
import { type Ratio, type Result, resultOf } from '../forwarding/results.js';
import { percentile } from '../forwarding/statistics.js';
import type { Changes } from './mover.js';
import type { RunningRouter } from './router.js';

export interface Measured {
  readonly results: readonly Result[];
  readonly ratios: readonly Ratio[];
}

/** Packets a second under which addresses change and links fail: one each 10 us. */
const LOAD = 100_000;
/** Seconds of one call of the generator while something else goes on. */
const PIECE = 0.5;
/** Milliseconds. */
const SWITCH_TARGET = 2;

/** Sends until `body` is done. */
async function underLoad<T>(
  router: RunningRouter,
  body: () => Promise<T>,
): Promise<{ said: T; sent: number; lost: number }> {
  let [running, sent, right] = [true, 0, 0];
  const sending = (async () => {
    while (running) {
      const trial = await router.send(LOAD, PIECE);
      sent += trial.sent;
      right += trial.right;
    }
  })();
  try {
    // The first packets are on their way.
    await delay(2 * 1000 * PIECE);
    const said = await body();
    running = false;
    await sending;
    return { said, sent, lost: sent - right };
  } finally {
    running = false;
    await sending;
  }
}

/** From the kernel's being told of a usable address to the first packet with it as outer source. */
export async function careOfChanges(router: RunningRouter, count: number): Promise<Measured> {
  const name = 'care-of address change';
  const { said, lost } = await underLoad(router, async () =>
    router.move<Changes>('change', 'wa', String(count), router.sinkPin('a'), 'nodad'),
  );
  const { times, unmeasured } = said;
  const changes = times.length + unmeasured;
  const most = times.length > 0 ? percentile(times, 0.99) : Number.NaN;
  const only = (metric: string, unit: string, value: number): Result => resultOf(name, metric, unit, [value]);
  return {
    results: [
      // On a machine so busy that the sender never ran for long there is nothing to tell.
      ...(times.length > 0
        ? [
            resultOf(name, `first packet, ${times.length} changes`, 'ms', times),
            only('first packet, p50', 'ms', percentile(times, 0.5)),
            only('first packet, p99', 'ms', most),
          ]
        : []),
      only('changes in which the sender paused', '', unmeasured),
      only(`lost in ${changes} changes`, 'packets', lost),
    ],
    ratios: [
      judged('permission to switch to first packet, p99, ms', most, SWITCH_TARGET, true),
      judged('packets lost while the old address stays valid', lost, 0, true),
    ],
  };
}

/** The whole time of a change of which the address is looked at for duplicates first. */
export async function detectedChanges(router: RunningRouter, count: number): Promise<Measured> {
  const mr = router.lab.node('mr');
  const results: Result[] = [];
  for (const [detection, words] of [
    ['dad', 'duplicate address detection'],
    ['optimistic', 'optimistic detection'],
  ] as const) {
    const optimistic = detection === 'optimistic' ? 1 : 0;
    const parameters = {
      accept_dad: 1,
      dad_transmits: 1,
      optimistic_dad: optimistic,
      use_optimistic: optimistic,
    };
    const of = (values: Readonly<Record<string, number>>): Record<string, number> =>
      Object.fromEntries(Object.entries(values).map(([key, value]) => [`ipv6.conf.wa.${key}`, value]));
    await mr.sysctl(of(parameters));
    const { said } = await underLoad(router, async () =>
      router.move<Changes>('change', 'wa', String(count), router.sinkPin('a'), detection),
    );
    await mr.sysctl(of({ accept_dad: 0, optimistic_dad: 0, use_optimistic: 0 }));
    results.push(resultOf('care-of address change', `whole time with ${words}`, 'ms', said.times));
  }
  return { results, ratios: [] };
}

/** From the last packet by the uplink that loses its carrier to the first one by the other. */
export async function failovers(router: RunningRouter, count: number): Promise<Measured> {
  const access = router.lab.node('ra');
  const [gaps, losses]: [number[], number[]] = [[], []];
  using a = router.sink('a');
  using b = router.sink('b');
  for (let at = 0; at < count; at++) {
    b.forget();
    const sending = router.send(LOAD, 2 * PIECE);
    await delay(500 * PIECE);
    await access.ip('link set mr0 down');
    const { sent, right } = await sending;
    gaps.push(Number(b.read().changed - a.read().last) / 1e6);
    losses.push(sent - right);
    await access.ip('link set mr0 up');
    await router.usable();
  }
  const name = 'fail-over on carrier loss';
  return {
    results: [
      resultOf(name, 'gap', 'ms', gaps),
      resultOf(name, `lost at ${LOAD.toLocaleString('en')} a second`, 'packets', losses),
    ],
    ratios: [],
  };
}

/** CPU time and memory of the daemon, left alone and under address changes. */
export async function daemonLoad(router: RunningRouter, rounds: number, seconds: number): Promise<Measured> {
  const { pid } = router.daemon;
  const [idle, busy, rates]: [number[], number[], number[]] = [[], [], []];
  const [idleMemory, busyMemory]: [number[], number[]] = [[], []];
  const share = async (during: () => Promise<unknown>): Promise<number> => {
    const [cpu, wall] = [cpuSeconds(pid), performance.now()];
    await during();
    return (100 * (cpuSeconds(pid) - cpu)) / ((performance.now() - wall) / 1000);
  };
  for (let round = 0; round < rounds; round++) {
    idle.push(await share(async () => delay(1000 * seconds)));
    idleMemory.push(residentMiB(pid));
    busy.push(
      await share(async () => rates.push(await router.move<number>('churn', 'wb', '1000', String(seconds)))),
    );
    busyMemory.push(residentMiB(pid));
  }
  const changing = 'under 1,000 address changes a second';
  return {
    results: [
      resultOf('daemon', 'CPU, idle', '% of a CPU', idle),
      resultOf('daemon', `CPU, ${changing}`, '% of a CPU', busy),
      resultOf('daemon', 'address changes that were made', '1/s', rates),
      resultOf('daemon', 'memory, idle', 'MiB', idleMemory),
      resultOf('daemon', `memory, ${changing}`, 'MiB', busyMemory),
    ],
    ratios: [],
  };
}

/** User and system time of a process so far; clock ticks are 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentMiB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
