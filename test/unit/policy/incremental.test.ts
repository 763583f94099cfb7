// Generations that are made of the one before: they decide as those that are made anew, keep what stays, and do
// not grow.
import test from 'ava';
import { Random } from '../../../lab/random.js';
import { Address, Prefix } from '../../../src/net/index.js';
import {
  ANY,
  type CompileContext,
  type CompiledGeneration,
  compileGeneration,
  matchOfPrefix,
  type Packet,
  type Policy,
  type RouterPolicySet,
} from '../../../src/policy/index.js';
import { GenerationBuilder } from '../../../src/policy/tree/generation.js';
import { matchPolicies, NEW } from '../../../src/policy/tree/same-policies.js';
import { interpret, type Machine } from './interpreter.js';

const context: CompileContext = {
  bindingIndex: (router, bid) => router * 1000 + bid,
  policyId: (router, fid) => router * 100_000 + fid,
  ifindex: () => undefined,
  cgroupId: () => undefined,
  limits: { policies: 100_000, routers: 64, nodes: 1 << 20, cgroups: 16 },
};
const machine: Machine = {
  ifindex: () => 0,
  cgroupNumber: () => 0,
  usable: (index) => index % 1000 !== 2,
};

const addressOf = (random: Random): Address =>
  Address.parse(`2001:db8:${random.below(16)}:${random.below(16)}::${random.below(4)}`);
const only = (value: number) => [{ low: value, high: value }];

/** A policy of its own for each number that is drawn; about a third asks for a mark. */
function somePolicy(random: Random, fid: number, priority: number): Policy {
  const low = random.below(60_000);
  const mark = { value: random.below(16), mask: 0xf };
  return {
    fid,
    name: `p${fid}`,
    priority,
    selector: {
      ...ANY,
      destination: random.chance(0.8)
        ? matchOfPrefix(Prefix.covering(addressOf(random), random.of([48, 64, 128])))
        : undefined,
      source: random.chance(0.3) ? matchOfPrefix(Prefix.covering(addressOf(random), 64)) : undefined,
      protocol: only(17),
      destinationPort: random.chance(0.5) ? [{ low, high: low + random.below(5000) }] : undefined,
      mark: random.chance(0.3) ? mark : undefined,
    },
    action: { kind: 'use', bindings: [1 + random.below(3)] },
    otherwise: 'next',
  };
}

function somePacket(random: Random): Packet {
  return {
    source: addressOf(random),
    destination: addressOf(random),
    protocol: 17,
    sourcePort: 1,
    destinationPort: random.below(65_536),
    dscp: 0,
    flowLabel: 0,
    spi: undefined,
    icmpType: undefined,
    icmpCode: undefined,
    interface: undefined,
    cgroup: undefined,
    mark: random.below(32),
  };
}

const router = (routerId: number, policies: readonly Policy[]): RouterPolicySet => ({
  routerId,
  policies,
  bindings: [1, 2, 3].map((bid) => ({ bid, priority: bid })),
});

/** One goes, comes, moves or gets another number; the result is in the order of priority. */
function edited(policies: readonly Policy[], random: Random, fid: number): Policy[] {
  const at = random.below(policies.length);
  const one = policies[at] as Policy;
  const place = (policies[random.below(policies.length)] as Policy).priority + random.below(1000) / 1001;
  const others = policies.toSpliced(at, 1);
  const added = [
    [],
    [one, somePolicy(random, fid, place)],
    [{ ...one, priority: place }],
    [{ ...one, fid, name: `p${fid}` }],
  ][random.below(4)] as Policy[];
  return [...others, ...added].sort((a, b) => a.priority - b.priority);
}

const nodesOf = ({ nodes }: CompiledGeneration): number => nodes.length / 4;

