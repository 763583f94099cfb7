// A home agent with many mobile routers, each with its own policies: memory, time to load, time for a packet.
import { Random } from '../../lab/random.js';
import type { PolicyCompiler, RouterPolicySet } from '../../src/policy/index.js';
import { emptyFlows, type Flows, fill } from './flows.js';
import { firstMatches } from './linear-reference.js';
import { contextOf, type Spread, spread } from './measure.js';
import { routerMix } from './policies.js';
import { BenchTable, FLOWS } from './table.js';

export interface HomeAgentMeasurement {
  readonly routers: number;
  readonly policies: number;
  readonly compileMs: number;
  readonly activateMs: number;
  /** Bytes of the rows of one generation: trees, policies and their sets, routers. */
  readonly bytes: { readonly trees: number; readonly policies: number; readonly routers: number };
  readonly oneRouterNs: Spread;
  readonly allRoutersNs: Spread;
  readonly ratio: Spread;
  /** The same of the passes before those, which come after other work has had the caches. */
  readonly firstRatio: Spread;
  readonly wrong: number;
}

const BINDINGS = 4;
const POLICIES = 10;
/** Kinds of policy sets: a home agent's customers are alike, but not the same. */
const PROFILES = 500;

export async function measureHomeAgent(
  compiler: PolicyCompiler,
  count: number,
  rounds: number,
): Promise<HomeAgentMeasurement> {
  const random = new Random(11);
  const profiles = Array.from({ length: PROFILES }, (_, at) => routerMix(POLICIES, 1000 + at).policies);
  const profileOf = (router: number) => profiles[(router * 7919) % PROFILES] ?? [];
  const routers = Array.from(
    { length: count },
    (_, at): RouterPolicySet => ({
      routerId: at + 1,
      policies: profileOf(at + 1),
      bindings: Array.from({ length: BINDINGS }, (_each, bid) => ({ bid: bid + 1, priority: bid + 1 })),
    }),
  );
  using table = await BenchTable.load({
    policies: count * POLICIES,
    routers: count,
    bindings: count * BINDINGS,
  });
  const context = {
    ...contextOf(table),
    bindingIndex: (router: number, bid: number) => (router - 1) * BINDINGS + bid,
    policyId: (router: number, fid: number) => (router - 1) * POLICIES + fid,
  };
  const start = performance.now();
  const compiled = await compiler.compile(routers, context);
  const compileMs = performance.now() - start;
  await table.activate(compiled);
  const activateMs = performance.now() - start - compileMs;

  const toAll = emptyFlows(FLOWS);
  const toOne = emptyFlows(FLOWS);
  for (let at = 0; at < FLOWS; at++) {
    const router = 1 + random.below(count);
    for (const [flows, id] of [
      [toAll, router],
      [toOne, 1],
    ] as const) {
      flows.router[at] = id;
      fill(flows, at, random.of(profileOf(id)), random);
    }
  }
  const one: number[] = [];
  const all: number[] = [];
  const ratio: number[] = [];
  const firstRatio: number[] = [];
  let wrong = 0;
  for (let round = 0; round < rounds; round++) {
    const [firstOfOne, ofOne] = twoPasses(table, toOne);
    wrong += wrongAnswers(table, toOne, profileOf);
    const [firstOfAll, ofAll] = twoPasses(table, toAll);
    wrong += wrongAnswers(table, toAll, profileOf);
    one.push(ofOne);
    all.push(ofAll);
    ratio.push(ofAll / ofOne);
    firstRatio.push(firstOfAll / firstOfOne);
  }
  return {
    routers: count,
    policies: count * POLICIES,
    compileMs,
    activateMs,
    bytes: {
      trees: compiled.nodes.byteLength,
      policies: compiled.policies.byteLength + compiled.policySets.byteLength,
      routers: compiled.routers.byteLength,
    },
    oneRouterNs: spread(one),
    allRoutersNs: spread(all),
    ratio: spread(ratio),
    firstRatio: spread(firstRatio),
    wrong,
  };
}

/**
 * Nanoseconds of a packet, twice. To write packets and to check answers fills the caches with other things, so that
 * in the first pass each row is fetched from memory once, for one to three packets that need it; traffic goes on.
 */
function twoPasses(table: BenchTable, flows: Flows): [first: number, second: number] {
  table.setFlows(flows);
  return [table.pass('bench_classify'), table.pass('bench_classify')];
}

function wrongAnswers(
  table: BenchTable,
  flows: Flows,
  profileOf: (router: number) => Parameters<typeof firstMatches>[0],
): number {
  const answers = table.answers();
  let wrong = 0;
  for (let at = 0; at < FLOWS; at++) {
    const router = flows.router[at] as number;
    const single: Flows = {
      count: 1,
      source: flows.source.subarray(4 * at, 4 * at + 4),
      destination: flows.destination.subarray(4 * at, 4 * at + 4),
      protocol: flows.protocol.subarray(at, at + 1),
      sourcePort: flows.sourcePort.subarray(at, at + 1),
      destinationPort: flows.destinationPort.subarray(at, at + 1),
      dscp: flows.dscp.subarray(at, at + 1),
      mark: flows.mark.subarray(at, at + 1),
      router: flows.router.subarray(at, at + 1),
    };
    const rank = firstMatches(profileOf(router), single)[0] as number;
    if (answers[at] !== (rank < 0 ? 0 : (router - 1) * POLICIES + rank + 1)) wrong++;
  }
  return wrong;
}
