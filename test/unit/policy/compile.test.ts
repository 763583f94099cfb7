import test from 'ava';
import fc from 'fast-check';
import {
  CX_WALK_STEPS,
  CxAction,
  CxOtherwise,
  CxPolicySetSize,
  CxPolicySize,
  CxRouterSize,
  decodeCxPolicy,
  decodeCxPolicySet,
  decodeCxRouter,
} from '../../../src/datapath/generated.js';
import { Address } from '../../../src/net/index.js';
import { CgroupNumbers } from '../../../src/policy/cgroup-numbers.js';
import {
  ANY,
  type CompileContext,
  type CompiledGeneration,
  compileGeneration,
  type Decision,
  decide,
  formatSelector,
  isWithinCgroup,
  type Packet,
  type Policy,
  PolicyCompiler,
  PolicyError,
  parseAddressMatch,
  parseRanges,
  type RouterPolicySet,
} from '../../../src/policy/index.js';
import { GenerationBuilder } from '../../../src/policy/tree/generation.js';
import { packet, policySet, usableBids } from './arbitrary.js';
import { interpret, type Machine, type Outcome } from './interpreter.js';

const INTERFACES = ['lan0', 'lan1'];

/** Numbers that say what they stand for: binding index = router * 10^6 + BID, id = router * 10^5 + FID. */
const context: CompileContext = {
  bindingIndex: (router, bid) => router * 1_000_000 + bid,
  policyId: (router, fid) => router * 100_000 + fid,
  ifindex: (name) => INTERFACES.indexOf(name) + 1 || undefined,
  cgroupId: (path) => BigInt(path.length),
  limits: { policies: 1024, routers: 8, nodes: 1 << 17, cgroups: 16 },
};

function policy(fid: number, use: number[] = [1], priority = fid): Policy {
  return {
    fid,
    name: `p${fid}`,
    priority,
    selector: ANY,
    action: { kind: 'use', bindings: use },
    otherwise: 'next',
  };
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

const policiesOf = ({ policies }: CompiledGeneration) =>
  Array.from({ length: policies.length / CxPolicySize }, (_, at) =>
    decodeCxPolicy(policies, at * CxPolicySize),
  );
const setsOf = ({ policySets }: CompiledGeneration) =>
  Array.from({ length: policySets.length / CxPolicySetSize }, (_, at) =>
    decodeCxPolicySet(policySets, at * CxPolicySetSize),
  );
const routersOf = ({ routers }: CompiledGeneration) =>
  Array.from({ length: routers.length / CxRouterSize }, (_, at) =>
    decodeCxRouter(routers, at * CxRouterSize),
  );

test('what a policy does is a row, in which nothing says whose it is', (t) => {
  const balance: Policy = {
    ...policy(7, [], 70),
    action: {
      kind: 'balance',
      bindings: [
        { bid: 3, weight: 9 },
        { bid: 1, weight: 1 },
      ],
    },
    otherwise: 'default',
  };
  t.deepEqual(policiesOf(compileGeneration([router(2, [balance])], context)), [
    {
      id: 0,
      fid: 7,
      priority: 70,
      action: CxAction.BALANCE,
      otherwise: CxOtherwise.DEFAULT,
      bindingCount: 2,
      weights: Uint8Array.of(9, 1, 0, 0, 0, 0, 0, 0),
      // Positions by BID-PRI: binding 3 is the first one, binding 1 comes before binding 2.
      bindings: Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0),
    },
  ]);
});

