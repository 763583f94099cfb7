import test from 'ava';
import fc from 'fast-check';
import {
  ANY,
  type CompileContext,
  compileGeneration,
  decide,
  formatSelector,
  type Policy,
  PolicyError,
  parseMark,
  parsePorts,
  parseSelectorPrefix,
  type RouterPolicySet,
} from '../../../src/policy/index.js';
import { packet, policySet, usableBids } from './arbitrary.js';
import { interpret } from './interpreter.js';

/** Numbers that say what they stand for: binding index = router * 10^6 + BID, id = router * 10^5 + FID. */
const context: CompileContext = {
  bindingIndex: (router, bid) => router * 1_000_000 + bid,
  policyId: (router, fid) => router * 100_000 + fid,
  limits: { policies: 1024, routers: 8 },
};

function policy(fid: number, use: number[] = [1], priority = fid): Policy {
  return { fid, name: `p${fid}`, priority, selector: ANY, use };
}

function router(routerId: number, policies: Policy[]): RouterPolicySet {
  return {
    routerId,
    policies,
    bindings: [
      { bid: 2, priority: 10 },
      { bid: 1, priority: 10 },
      { bid: 3, priority: 5 },
    ],
  };
}

test('one policy with everything', (t) => {
  const selector = {
    mark: parseMark('0x10/0xff'),
    source: parseSelectorPrefix('2001:db8:1::/65'),
    destination: parseSelectorPrefix('2001:db8:99::2'),
    protocol: 17,
    sourcePort: parsePorts('1-2'),
    destinationPort: parsePorts(5001),
  };
  const { policies } = compileGeneration([router(2, [{ ...policy(7, [3, 1], 70), selector }])], context);
  t.deepEqual(policies, [
    {
      source: '2001:db8:1::',
      sourceMask: 'ffff:ffff:ffff:ffff:8000::',
      destination: '2001:db8:99::2',
      destinationMask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      match: 63,
      mark: 0x10,
      markMask: 0xff,
      id: 200_007,
      fid: 7,
      priority: 70,
      sourcePortLow: 1,
      sourcePortHigh: 2,
      destinationPortLow: 5001,
      destinationPortHigh: 5001,
      protocol: 17,
      bindingCount: 2,
      bindings: [2_000_003, 2_000_001, 0, 0, 0, 0, 0, 0],
    },
  ]);
});

test('a policy that matches everything compares nothing', (t) => {
  const [row] = compileGeneration([router(1, [policy(1)])], context).policies;
  t.like(row, {
    match: 0,
    source: '::',
    sourceMask: '::',
    mark: 0,
    markMask: 0,
    protocol: 0,
    sourcePortHigh: 0,
  });
});

test('routers lie one behind the other; row 0 and unused ids are empty', (t) => {
  const generation = compileGeneration(
    [router(3, [policy(5, [1], 2), policy(4, [1], 1)]), router(1, [policy(1)])],
    context,
  );
  t.deepEqual(
    generation.policies.map(({ id }) => id),
    [100_001, 300_004, 300_005],
  );
  t.deepEqual(
    generation.routers.map(({ firstPolicy, policyCount, bindingCount }) => [
      firstPolicy,
      policyCount,
      bindingCount,
    ]),
    [
      [0, 0, 0],
      [0, 1, 3],
      [0, 0, 0],
      [1, 2, 3],
    ],
  );
  t.deepEqual(generation.routers[3]?.bindings.slice(0, 4), [3_000_003, 3_000_001, 3_000_002, 0]);
  t.true(generation.routers.every(({ bindings }) => bindings.length === 16));
});

test('no routers at all', (t) => {
  t.like(compileGeneration([], context), { policies: [] });
});

const many = (count: number) => Array.from({ length: count }, (_, i) => policy(i + 1));
const refused: [what: string, routers: RouterPolicySet[], code: string, message: RegExp][] = [
  [
    'an unknown binding',
    [router(1, [policy(1, [9])])],
    'POLICY_BINDING_UNKNOWN',
    /'p1' \(FID 1\) of router 1 uses binding 9.*use one of 1, 2, 3/,
  ],
  [
    'more policies than a slot has',
    [router(1, many(1000)), router(2, many(30))],
    'POLICY_LIMIT',
    /'p25' \(FID 25\) of router 2 does not fit.*1024/,
  ],
  [
    'more policies than a router may have',
    [router(1, many(1025))],
    'POLICY_LIMIT',
    /'p1025' \(FID 1025\) of router 1 does not fit/,
  ],
  [
    'more bindings than a policy may list',
    [router(1, [policy(1, new Array<number>(9).fill(1))])],
    'POLICY_LIMIT',
    /'p1'.* uses 9 bindings/,
  ],
  ['a router id beyond the table', [router(9, [])], 'POLICY_LIMIT', /Router 9 does not fit/],
  [
    'more bindings than a router may have',
    [{ ...router(1, []), bindings: many(17).map(({ fid }) => ({ bid: fid, priority: 1 })) }],
    'POLICY_LIMIT',
    /17 bindings/,
  ],
];
for (const [what, routers, code, message] of refused) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => compileGeneration(routers, context), { instanceOf: PolicyError, code, message });
  });
}

test('a router id that is taken or not positive is a mistake of the caller', (t) => {
  t.throws(() => compileGeneration([router(1, []), router(1, [])], context), { instanceOf: RangeError });
  t.throws(() => compileGeneration([router(0, [])], context), { instanceOf: RangeError });
});

test('a compiled generation decides as the reference does', (t) => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.array(policySet, { minLength: 1, maxLength: 3 }),
      fc.array(packet, { minLength: 5, maxLength: 10 }),
      usableBids,
      fc.boolean(),
      (sets, packets, usable, markKnown) => {
        const routers = sets.map((set, position) => ({ ...set, routerId: position + 1 }));
        const generation = compileGeneration(routers, context);
        for (const { routerId, ...set } of routers) {
          for (const one of packets) {
            const decision = decide(set, one, { markKnown, usable: (bid) => usable.has(bid) });
            const outcome = interpret(generation, routerId, one, markKnown, (index) =>
              usable.has(index % 1_000_000),
            );
            const expected =
              decision.kind === 'binding'
                ? {
                    kind: 'binding',
                    index: context.bindingIndex(routerId, decision.bid),
                    policyId: decision.fid === null ? null : context.policyId(routerId, decision.fid),
                  }
                : { kind: decision.kind };
            const text = set.policies
              .map((p) => `${p.priority} ${formatSelector(p.selector)} -> ${p.use}`)
              .join('\n');
            t.deepEqual(outcome, expected, text);
            const kind = decision.kind === 'binding' ? `binding ${decision.fid === null}` : decision.kind;
            kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
  // The property is worth something only if every kind of answer occurs.
  t.deepEqual([...kinds.keys()].sort(), ['binding false', 'binding true', 'mark-decides', 'none']);
});

test('the order of routers, policies and bindings in the input does not matter', (t) => {
  fc.assert(
    fc.property(fc.array(policySet, { maxLength: 4 }), (sets) => {
      const routers = sets.map((set, position) => ({ ...set, routerId: position + 1 }));
      const shuffled = routers
        .map((set) => ({
          ...set,
          policies: [...set.policies].reverse(),
          bindings: [...set.bindings].reverse(),
        }))
        .reverse();
      t.deepEqual(compileGeneration(shuffled, context), compileGeneration(routers, context));
    }),
    { numRuns: 100 },
  );
});
