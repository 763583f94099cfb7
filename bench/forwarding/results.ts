// What build/bench.json holds, and the same as a table.
import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Workload } from './measured-lane.js';
import type { ForwardingRates } from './schedule.js';
import { summarize } from './statistics.js';

export interface Result {
  readonly name: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Ratio {
  readonly name: string;
  readonly value: number | null;
  /** The least it should be, or the most for times; null where there is none. */
  readonly target: number | null;
  readonly ok: boolean | null;
}

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the last minute before anything was measured. */
  readonly load: number;
}

export interface BenchReport {
  readonly machine: Machine;
  readonly results: readonly Result[];
  readonly ratios: readonly Ratio[];
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

export const workloadText = ({ size, flows }: Workload): string =>
  `${size.toLocaleString('en')} bytes, ${flows.toLocaleString('en')} ${flows === 1 ? 'flow' : 'flows'}`;

/** Two results of each: received, and without loss. */
export function forwardingResults(rates: readonly ForwardingRates[]): Result[] {
  return rates.flatMap(({ contender, workload, received, withoutLoss }) => {
    const row = (metric: string, values: readonly number[]): Result => ({
      name: contender,
      metric: `${metric}${workloadText(workload)}`,
      unit: 'packets/s',
      ...rounded(values),
    });
    return [row(RECEIVED, received), row(WITHOUT_LOSS, withoutLoss)];
  });
}

function rounded(values: readonly number[]): Pick<Result, 'median' | 'min' | 'max'> {
  const { median, min, max } = summarize(values);
  return { median: Math.round(median), min: Math.round(min), max: Math.round(max) };
}

/** A result of some rounds. */
export function resultOf(name: string, metric: string, unit: string, values: readonly number[]): Result {
  const { median, min, max } = summarize(values);
  const digits = (value: number): number => Number(value.toPrecision(4));
  return { name, metric, unit, median: digits(median), min: digits(min), max: digits(max) };
}

const MEGA = 1e6;
const RECEIVED = 'received, ';
const WITHOUT_LOSS = 'without loss, ';

/** One line for each result and each ratio; rates without loss stand beside those that were received. */
export function table({ machine: host, results, ratios }: BenchReport): string {
  const shown = results.filter(({ metric }) => !metric.startsWith(WITHOUT_LOSS));
  const names = widthOf(shown.map(({ name }) => name));
  const metrics = widthOf(shown.map(({ metric }) => metric));
  const lines = [
    `${host.cpus} x ${host.cpu}, Linux ${host.kernel}, load ${host.load} before the first round`,
    '',
    `${'contender'.padEnd(names)}  ${'metric'.padEnd(metrics)} ${'median'.padStart(9)}  (least - most)`,
  ];
  for (const result of shown) {
    const { name, metric, unit, median, min, max } = result;
    const [text = '', least, most] = [median, min, max].map((value) => amount(value, unit));
    const more = unit === 'packets/s' ? `Mpps${withoutLoss(result, results)}` : unit;
    lines.push(
      `${name.padEnd(names)}  ${metric.padEnd(metrics)} ${text.padStart(9)}  (${least} - ${most}) ${more}`.trimEnd(),
    );
  }
  const width = widthOf(ratios.map(({ name }) => name));
  if (ratios.length > 0) lines.push('', `${'ratio'.padEnd(width)} ${'value'.padStart(8)}  target`);
  for (const { name, value, target, ok } of ratios) {
    const verdict = target === null ? '' : `${target} ${ok === true ? 'ok' : 'MISSED'}`;
    const text = value === null ? 'none' : value.toFixed(3);
    lines.push(`${name.padEnd(width)} ${text.padStart(8)}  ${verdict}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

function withoutLoss({ name, metric }: Result, results: readonly Result[]): string {
  const wanted = metric.replace(RECEIVED, WITHOUT_LOSS);
  const found = results.find((each) => each.name === name && each.metric === wanted);
  return found === undefined || found.metric === metric
    ? ''
    : `, without loss ${amount(found.median, found.unit)}`;
}

const amount = (value: number, unit: string): string =>
  unit === 'packets/s' ? (value / MEGA).toFixed(3) : String(value);

const widthOf = (texts: readonly string[]): number => Math.max(0, ...texts.map(({ length }) => length));