test('routers have a set of policies each; row 0 and unused ids have the empty one', (t) => {
  const generation = compileGeneration(
    [router(3, [policy(5, [1], 2), policy(4, [1], 1)]), router(1, [policy(1)])],
    context,
  );
  t.deepEqual(
    policiesOf(generation).map(({ id, fid }) => [id, fid]),
    [
      [0, 1],
      [0, 4],
      [1, 5],
    ],
  );
  const nobody = { policySet: 0, firstPolicyId: 0, firstBinding: 0 };
  t.deepEqual(routersOf(generation), [
    nobody,
    { policySet: 1, firstPolicyId: 100_001, firstBinding: 1_000_001 },
    nobody,
    { policySet: 2, firstPolicyId: 300_004, firstBinding: 3_000_001 },
  ]);
  const sets = setsOf(generation);
  t.deepEqual(
    sets.map(({ firstPolicy, policyCount, bindingCount }) => [firstPolicy, policyCount, bindingCount]),
    [
      [0, 0, 0],
      [0, 1, 3],
      [1, 2, 3],
    ],
  );
  t.deepEqual(sets[2]?.bindings.slice(0, 4), [2, 0, 1, 0]);
  t.deepEqual([...generation.policyIds], [100_001, 300_004, 300_005]);
});

test('routers with the same selectors share a tree', (t) => {
  const same = (id: number) => router(id, [policy(id, [2], 1), policy(3, [1], 2)]);
  const one = compileGeneration([same(1)], context).nodes.length;
  const both = compileGeneration([same(1), same(2)], context);
  t.is(both.nodes.length, one);
  t.is(both.policySets.length, 3 * CxPolicySetSize, 'but not the policies, whose FIDs differ');
  t.is(setsOf(both)[1]?.knownRoot, setsOf(both)[2]?.knownRoot);
});

test('equal routers share their policies, whatever their numbers', (t) => {
  const equal = (id: number) => router(id, [policy(8, [2, 3], 1), policy(3, [1], 2)]);
  const one = compileGeneration([equal(1)], context);
  const both = compileGeneration([equal(1), equal(2)], context);
  t.deepEqual(both.policies, one.policies);
  t.deepEqual(both.policySets, one.policySets);
  t.deepEqual(
    routersOf(both).map(({ policySet, firstPolicyId, firstBinding }) => [
      policySet,
      firstPolicyId,
      firstBinding,
    ]),
    [
      [0, 0, 0],
      [1, 100_003, 1_000_001],
      [1, 200_003, 2_000_001],
    ],
  );
  // What packets are told is each router's own.
  const usable = (index: number): boolean => index % 1_000_000 !== 2;
  const machine: Machine = { ifindex: () => 1, cgroupNumber: () => 0, usable };
  for (const id of [1, 2]) {
    t.like(interpret(both, id, fc.sample(packet, { numRuns: 1, seed: 1 })[0] as Packet, true, machine), {
      kind: 'binding',
      index: id * 1_000_000 + 3,
      policyId: id * 100_000 + 8,
    });
  }
});

test('routers that differ in anything have policies of their own', (t) => {
  const base = router(1, [policy(3, [1], 1), policy(4, [2], 2)]);
  const [first, second] = base.policies as [Policy, Policy];
  const as = (policies: Policy[], bindings = base.bindings): RouterPolicySet => ({
    routerId: 2,
    policies,
    bindings,
  });
  const share = (weight: number): Policy => ({
    ...first,
    action: { kind: 'balance', bindings: [{ bid: 1, weight }] },
  });
  const cases: [string, RouterPolicySet, RouterPolicySet?][] = [
    ['fid', as([first, { ...second, fid: 5 }])],
    ['priority', as([first, { ...second, priority: 7 }])],
    ['action', as([first, { ...second, action: { kind: 'copy', bindings: [2] } }])],
    ['bindings of an action', as([first, { ...second, action: { kind: 'use', bindings: [2, 1] } }])],
    ['weight', as([share(2), second]), { ...base, policies: [share(1), second] }],
    ['otherwise', as([first, { ...second, otherwise: 'drop' }])],
    ['selector', as([first, { ...second, selector: { ...ANY, dscp: [{ low: 1, high: 1 }] } }])],
    ['number of policies', as([first])],
    [
      'BID-PRI',
      as(
        [first, second],
        base.bindings.map(({ bid }) => ({ bid, priority: bid })),
      ),
    ],
    ['number of bindings', as([first, second], [...base.bindings, { bid: 4, priority: 40 }])],
  ];
  for (const [what, other, one = base] of cases) {
    const generation = compileGeneration([one, other], context);
    t.deepEqual(
      routersOf(generation).map(({ policySet }) => policySet),
      [0, 1, 2],
      what,
    );
  }
  // The same policies, but a number was given later: an id or an index is nobody else's.
  const later = { ...base, routerId: 2 };
  for (const [what, numbers] of [
    ['id', { ...context, policyId: (id: number, fid: number) => id * 100_000 + (id === 2 ? 9 - fid : fid) }],
    [
      'index',
      {
        ...context,
        bindingIndex: (id: number, bid: number) => id * 1000 + bid * (id === 2 && bid === 3 ? 7 : 1),
      },
    ],
  ] as const) {
    const generation = compileGeneration([base, later], numbers);
    t.deepEqual(
      routersOf(generation).map(({ policySet }) => policySet),
      [0, 1, 2],
      what,
    );
  }
});

