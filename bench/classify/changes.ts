// What a change of policies costs: from the call with the new policies until packets are decided by them.
import { readFileSync } from 'node:fs';
import { parseConfig } from '../../src/config/index.js';
import { PolicyIds } from '../../src/datapath/policy-ids.js';
import { type Policy, PolicyCompiler } from '../../src/policy/index.js';
import { contextOf, routerOf, type Spread, spread } from './measure.js';
import { routerMix } from './policies.js';
import { BenchTable } from './table.js';

/** The longest turn of the event loop: as a clock shows it, and what of that its thread was running. */
export interface HeldUp {
  readonly wall: number;
  readonly cpu: number;
}

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
  /** The text of a file with these policies, read before each of them; undefined when there are too many. */
  readonly textMs: number | undefined;
  /** Policies whose id, and so whose counters, changed although they stayed. */
  readonly lostCounters: number;
}

/** Most policies of which the text is read, which takes long. */
const MOST_IN_FILE = 10_000;

/** Looks at every turn of the event loop, and so keeps it turning. */
class TurnWatch {
  #isOn = false;
  #last = { wall: 0, cpu: 0 };
  #most = { wall: 0, cpu: 0 };

  start(): void {
    this.#isOn = true;
    this.#last = now();
    this.#most = { wall: 0, cpu: 0 };
    setImmediate(() => this.#look());
  }

  stop(): HeldUp {
    this.#isOn = false;
    return this.#most;
  }

  #look(): void {
    const { wall, cpu } = now();
    this.#most = {
      wall: Math.max(this.#most.wall, wall - this.#last.wall),
      cpu: Math.max(this.#most.cpu, cpu - this.#last.cpu),
    };
    this.#last = { wall, cpu };
    if (this.#isOn) setImmediate(() => this.#look());
  }
}

/** Milliseconds: of the clock, and that this thread has run (Documentation/scheduler/sched-stats.rst). */
function now(): HeldUp {
  const [ran] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
  return { wall: performance.now(), cpu: Number(ran) / 1e6 };
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
  const set = routerMix(count, 1).policies;
  await aMoment();
  watch.start();
  const [compileMs, activeMs] = await apply(set);
  const all = watch.stop();
  const before = routerMix(count, 1).policies.map(({ fid }) => ids.find(1, fid));
  const times: number[] = [];
  let most: HeldUp = { wall: 0, cpu: 0 };
  for (let round = 0; round < rounds; round++) {
    // Other objects each time, as a file that is read again makes.
    const policies = changed(routerMix(count, 1).policies, round);
    await aMoment();
    watch.start();
    times.push((await apply(policies))[1]);
    const { wall, cpu } = watch.stop();
    most = { wall: Math.max(most.wall, wall), cpu: Math.max(most.cpu, cpu) };
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
    textMs: count <= MOST_IN_FILE ? timeToRead(count) : undefined,
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

/** What was begun before is done then. */
const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** Milliseconds to read a file with so many policies. */
function timeToRead(count: number): number {
  const lines = Array.from(
    { length: count },
    (_, at) =>
      `  - {name: p${at}, match: {destination: 2001:db8:${(at >> 8).toString(16)}:${(at & 255).toString(16)}::/64, protocol: udp}, use: [a]}`,
  );
  const text = `role: mobile-router
home:
  agent: 2001:db8:ffff::1
  address: 2001:db8:77::1
  prefixes: [2001:db8:1::/64]
ingress: [{interface: lan0}]
bindings: [{bid: 1, name: a, interface: a0}]
limits: {policies: 16384}
policies:
${lines.join('\n')}
`;
  const start = performance.now();
  parseConfig(text, 'bench.yaml');
  return performance.now() - start;
}
