/**
 * Where we stand: `make bench`. docs/benchmark.md says what is measured and how.
 *
 *   QUICK=1         shorter and fewer trials, one workload: below 90 seconds
 *   CLASSBENCH=DIR  measures the policy sets of that folder beside the router mix
 *   PEERS=ovs       measures Open vSwitch too, and installs it where it is not
 *   --only=TEXT     contenders and measurements whose name has this; may be given more than once
 *   --rounds=N      rounds, at least 5
 *   --cpu=N         the CPU that packets are made, forwarded and counted on; the last one when left out
 *   --json          prints the content of build/bench.json instead of the table
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureControl } from '../control/index.js';
import { barChart } from './chart.js';
import { field } from './contenders/index.js';
import type { Workload } from './measured-lane.js';
import { installPeers, type Peer, PeersError, readPeers } from './peers.js';
import { Progress } from './progress.js';
import { forwardingRatios } from './ratios.js';
import { type BenchReport, forwardingResults, machine, table } from './results.js';
import { type ForwardingRates, measureForwarding } from './schedule.js';
import { summarize } from './statistics.js';

const BUILD = fileURLToPath(new URL('../../../', import.meta.url));
const LEAST_ROUNDS = 5;
const MOST_FLOWS = 65_536;

const WORKLOADS: readonly Workload[] = [
  { size: 64, flows: 1 },
  { size: 64, flows: MOST_FLOWS },
  { size: 1_400, flows: 1 },
  { size: 1_400, flows: MOST_FLOWS },
];

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: String(LEAST_ROUNDS) },
    cpu: { type: 'string', default: String(cpus().length - 1) },
    json: { type: 'boolean', default: false },
  },
});

const progress = new Progress();
progress.endOn('SIGINT', 'SIGTERM');
const cpu = Number(values.cpu);
const quick = (process.env.QUICK ?? '') !== '';

const peers = await wantedPeers();
const { contenders, ratios: wanted } = field(values.only, {
  quick,
  peers,
  cpu,
  classBench: process.env.CLASSBENCH || undefined,
});
try {
  await measureAll();
} catch (error) {
  // From a terminal the signal reaches what runs in the labs too, which then fails in its own way.
  if (!progress.interrupted) throw error;
  progress.tell('interrupted');
  process.exitCode = 1;
}

/** Those of PEERS, installed; says what is wrong with them and ends otherwise. */
async function wantedPeers(): Promise<ReadonlySet<Peer>> {
  try {
    const read = readPeers(process.env.PEERS ?? '');
    await installPeers(read);
    return read;
  } catch (error) {
    if (!(error instanceof PeersError)) throw error;
    progress.tell(error.message);
    process.exit(2);
  }
}

async function measureAll(): Promise<void> {
  const host = machine();
  // Without a contender there is nothing to compare with the generator.
  const rates = contenders.length > 1 ? await forwarding() : [];
  const control = await measureControl({ only: values.only, quick, cpu, progress });

  if (rates.length === 0 && control.results.length === 0) {
    progress.tell(`nothing that is measured has ${values.only.join(' or ')} in its name`);
    process.exitCode = 2;
    return;
  }
  const report: BenchReport = {
    machine: host,
    results: [...forwardingResults(rates), ...control.results],
    ratios: [...forwardingRatios(wanted, rates), ...control.ratios],
  };
  mkdirSync(BUILD, { recursive: true });
  writeFileSync(`${BUILD}bench.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  if (rates.length > 0) writeFileSync(`${BUILD}bench.svg`, chartOf(rates));
  progress.tell(`wrote ${BUILD}bench.json`);
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : table(report));
  const wrong = rates.filter((each) => each.wrong > 0);
  for (const each of wrong) progress.tell(`${each.contender}: ${each.wrong} packets arrived that were WRONG`);
  if (wrong.length > 0) process.exitCode = 1;
}

function forwarding(): Promise<ForwardingRates[]> {
  return measureForwarding({
    contenders,
    workloads: quick ? WORKLOADS.filter(({ size, flows }) => size === 64 && flows > 1) : WORKLOADS,
    rounds: Math.max(LEAST_ROUNDS, Number(values.rounds) || 0),
    seconds: quick ? 0.05 : 0.2,
    searchTrials: quick ? 3 : 5,
    cpu,
    progress,
  });
}

function chartOf(measured: readonly ForwardingRates[]): string {
  const small = measured.filter(({ workload }) => workload.size === 64 && workload.flows === MOST_FLOWS);
  const bars = small.map(({ contender, received }) => {
    const { median, min, max } = summarize(received);
    const group = contender.startsWith('coaxial XDP')
      ? 3
      : contender.startsWith('coaxial')
        ? 1
        : contender.startsWith('nft') || contender.startsWith('Open')
          ? 2
          : 0;
    return { label: contender, median: median / 1e6, min: min / 1e6, max: max / 1e6, group };
  });
  return barChart('64-byte packets forwarded by one core, 65,536 flows', 'million packets a second', bars);
}