test('no routers at all', (t) => {
  t.is(compileGeneration([], context).policies.length, 0);
});

test('cgroups are numbered so that each and all below it are an interval', (t) => {
  const numbers = new CgroupNumbers(['/b', '/a/c', '/a', '/a-b', '/a/c/d', '/a']);
  t.deepEqual(numbers.paths, ['/a', '/a/c', '/a/c/d', '/a-b', '/b']);
  t.deepEqual(numbers.interval('/a'), { low: 1, high: 3 });
  t.deepEqual(numbers.interval('/a/c/d'), { low: 3, high: 3 });
  t.deepEqual(new CgroupNumbers(['/x', '/']).interval('/'), { low: 1, high: 2 });
});

const many = (count: number) => Array.from({ length: count }, (_, i) => policy(i + 1));

/** Addresses in the middle of nothing, each a range that no prefix is. */
const scattered = (count: number) =>
  parseAddressMatch(
    Array.from({ length: count }, (_, i) => `2001:db8:${i.toString(16)}::1-2001:db8:${i.toString(16)}:1::5`),
  );
const combined: Policy = {
  ...policy(2),
  selector: { ...ANY, source: scattered(200), destination: scattered(200) },
};

/** Ranges of which each two overlap and none hides another, in four fields: trees cannot keep them apart. */
const entangled = Array.from({ length: 1024 }, (_, i): Policy => {
  const low = (i * 61) % 1024;
  const side = (at: number) => [{ low: (low * at) % 1024, high: 20_000 + ((low * (at + 2)) % 30_011) }];
  return {
    ...policy(i + 1),
    selector: {
      ...ANY,
      protocol: parseRanges('protocol', 'udp'),
      sourcePort: side(7),
      destinationPort: side(13),
      flowLabel: side(29),
      spi: [{ low: 1 + ((low * 3) % 1024), high: 60_000 + low }],
    },
  };
});

const refused: [what: string, routers: RouterPolicySet[], code: string, message: RegExp, nodes?: number][] = [
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
  [
    'lists that make more combinations than there are nodes',
    [router(1, [policy(1), combined])],
    'POLICY_LIMIT',
    /'p2' \(FID 2\) of router 1 does not fit: its lists/,
  ],
  [
    'more than the nodes, however large the leaves',
    [router(1, entangled)],
    'POLICY_LIMIT',
    /'p\d+' \(FID \d+\) of router 1 does not fit: the decision trees are full/,
    2000,
  ],
  [
    'more overlaps than a packet may be compared with',
    [router(1, entangled)],
    'POLICY_LIMIT',
    /'p\d+' \(FID \d+\) of router 1 overlaps/,
    12_000,
  ],
  [
    'a cgroup that is too deep',
    [router(1, [{ ...policy(1), selector: { ...ANY, cgroup: ['/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h'] } }])],
    'POLICY_LIMIT',
    /'p1'.* more than 16 levels/,
  ],
];
for (const [what, routers, code, message, nodes] of refused) {
  test(`refused: ${what}`, (t) => {
    const limits = { ...context.limits, ...(nodes !== undefined && { nodes }) };
    t.throws(() => compileGeneration(routers, { ...context, limits }), {
      instanceOf: PolicyError,
      code,
      message,
    });
  });
}

