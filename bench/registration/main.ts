/**
 * How many registrations a home agent takes: `make bench-registration`.
 *
 *   --routers=N    mobile routers, 10,000
 *   --bindings=N   of each, 3
 *   --single       one binding in each Binding Update, not all of a router
 *   --rounds=N     each with a home agent that is started anew, 3
 *   --window=N     Binding Updates without answer at any time, 512
 *   --rate=N       care-of address changes a second where they come steadily, 2,000
 *   --json         prints one object and nothing else
 *   --node=OPTION  of Node, for the daemon; may be given again
 */
import { parseArgs } from 'node:util';
import { Progress } from '../forwarding/progress.js';
import { judged } from '../forwarding/ratios.js';
import {
  type BenchReport,
  machine,
  type Ratio,
  type Result,
  resultOf,
  table,
} from '../forwarding/results.js';
import { MOST_ROUTERS } from './fleet.js';
import { type Phase, type Round, runRound } from './round.js';

/** Bindings a second, milliseconds, bytes. */
const RATE_TARGET = 10_000;
const P99_TARGET = 100;
const MEMORY_TARGET = 1024;

const { values } = parseArgs({
  options: {
    routers: { type: 'string', default: '10000' },
    bindings: { type: 'string', default: '3' },
    single: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    window: { type: 'string', default: '512' },
    rate: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
    node: { type: 'string', multiple: true, default: [] },
  },
});

function results(rounds: readonly Round[]): Result[] {
  const names = rounds[0]?.phases.map(({ name }) => name) ?? [];
  const of = (name: string, metric: string, unit: string, pick: (round: Round) => number): Result =>
    resultOf(name, metric, unit, rounds.map(pick));
  return [
    ...names.flatMap((name, at) => {
      const phase = (metric: string, unit: string, pick: (phase: Phase) => number): Result =>
        of(name, metric, unit, ({ phases }) => pick(phases[at] as Phase));
      return [
        phase('bindings', '1/s', ({ bindings, seconds }) => bindings / seconds),
        phase('Binding Updates', '1/s', ({ accepted, seconds }) => accepted / seconds),
        phase('answer, p50', 'ms', ({ p50 }) => p50),
        phase('answer, p99', 'ms', ({ p99 }) => p99),
        phase('answer, most', 'ms', ({ most }) => most),
        phase('not accepted', 'messages', ({ sent, accepted }) => sent - accepted),
        phase('CPU of the daemon', 'us for a binding', ({ cpu, bindings }) => (1e6 * cpu) / bindings),
      ];
    }),
    of('daemon', 'heap for each binding', 'bytes', ({ heapPerBinding }) => heapPerBinding),
    of('daemon', 'resident for each binding', 'bytes', ({ rssPerBinding }) => rssPerBinding),
    of('daemon', 'resident at the end', 'MiB', ({ rss }) => rss),
    ...(['drop-signal-limit', 'drop-signals-full'] as const).map((name) =>
      of('datapath', name, 'packets', ({ drops }) => drops[name]),
    ),
  ];
}

function ratios(all: readonly Result[]): Ratio[] {
  return all.flatMap(({ name, metric, unit, median }) => {
    const about = `${name}: ${metric}, ${unit}`;
    // A steady rate is given, not reached.
    if (metric === 'bindings') return name.endsWith('a second') ? [] : [judged(about, median, RATE_TARGET)];
    if (metric === 'answer, p99') return [judged(about, median, P99_TARGET, true)];
    if (metric.endsWith('for each binding')) return [judged(about, median, MEMORY_TARGET, true)];
    return [];
  });
}

const routers = Number(values.routers);
if (!(routers >= 1 && routers <= MOST_ROUTERS)) throw new RangeError(`--routers is 1 to ${MOST_ROUTERS}`);
const progress = new Progress();
progress.endOn('SIGINT', 'SIGTERM');
const host = machine();
const rounds: Round[] = [];
for (let round = 1; round <= Number(values.rounds); round++) {
  progress.say(`round ${round} of ${values.rounds}`);
  rounds.push(
    await runRound({
      routers,
      bindings: Number(values.bindings),
      single: values.single,
      window: Number(values.window),
      rate: Number(values.rate),
      node: values.node,
      progress,
    }),
  );
}
const all = results(rounds);
const report: BenchReport = { machine: host, results: all, ratios: ratios(all) };
process.stdout.write(values.json ? `${JSON.stringify(report, undefined, 2)}\n` : table(report));