for (const seed of [1, 2, 3]) {
  test(`after hundreds of changes a generation decides as one that is made anew (seed ${seed})`, (t) => {
    const random = new Random(seed);
    const builder = new GenerationBuilder();
    let large = Array.from({ length: 400 }, (_, at) => somePolicy(random, at + 1, 10 * (at + 1)));
    let small = large.slice(0, 8);
    for (let change = 0; change < 300; change++) {
      if (change % 3 === 0) small = edited(small, random, 1000 + change).slice(0, 30);
      else large = edited(large, random, 1000 + change);
      const routers = [router(1, small), router(2, large), router(3, small)];
      const now = compileGeneration(routers, context, builder);
      if (change % 20 !== 0) continue;
      const anew = compileGeneration(routers, context);
      t.deepEqual(now.policies, anew.policies);
      t.true(nodesOf(now) < 3 * nodesOf(anew) + 4096, `${nodesOf(now)} rows instead of ${nodesOf(anew)}`);
      for (let packet = 0; packet < 200; packet++) {
        const one = somePacket(random);
        for (const routerId of [1, 2, 3]) {
          for (const markKnown of [true, false]) {
            const { steps: _, ...answer } = interpret(now, routerId, one, markKnown, machine);
            const { steps: __, ...wanted } = interpret(anew, routerId, one, markKnown, machine);
            t.deepEqual(answer, wanted, `change ${change}, router ${routerId}`);
          }
        }
      }
    }
  });
}

test('the same policies once more are the same rows', (t) => {
  const random = new Random(4);
  const builder = new GenerationBuilder();
  let policies = Array.from({ length: 300 }, (_, at) => somePolicy(random, at + 1, 10 * (at + 1)));
  for (let change = 0; change < 20; change++) {
    policies = edited(policies, random, 1000 + change);
    const now = compileGeneration([router(1, policies)], context, builder);
    t.deepEqual(compileGeneration([router(1, policies)], context, builder), now);
  }
});

test('one policy more leaves almost all nodes where they were', (t) => {
  const random = new Random(5);
  const builder = new GenerationBuilder();
  const policies = Array.from({ length: 2000 }, (_, at) => somePolicy(random, at + 1, 10 * (at + 1)));
  const before = compileGeneration([router(1, policies)], context, builder);
  const more = policies.toSpliced(1000, 0, {
    ...somePolicy(random, 5000, 10_005),
    selector: { ...ANY, destination: matchOfPrefix(Prefix.parse('2001:db8:1:1::1/128')) },
  });
  const after = compileGeneration([router(1, more)], context, builder);
  let changed = 0;
  for (let row = 0; row < nodesOf(before); row++) {
    // The target of a match is a rank, which moves.
    const words = [0, 1, 2].map((word) => 4 * row + word);
    if (words.some((at) => before.nodes[at] !== after.nodes[at])) changed++;
  }
  t.true(changed < nodesOf(before) / 10, `${changed} of ${nodesOf(before)}`);
});

test('policies of before are known by what they ask, wherever they stand now', (t) => {
  /** Policies without bindings whose `active` word is the number. */
  const wordsOf = (...asked: number[]) => ({
    words: Uint32Array.from(asked.flatMap((one, rank) => [7, rank + 1, rank, 0, 0, one, 0])),
    starts: Uint32Array.from({ length: asked.length + 1 }, (_, at) => 7 * at),
  });
  const match = (before: number[], now: number[]) => [...matchPolicies(wordsOf(...before), wordsOf(...now))];
  t.deepEqual(match([1, 2, 3], [1, 2, 3]), [0, 1, 2]);
  t.deepEqual(match([1, 2, 3], [1, 9, 2, 3]), [0, NEW, 1, 2]);
  t.deepEqual(match([1, 2, 3], [3, 2, 1]), [2, 1, 0]);
  t.deepEqual(match([1, 2, 3, 4], [4, 1, 3]), [3, 0, 2]);
  t.deepEqual(match([5, 5, 6], [6, 5, 5, 5]), [2, 0, 1, NEW], 'each is taken once');
  t.deepEqual(match([], [1]), [NEW]);
  t.deepEqual(match([1], []), []);
});