test('a router id that is taken or not positive is a mistake of the caller', (t) => {
  t.throws(() => compileGeneration([router(1, []), router(1, [])], context), { instanceOf: RangeError });
  t.throws(() => compileGeneration([router(0, [])], context), { instanceOf: RangeError });
});

function machineFor(policies: readonly Policy[], usable: ReadonlySet<number>): Machine {
  const numbers = new CgroupNumbers(policies.flatMap(({ selector }) => selector.cgroup ?? []));
  return {
    ifindex: (name) => INTERFACES.indexOf(name) + 1,
    // The deepest one with a name is the last in this order that holds it.
    cgroupNumber: (path) => numbers.paths.findLastIndex((named) => isWithinCgroup(path, named)) + 1,
    usable: (index) => usable.has(index % 1_000_000),
  };
}

/** The reference's answer in the interpreter's words. */
function expected(decision: Decision, routerId: number): Outcome {
  const id = (fid: number): number => context.policyId(routerId, fid);
  switch (decision.kind) {
    case 'binding':
      return {
        kind: 'binding',
        index: context.bindingIndex(routerId, decision.bid),
        policyId: decision.fid === null ? null : id(decision.fid),
      };
    case 'mark-decides':
    case 'none':
      return { kind: decision.kind };
    default: {
      const action = {
        balance: CxAction.BALANCE,
        copy: CxAction.COPY,
        drop: CxAction.DROP,
        bypass: CxAction.BYPASS,
      };
      return { kind: 'list', action: action[decision.kind], policyId: id(decision.fid) };
    }
  }
}

