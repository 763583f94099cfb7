// Runs what the command line asks for and prints it; see main.ts.
import { parseArgs } from 'node:util';
import { PolicyCompiler } from '../../src/policy/index.js';
import { type ChangeMeasurement, measureChanges } from './changes.js';
import { type HomeAgentMeasurement, measureHomeAgent } from './home-agent.js';
import { type Measurement, measure, type Spread } from './measure.js';
import { accessLists, classBench, type PolicySet, routerMix } from './policies.js';
import { BenchTable } from './table.js';
import type { HeldUp } from './turn-watch.js';
import { fillHash } from './unit.js';

const SIZES = [1000, 10_000, 100_000];
/** Hash hits that a set may cost, by its size. */
const TARGETS: readonly [policies: number, hits: number][] = [
  [2000, 2],
  [20_000, 3],
  [Number.POSITIVE_INFINITY, 6],
];

/** Changes of larger sets are measured fewer times. */
const MANY = 20_000;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    routers: { type: 'string' },
    only: { type: 'string', default: '' },
    changes: { type: 'string', default: '10000,100000' },
  },
});
const rounds = Math.max(5, Number(values.rounds));
const folder = process.env.CLASSBENCH;
const routers = Number(values.routers ?? (folder ? 0 : 100_000));

/** Made when their turn comes: together they would only fill the memory of this process. */
function* sets(): Generator<PolicySet> {
  if (folder) {
    yield* classBench(folder);
    return;
  }
  for (const size of SIZES) {
    yield routerMix(size, 1);
    yield accessLists(size, 2);
  }
}

const targetOf = (policies: number): number => TARGETS.find(([most]) => policies <= most)?.[1] ?? 0;
const text = ({ median, least, most }: Spread, digits = 0): string =>
  `${median.toFixed(digits)} (${least.toFixed(digits)}-${most.toFixed(digits)})`;
const say = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};

function line(each: Measurement): string {
  const { addedNs, hashHitNs, hits, compileMs, oneMoreMs, blockedMs, bytes } = each;
  const target = targetOf(each.policies);
  const others =
    each.linearNs === undefined
      ? ''
      : `, linear ${each.linearNs.toFixed(0)} ns, tuple space ${each.tupleSpaceNs?.toFixed(0)} ns`;
  return [
    each.set.padEnd(15),
    `${each.policies}`.padStart(6),
    `${text(addedNs)} ns`.padStart(20),
    `hit ${text(hashHitNs)} ns`.padStart(20),
    `${text(hits, 1)} of ${target} hits`.padStart(24),
    `${hits.median <= target ? 'ok' : 'OVER'}`.padEnd(5),
    `compile ${compileMs.toFixed(0)} ms, active ${each.activateMs.toFixed(0)} ms, one more ${oneMoreMs.toFixed(0)} ms`,
    `blocked ${blockedMs.toFixed(1)} ms`,
    `${(bytes / 1e6).toFixed(1)} MB${others}`,
    each.wrong === 0 ? '' : `${each.wrong} WRONG ANSWERS`,
  ].join(' ');
}

function agentLines(agent: HomeAgentMeasurement): string[] {
  const { bytes } = agent;
  const megabytes = (number: number): string => `${(number / 1e6).toFixed(1)} MB`;
  return [
    `home agent: ${agent.routers} mobile routers, ${agent.policies} policies: compile ${agent.compileMs.toFixed(0)} ms, ` +
      `active ${agent.activateMs.toFixed(0)} ms, trees ${megabytes(bytes.trees)}, policies ${megabytes(bytes.policies)}, ` +
      `routers ${megabytes(bytes.routers)} a generation`,
    `  one router ${text(agent.oneRouterNs)} ns, all of them ${text(agent.allRoutersNs)} ns, ` +
      `${text(agent.ratio, 2)} times of at most 2, ${agent.wrong} wrong answers`,
    `  right after other work has had the caches ${text(agent.firstRatio, 2)} times`,
  ];
}

function changeLines(each: ChangeMeasurement): string[] {
  const { all, changes } = each.heldUpMs;
  const { file } = each;
  const held = ({ wall, withProcessor, cpu }: HeldUp): string =>
    `${wall.toFixed(1)} ms (${withProcessor.toFixed(1)} less the wait for a processor, ${cpu.toFixed(1)} of its own work)`;
  return [
    `changes: ${each.policies} policies compiled in ${each.compileMs.toFixed(0)} ms, active after ${each.activeMs.toFixed(0)} ms`,
    `  one more or less active after ${text(each.changeMs, 1)} ms, ${each.changesPerSecond.toFixed(1)} changes a second`,
    `  event loop held up at most ${held(all)} while all are loaded, ${held(changes)} during changes; ` +
      `${each.lostCounters} counters lost`,
    `  their file of ${(file.bytes / 1e6).toFixed(1)} MB read in ${text(file.readMs)} ms, event loop held up at most ${held(file.heldUpMs)}`,
  ];
}

const compiler = new PolicyCompiler();
const measured: Measurement[] = [];
let agent: HomeAgentMeasurement | undefined;
{
  const limits = { policies: 131_072, routers: 8, bindings: 64 };
  using base = await BenchTable.load(limits);
  using table = await BenchTable.load(limits);
  fillHash(base, 3);
  say('nanoseconds of one packet: added over the same program with one policy; medians (least-most)');
  for (const set of sets()) {
    if (!set.name.includes(values.only)) continue;
    const result = await measure(set, { compiler, base, table, rounds });
    measured.push(result);
    say(line(result));
  }
}
if (routers > 0) {
  agent = await measureHomeAgent(compiler, routers, rounds);
  for (const each of agentLines(agent)) say(each);
}
await compiler.close();
const changes: ChangeMeasurement[] = [];
for (const size of values.changes
  .split(',')
  .map(Number)
  .filter((each) => each > 0)) {
  const result = await measureChanges(size, size > MANY ? rounds : 4 * rounds);
  changes.push(result);
  for (const each of changeLines(result)) say(each);
}
if (values.json) process.stdout.write(`${JSON.stringify({ sets: measured, homeAgent: agent, changes })}\n`);
const wrong = measured.reduce((sum, each) => sum + each.wrong, agent?.wrong ?? 0);
if (wrong > 0) {
  process.stderr.write(`${wrong} answers differ from the reference\n`);
  process.exitCode = 1;
}
