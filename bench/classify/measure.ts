// One set of policies: compiled, loaded, asked, checked.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { CompileContext, Policy, PolicyCompiler, RouterPolicySet } from '../../src/policy/index.js';
import { ANY } from '../../src/policy/index.js';
import { makeFlows } from './flows.js';
import { firstMatches } from './linear-reference.js';
import { loadOthers, runOthers } from './other-designs.js';
import { BIDS, type PolicySet } from './policies.js';
import { type BenchTable, FLOWS } from './table.js';

/** Median, least and most of some rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Nanoseconds are for one packet. */
export interface Measurement {
  readonly set: string;
  readonly policies: number;
  /** The whole program with these policies, less the same with one policy. */
  readonly addedNs: Spread;
  readonly withOnePolicyNs: Spread;
  readonly hashHitNs: Spread;
  /** Median of added / hash hit, each taken in the same round. */
  readonly hits: Spread;
  readonly compileMs: number;
  readonly activateMs: number;
  /** One more policy in the middle, from the call to active. */
  readonly oneMoreMs: number;
  /** Longest time that the event loop was held up in all of that. */
  readonly blockedMs: number;
  readonly nodes: number;
  /** Trees and policies of one slot. */
  readonly bytes: number;
  readonly linearNs: number | undefined;
  readonly tupleSpaceNs: number | undefined;
  readonly wrong: number;
}

export interface Bench {
  readonly compiler: PolicyCompiler;
  /** One policy, and the unit. */
  readonly base: BenchTable;
  readonly table: BenchTable;
  readonly rounds: number;
}

/** Beyond, a linear scan takes minutes. */
const MOST_FOR_OTHERS = 20_000;

export function contextOf(table: BenchTable): CompileContext {
  return {
    bindingIndex: (_router, bid) => bid,
    policyId: (_router, fid) => fid,
    ifindex: () => undefined,
    cgroupId: () => undefined,
    limits: table.generations.limits,
  };
}

export const routerOf = (policies: readonly Policy[]): RouterPolicySet => ({
  routerId: 1,
  policies,
  bindings: BIDS.map((bid) => ({ bid, priority: bid })),
});

export async function measure({ name, policies }: PolicySet, bench: Bench): Promise<Measurement> {
  const { compiler, base, table, rounds } = bench;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const flows = makeFlows(policies, FLOWS, 7);
  const ranks = firstMatches(policies, flows);
  const [first] = policies;
  if (first === undefined) throw new Error(`${name} has no policies`);
  await base.activate(await compiler.compile([routerOf([{ ...first, selector: ANY }])], contextOf(base)));
  for (const each of [base, table]) each.setFlows(flows);

  delay.enable();
  const start = performance.now();
  const compiled = await compiler.compile([routerOf(policies)], contextOf(table));
  const compileMs = performance.now() - start;
  await table.activate(compiled);
  const activateMs = performance.now() - start - compileMs;
  const more = performance.now();
  await table.activate(await compiler.compile([routerOf(withOneMore(policies))], contextOf(table)));
  const oneMoreMs = performance.now() - more;
  delay.disable();
  await table.activate(compiled);

  const others = policies.length <= MOST_FOR_OTHERS ? loadOthers(table, policies) : undefined;
  const [added, one, hit, hits]: number[][] = [[], [], [], []];
  const slow: { linear: number[]; tupleSpace: number[] } = { linear: [], tupleSpace: [] };
  let wrong = 0;
  for (let round = 0; round < rounds; round++) {
    const all = table.pass('bench_classify');
    const alone = base.pass('bench_classify');
    const unit = base.pass('bench_hit') - base.pass('bench_empty');
    one?.push(alone);
    added?.push(all - alone);
    hit?.push(unit);
    hits?.push((all - alone) / unit);
    const answers = table.answers();
    for (let at = 0; at < FLOWS; at++) if (answers[at] !== (ranks[at] as number) + 1) wrong++;
    if (others !== undefined) {
      const result = runOthers(table, ranks, others);
      slow.linear.push(result.linear);
      slow.tupleSpace.push(result.tupleSpace);
      wrong += result.wrong;
    }
  }
  return {
    set: name,
    policies: policies.length,
    addedNs: spread(added ?? []),
    withOnePolicyNs: spread(one ?? []),
    hashHitNs: spread(hit ?? []),
    hits: spread(hits ?? []),
    compileMs,
    activateMs,
    oneMoreMs,
    blockedMs: delay.max / 1e6,
    nodes: compiled.nodes.length / 4,
    bytes: compiled.nodes.byteLength + compiled.policies.byteLength,
    linearNs: others === undefined ? undefined : spread(slow.linear).median,
    tupleSpaceNs: others === undefined ? undefined : spread(slow.tupleSpace).median,
    wrong,
  };
}

/** One policy that is asked in the middle, for a flow of its own. */
function withOneMore(policies: readonly Policy[]): Policy[] {
  const middle = policies.length >> 1;
  const [last, before] = [policies.at(-1), policies[middle]] as [Policy, Policy];
  const one: Policy = {
    ...last,
    fid: last.fid + 1,
    name: 'one-more',
    priority: before.priority + 0.5,
    selector: { ...before.selector, flowLabel: [{ low: 1, high: 1 }] },
  };
  return policies.toSpliced(middle + 1, 0, one);
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: at(sorted.length >> 1), least: at(0), most: at(sorted.length - 1) };
}