/** Otherwise `default` without a usable binding is none at all, whoever asked for it. */
test('a compiled generation decides as the reference does, also when it is made of the one before', (t) => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(policySet, { minLength: 1, maxLength: 3 }),
      fc.array(packet, { minLength: 5, maxLength: 10 }),
      usableBids,
      fc.boolean(),
      (sets, packets, usable, markKnown) => {
        const routers = sets.map((set, position) => ({ ...set, routerId: position + 1 }));
        const all = routers.flatMap(({ policies }) => policies);
        const machine = machineFor(all, usable);
        const generation = compileGeneration(routers, context);
        for (const { routerId, ...set } of routers) {
          for (const one of packets) {
            const decision = decide(set, one, { markKnown, usable: (bid) => usable.has(bid) });
            const { steps, ...outcome } = interpret(generation, routerId, one, markKnown, machine);
            const text = set.policies
              .map(
                (p) =>
                  `${p.priority} ${formatSelector(p.selector)} -> ${JSON.stringify(p.action)} ${p.otherwise}`,
              )
              .join('\n');
            t.deepEqual(outcome, expected(decision, routerId), text);
            t.true(steps <= CX_WALK_STEPS);
            kinds.add(decision.kind);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
  // The property is worth something only if every kind of answer occurs.
  t.deepEqual([...kinds].sort(), ['balance', 'binding', 'bypass', 'copy', 'drop', 'mark-decides', 'none']);
});

/** A set that is large enough for trees that are kept. */
const largeSet = fc
  .array(policySet, { minLength: 24, maxLength: 24 })
  .map((sets) =>
    sets
      .flatMap(({ policies }) => policies)
      .map((each, at): Policy => {
        const { action } = each;
        const onlyKnown = action.kind === 'drop' || action.kind === 'bypass' ? action : policy(1).action;
        return { ...each, fid: at + 1, name: `p${at + 1}`, priority: 10 * (at + 1), action: onlyKnown };
      }),
  )
  .filter((policies) => policies.length > 60);

/** Undefined when the policies overlap so much that they do not fit, which is no wrong answer. */
function compiledUnlessRefused(
  policies: Policy[],
  builder: GenerationBuilder,
): CompiledGeneration | undefined {
  try {
    return compileGeneration([router(1, policies)], context, builder);
  } catch (error) {
    if (error instanceof PolicyError && error.code === 'POLICY_LIMIT') return undefined;
    throw error;
  }
}

test('trees that are changed decide as trees that are made anew', (t) => {
  fc.assert(
    fc.property(
      largeSet,
      fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 6 }),
      fc.array(packet, { minLength: 30, maxLength: 30 }),
      fc.boolean(),
      (policies, changes, packets, markKnown) => {
        const builder = new GenerationBuilder();
        const machine = machineFor(policies, new Set([1]));
        let now = policies;
        fc.pre(compiledUnlessRefused(now, builder) !== undefined);
        for (const [number, [where, what]] of changes.entries()) {
          const at = where % now.length;
          const moved = now[what % now.length] as Policy;
          const priority = (now[at]?.priority ?? 0) - 1 - number / 100;
          // One goes, or a copy of another comes to stand in front of it.
          now =
            what % 3 === 0
              ? now.toSpliced(at, 1)
              : now.toSpliced(at, 0, { ...moved, fid: 1000 + number, name: `n${number}`, priority });
          const generation = compiledUnlessRefused(now, builder);
          if (generation === undefined) return;
          for (const one of packets) {
            const decision = decide(router(1, now), one, { markKnown, usable: (bid) => bid === 1 });
            const { steps: _, ...outcome } = interpret(generation, 1, one, markKnown, machine);
            t.deepEqual(outcome, expected(decision, 1));
          }
        }
      },
    ),
    { numRuns: 60 },
  );
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

test('a set that does not fit with small leaves gets larger ones, and decides the same', (t) => {
  const policies = Array.from({ length: 400 }, (_, i): Policy => {
    const low = (i * 37) % 400;
    return {
      ...policy(i + 1),
      selector: {
        ...ANY,
        destinationPort: [{ low, high: low + 300 }],
        flowLabel: [{ low: (i * 91) % 400, high: 500 + i }],
      },
    };
  });
  const roomy = compileGeneration([router(1, policies)], context);
  const limits = { ...context.limits, nodes: 2000 };
  const tight = compileGeneration([router(1, policies)], { ...context, limits });
  t.true(tight.nodes.length < roomy.nodes.length);
  t.true(tight.nodes.length / 4 <= limits.nodes);
  const machine = machineFor(policies, new Set([1]));
  for (let at = 0; at < 400; at++) {
    const one = {
      source: Address.LOOPBACK,
      destination: Address.LOOPBACK,
      protocol: 17,
      sourcePort: 1,
      destinationPort: (at * 17) % 720,
      dscp: 0,
      flowLabel: (at * 53) % 950,
      ...{
        spi: undefined,
        icmpType: undefined,
        icmpCode: undefined,
        interface: undefined,
        cgroup: undefined,
      },
      mark: undefined,
    };
    const { steps: _, ...answer } = interpret(tight, 1, one, true, machine);
    const decision = decide(router(1, policies), one, { markKnown: true, usable: (bid) => bid === 1 });
    t.deepEqual(answer, expected(decision, 1));
  }
});

test('the worker compiles what this thread would, and refuses in the same words', async (t) => {
  const compiler = new PolicyCompiler();
  t.teardown(() => compiler.close());
  const routers = [router(1, many(200)), router(2, [policy(3)])];
  t.deepEqual(await compiler.compile(routers, context), compileGeneration(routers, context));
  await t.throwsAsync(compiler.compile([router(1, [policy(1), combined])], context), {
    code: 'POLICY_LIMIT',
    message: /'p2'/,
  });
  t.deepEqual(await compiler.compile(routers, context), compileGeneration(routers, context));
});
