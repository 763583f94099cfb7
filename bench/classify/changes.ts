// What a change of policies costs: from the call with the new policies until packets are decided by them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Config, readConfig } from '../../src/config/index.js';
import { FromPieces, type Piece, toPieces } from '../../src/config/pieces.js';
import { PolicyIds } from '../../src/datapath/policy-ids.js';
import { type Policy, PolicyCompiler } from '../../src/policy/index.js';
import { contextOf, routerOf, type Spread, spread } from './measure.js';
import { routerMix } from './policies.js';
import { BenchTable } from './table.js';
import { type HeldUp, longest, NOT_HELD_UP, TurnWatch } from './turn-watch.js';

/** Times in milliseconds. */
export interface ChangeMeasurement {
  readonly policies: number;
  /** All policies at once, into a datapath that has none: rows ready, and active. */
  readonly compileMs: number;
  readonly activeMs: number;
  /** Then one more or one less, at places that are drawn, each until it is active. */
  readonly changeMs: Spread;
  readonly changesPerSecond: number;
  /** While all were loaded, and during the changes. */
  readonly heldUpMs: { readonly all: HeldUp; readonly changes: HeldUp };
  /** A file with so many policies, read as the daemon reads it: at its start, and again while it has the others. */
  readonly file: { readonly bytes: number; readonly readMs: Spread; readonly heldUpMs: HeldUp };
  /** Policies whose id, and so whose counters, changed although they stayed. */
  readonly lostCounters: number;
}

export async function measureChanges(count: number, rounds: number): Promise<ChangeMeasurement> {
  using table = await BenchTable.load({ policies: 131_072, routers: 8, bindings: 64 });
  const ids = new PolicyIds(
    table.object.maps.get('cx_policy_keys'),
    table.object.maps.get('cx_policy_count'),
  );
  const compiler = new PolicyCompiler();
  const context = { ...contextOf(table), policyId: (router: number, fid: number) => ids.id(router, fid) };
  const apply = async (policies: readonly Policy[]): Promise<[compiled: number, active: number]> => {
    const start = performance.now();
    const compiled = await compiler.compile([routerOf(policies)], context);
    const compiledMs = performance.now() - start;
    await ids.save();
    await table.activate(compiled);
    const activeMs = performance.now() - start;
    await ids.keepOnly(compiled.policyIds);
    return [compiledMs, activeMs];
  };
  const watch = new TurnWatch();
  // As in a daemon that has been up for a while: the thread is there and everything is compiled to machine code.
  for (let round = 0; round < 3; round++) await apply(routerMix(1000, 50 + round).policies);
  await apply([]);
  const set = toPieces(routerMix(count, 1).policies);
  await aMoment();
  watch.start();
  const [compileMs, activeMs] = await apply(await arrive(set));
  const all = watch.stop();
  const before = routerMix(count, 1).policies.map(({ fid }) => ids.find(1, fid));
  const times: number[] = [];
  let most: HeldUp = NOT_HELD_UP;
  for (let round = 0; round < rounds; round++) {
    const policies = toPieces(changed(routerMix(count, 1).policies, round));
    await aMoment();
    watch.start();
    times.push((await apply(await arrive(policies)))[1]);
    most = longest(most, watch.stop());
  }
  const after = routerMix(count, 1).policies.map(({ fid }) => ids.find(1, fid));
  await compiler.close();
  return {
    policies: count,
    compileMs,
    activeMs,
    changeMs: spread(times),
    changesPerSecond: (1000 * times.length) / times.reduce((sum, each) => sum + each, 0),
    heldUpMs: { all, changes: most },
    file: await measureReading(count),
    lostCounters: before.filter((id, at) => id !== after[at]).length,
  };
}

/** The set with as many more policies as there were rounds, all but every third of them. */
function changed(policies: readonly Policy[], rounds: number): Policy[] {
  const result = [...policies];
  for (let round = 0; round <= rounds; round++) {
    if (round % 3 === 2 && round !== rounds) continue;
    const at = Math.floor(policies.length * ((round * 0.618_034) % 1));
    const before = policies[at] as Policy;
    result.push({
      ...before,
      fid: policies.length + 1 + round,
      name: `more-${round}`,
      priority: before.priority + 0.5,
      selector: { ...before.selector, flowLabel: [{ low: round, high: round }] },
    });
  }
  return result.sort((a, b) => a.priority - b.priority);
}

/** How often a file is read. */
const READINGS = 3;

/** What was begun before is done then. */
const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** As the policies of a file arrive that another thread has read: other objects each time, some of them in each turn. */
async function arrive(pieces: readonly Piece[]): Promise<readonly Policy[]> {
  const made = new FromPieces();
  for (const piece of pieces) {
    made.add(structuredClone(piece));
    await setImmediate();
  }
  return made.value as readonly Policy[];
}

/** Most policies of one router of the file. */
const OF_ONE_ROUTER = 25_000;

async function measureReading(count: number): Promise<ChangeMeasurement['file']> {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-bench-'));
  try {
    const path = join(folder, 'bench.yaml');
    const text = fileOf(count);
    writeFileSync(path, text);
    const watch = new TurnWatch();
    const times: number[] = [];
    const kept: Config[] = [];
    await aMoment();
    watch.start();
    for (let round = 0; round < READINGS; round++) {
      const start = performance.now();
      kept.push(await readConfig(path));
      times.push(performance.now() - start);
      if (kept.length > 2) kept.shift();
    }
    return { bytes: text.length, readMs: spread(times), heldUpMs: watch.stop() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A file with so many policies: a mobile router's, or a home agent's when they are more than one router may have. */
function fileOf(count: number): string {
  const policies = (first: number, end: number): string[] => {
    const lines: string[] = [];
    for (let at = first; at < end; at++) {
      const network = `2001:db8:${(at >> 8).toString(16)}:${(at & 255).toString(16)}::/64`;
      lines.push(`  - {name: p${at}, match: {destination: "${network}", protocol: udp}, use: [a]}`);
    }
    return lines;
  };
  if (count <= OF_ONE_ROUTER) {
    return [
      'role: mobile-router',
      'home: {agent: "2001:db8:ffff::1", address: "2001:db8:77::1", prefixes: ["2001:db8:1::/64"]}',
      'ingress: [{interface: lan0}]',
      'bindings: [{bid: 1, name: a, interface: a0}]',
      `limits: {policies: ${Math.max(16_384, count)}}`,
      'policies:',
      ...policies(0, count),
      '',
    ].join('\n');
  }
  const lines = [
    'role: home-agent',
    'home: {agent: "2001:db8:ffff::1"}',
    'interfaces: [a0]',
    `limits: {policies: ${count}}`,
    'routers:',
  ];
  for (let first = 0, router = 1; first < count; first += OF_ONE_ROUTER, router++) {
    lines.push(
      `- name: r${router}`,
      `  address: "2001:db8:77::${router.toString(16)}"`,
      `  prefixes: ["2001:db8:1:${router.toString(16)}::/64"]`,
      '  bindings: [{bid: 1, name: a}]',
      '  policies:',
      ...policies(first, Math.min(count, first + OF_ONE_ROUTER)),
    );
  }
  return `${lines.join('\n')}\n`;
}
