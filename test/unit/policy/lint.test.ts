import test from 'ava';
import fc from 'fast-check';
import { Random } from '../../../lab/random.js';
import {
  type Action,
  ANY,
  bindingsOf,
  decide,
  formatAction,
  formatSelector,
  joinAddressRanges,
  joinCgroups,
  joinRanges,
  lintPolicies,
  type Otherwise,
  type Packet,
  type Policy,
  parseAddressMatch,
  parseAddressRange,
  parseMark,
  parseRanges,
  type Selector,
} from '../../../src/policy/index.js';
import { USUAL } from '../../support/policy-words.js';

const use = (...bindings: number[]): Action => ({ kind: 'use', bindings });
const DROP: Action = { kind: 'drop' };
const port = (...list: (string | number)[]): Partial<Selector> => ({
  protocol: parseRanges('protocol', 'udp'),
  destinationPort: parseRanges('destinationPort', list),
});
const to = (...list: string[]): Partial<Selector> => ({ destination: parseAddressMatch(list) });

/** Policies in order; name and FID are the position from 1. */
function set(...list: [match: Partial<Selector>, action: Action, otherwise?: Otherwise][]): Policy[] {
  return list.map(([match, action, otherwise = 'next'], at) => ({
    fid: at + 1,
    name: `p${at + 1}`,
    priority: (at + 1) * 10,
    selector: { ...ANY, ...match },
    action,
    otherwise,
  }));
}

const found = (policies: readonly Policy[], options?: Parameters<typeof lintPolicies>[1]) =>
  lintPolicies(policies, options).map(({ kind, policy, by }) =>
    [`${policy.fid} ${kind}`, ...by.map(({ fid }) => fid)].join(' '),
  );

const cases: [title: string, policies: Policy[], expected: string[], interfaces?: string[]][] = [
  ['nothing to say', set([port(53), use(1)], [port(54), use(1)], [{}, use(2)]), []],
  ['hidden by a wider one', set([port('50-60'), use(1)], [port(53), use(1)]), ['2 hidden 1']],
  ['a narrower one hides nothing', set([port(53), use(1)], [port('50-60'), use(1)]), []],
  ['hidden by drop, whatever it uses', set([port('50-60'), DROP], [port(53), use(1, 2)]), ['2 hidden 1']],
  [
    'hidden by what drops or takes the default otherwise',
    set([port('50-60'), use(1), 'drop'], [port(53), use(2)], [to('::/0'), use(3), 'default'], [{}, DROP]),
    ['2 hidden 1', '4 hidden 3'],
  ],
  ['the same', set([port(53), use(1)], [{}, use(1)], [port(53), use(1)]), ['3 equal 1']],
  [
    'the same in other words',
    set([to('2001:db8::/64'), DROP], [to('2001:db8::-2001:db8::ffff:ffff:ffff:ffff'), DROP]),
    ['2 equal 1'],
  ],
  [
    'active whenever it is, by two above together',
    set([port('50-60'), use(1)], [{}, use(2)], [port(53), use(1, 2)]),
    ['3 hidden 1 2'],
  ],
  [
    'a standby decides while another is unusable',
    set([port(53), use(1)], [port(53), use(2)]),
    ['2 standby 1'],
  ],
  ['a standby of all', set([{}, use(1, 2)], [port(53), DROP]), ['2 standby 1']],
  [
    'a union of two halves',
    set([to('2001:db8::/33'), use(1)], [to('2001:db8:8000::/33'), use(1)], [to('2001:db8::/32'), use(1)]),
    ['3 hidden 1 2'],
  ],
  [
    'a union with a gap',
    set([to('2001:db8::/33'), use(1)], [to('2001:db8:8000::/34'), use(1)], [to('2001:db8::/32'), use(1)]),
    [],
  ],
  [
    'only what is needed of a union is named',
    set(
      [port(1), use(1)],
      [to('2001:db8::/34'), use(1)],
      [to('2001:db8::/33'), use(1)],
      [to('2001:db8:8000::/33'), use(1)],
      [to('2001:db8::/32'), use(1)],
    ),
    ['5 hidden 3 4'],
  ],
  [
    'all ports are not all packets: later fragments have none',
    set([port('0-65535'), DROP], [{ protocol: parseRanges('protocol', 'udp') }, use(1)]),
    [],
  ],
  [
    'where a port is asked for, every packet has both',
    set([{ sourcePort: parseRanges('sourcePort', '0-65535') }, DROP], [port(53), use(1)]),
    ['2 hidden 1'],
  ],
  [
    'where a port is asked for, the protocol has ports',
    set(
      [{ protocol: parseRanges('protocol', ['tcp', 'udp', 'dccp', 'sctp', 'udplite']) }, DROP],
      [{ destinationPort: parseRanges('destinationPort', 53) }, use(1)],
    ),
    ['2 hidden 1'],
  ],
  [
    'an ICMPv6 type needs ICMPv6',
    set(
      [{ protocol: parseRanges('protocol', 'icmpv6') }, DROP],
      [{ icmpType: parseRanges('icmpType', 'echo-request') }, use(1)],
    ),
    ['2 hidden 1'],
  ],
  [
    'marks: two values of one bit are all there is',
    set(
      [{ mark: parseMark('0/1') }, use(1)],
      [{ mark: parseMark('1/3') }, use(1)],
      [{ mark: parseMark('3/3') }, use(1)],
      [{ mark: parseMark('5') }, use(1)],
      [{}, use(1)],
    ),
    ['4 hidden 2', '5 hidden 1 2 3'],
  ],
  [
    'every ingress interface, but not local traffic',
    set(
      [{ interface: ['lan0'] }, DROP],
      [{ interface: ['lan1'] }, DROP],
      [{ interface: ['lan0', 'lan1'] }, use(1)],
      [{}, use(2)],
    ),
    ['3 hidden 1 2'],
    ['lan0', 'lan1'],
  ],
  [
    'every ingress interface and all local traffic',
    set([{ interface: ['lan0'] }, DROP], [{ cgroup: ['/'] }, DROP], [{ interface: ['lan0'] }, use(1)]),
    ['3 hidden 1'],
    ['lan0'],
  ],
  [
    'a cgroup below another',
    set([{ cgroup: ['/a'] }, DROP], [{ cgroup: ['/a/b'] }, use(1)], [{ cgroup: ['/a-b'] }, use(1)]),
    ['2 hidden 1'],
  ],
  [
    'an interface and a cgroup have no packet in common',
    set([{ interface: ['lan0'], cgroup: ['/a'] }, DROP]),
    ['1 hidden'],
  ],
];

for (const [title, policies, expected, interfaces] of cases) {
  test(title, (t) => {
    t.deepEqual(found(policies, { interfaces }), expected);
  });
}

test('priority is the order, not the place in the list', (t) => {
  t.deepEqual(found([...set([port('50-60'), use(1)], [port(53), use(1)])].reverse()), ['2 hidden 1']);
});

/** Values of which selectors are made, and packets with every value that can make a difference. */
const ADDRESSES = Array.from({ length: 6 }, (_, at) => parseAddressRange(`2001:db8::${at}`).low);
const PLACES: Partial<Packet>[] = [
  { interface: 'lan0' },
  { interface: 'lan1' },
  {},
  { cgroup: '/a' },
  { cgroup: '/a/b' },
  { cgroup: '/c' },
];
const NO_PORTS = { sourcePort: undefined, destinationPort: undefined };
const HEADERS: Partial<Packet>[] = [
  ...[6, 17, 33, 132].flatMap((protocol) => [
    ...[0, 1, 3, 5, 6, 65535].map((one) => ({ protocol, destinationPort: one })),
    { protocol, ...NO_PORTS },
  ]),
  ...[127, 128].map((icmpType) => ({ protocol: 58, ...NO_PORTS, icmpType, icmpCode: 0 })),
  { protocol: 58, ...NO_PORTS },
  ...[1, 10, 50, 190, 200, 255].map((protocol) => ({ protocol, ...NO_PORTS })),
];
const PACKETS: Packet[] = ADDRESSES.flatMap((destination) =>
  PLACES.flatMap((place) =>
    HEADERS.flatMap((header) =>
      [0, 1, 2, 3].map((mark) => ({ ...USUAL, ...header, ...place, destination, mark })),
    ),
  ),
);
const BIDS = [1, 2];
const STATES = [[], [1], [2], [1, 2]];

function randomSelector(random: Random): Selector {
  const maybe = <T>(part: number, make: () => T): T | undefined => (random.chance(part) ? make() : undefined);
  const range = (values: readonly number[]) => {
    const [a, b] = [random.of(values), random.of(values)];
    return { low: Math.min(a, b), high: Math.max(a, b) };
  };
  const mask = random.of([1, 2, 3]);
  return {
    ...ANY,
    mark: maybe(0.3, () => ({ mask, value: random.below(4) & mask })),
    destination: maybe(0.5, () => ({
      set: undefined,
      ranges: joinAddressRanges(
        [range([1, 2, 3, 4]), range([1, 2, 3, 4])].map(({ low, high }) => ({
          low: ADDRESSES[low] ?? USUAL.source,
          high: ADDRESSES[high] ?? USUAL.source,
        })),
      ),
    })),
    protocol: maybe(0.4, () => joinRanges([range([6, 17, 58, 200]), range([6, 17])])),
    destinationPort: maybe(0.4, () => joinRanges([range([0, 1, 5, 65535])])),
    icmpType: maybe(0.1, () => [
      random.of([
        { low: 128, high: 128 },
        { low: 0, high: 255 },
      ]),
    ]),
    interface: maybe(0.2, () => random.of([['lan0'], ['lan1'], ['lan0', 'lan1']])),
    cgroup: maybe(0.2, () => joinCgroups(random.of([['/a'], ['/a/b'], ['/'], ['/a/b', '/c']]))),
  };
}

function randomPolicies(random: Random): Policy[] {
  const done: [Selector, Action, Otherwise][] = [];
  return set(
    ...Array.from({ length: 2 + random.below(6) }, (): [Selector, Action, Otherwise] => {
      const last: [Selector, Action, Otherwise] | undefined = done.at(-1);
      if (last !== undefined && random.chance(0.05)) return last;
      const list = random.of([[1], [2], [1, 2]]);
      const action = random.of([
        use(...list),
        { kind: 'copy' as const, bindings: list },
        { kind: 'balance' as const, bindings: list.map((bid) => ({ bid, weight: 1 + random.below(2) })) },
        DROP,
      ]);
      const otherwise =
        action.kind === 'drop' ? 'next' : random.of(['next', 'next', 'drop', 'default'] as const);
      done.push([randomSelector(random), action, otherwise]);
      return done.at(-1) ?? [ANY, DROP, 'next'];
    }),
  );
}

/** For each state the FIDs that decide some packet; `default` counts as `drop`, which says who decided. */
function deciders(policies: readonly Policy[]): Set<number>[] {
  const named = policies.map((policy) => ({
    ...policy,
    otherwise: policy.otherwise === 'default' ? ('drop' as const) : policy.otherwise,
  }));
  const bindings = BIDS.map((bid) => ({ bid, priority: 1 }));
  return STATES.map((usable) => {
    const state = { markKnown: true, usable: (bid: number) => usable.includes(bid) };
    const fids = new Set<number>();
    for (const packet of PACKETS) {
      const decision = decide({ policies: named, bindings }, packet, state);
      if ('fid' in decision && decision.fid !== null) fids.add(decision.fid);
    }
    return fids;
  });
}

test('what lint says is what the reference classifier does with every packet in every state', (t) => {
  const random = new Random(20261126);
  const kinds = new Map<string, number>();
  for (let run = 0; run < 150; run++) {
    const policies = randomPolicies(random);
    const byState = deciders(policies);
    const findings = new Map(
      lintPolicies(policies, { interfaces: ['lan0', 'lan1'] }).map((one) => [one.policy.fid, one]),
    );
    for (const policy of policies) {
      const finding = findings.get(policy.fid);
      const text = policies
        .map((one) => `${one.fid}: ${formatSelector(one.selector)} -> ${formatAction(one, String)}`)
        .concat(JSON.stringify([policy.fid, finding?.kind, finding?.by.map(({ fid }) => fid)]))
        .join('\n');
      const ever = byState.some((fids) => fids.has(policy.fid));
      const withAll = byState.at(-1)?.has(policy.fid) === true;
      const said = finding?.kind === 'equal' ? 'hidden' : finding?.kind;
      t.is(said, ever ? (withAll ? undefined : 'standby') : 'hidden', text);
      if (said === 'hidden') {
        // The ones that are named suffice.
        const few = [...(finding?.by ?? []), policy];
        t.true(few.every(({ priority }) => priority <= policy.priority));
        t.false(
          deciders(few).some((fids) => fids.has(policy.fid)),
          text,
        );
      }
      kinds.set(finding?.kind ?? 'none', (kinds.get(finding?.kind ?? 'none') ?? 0) + 1);
    }
  }
  t.deepEqual([...kinds.keys()].sort(), ['equal', 'hidden', 'none', 'standby']);
  for (const [kind, count] of kinds) t.true(count >= 5, `${kind} ${count}`);
});

test('too much work is said, not guessed', (t) => {
  // Each pair of ports leaves one piece more; together they are all there is.
  const policies = set(
    ...Array.from({ length: 64 }, (_, at): [Partial<Selector>, Action] => [
      { ...to(`2001:db8:0:${at.toString(16)}::/64`), ...port(`${at + 1}-65535`) },
      DROP,
    ]),
    ...Array.from({ length: 64 }, (_, at): [Partial<Selector>, Action] => [
      { ...to(`2001:db8:0:${at.toString(16)}::/64`), ...port(`0-${at}`) },
      DROP,
    ]),
    [{ ...to('2001:db8::/58'), ...port('0-65535') }, DROP],
  );
  t.deepEqual(found(policies, { stepsPerPolicy: 100 }), ['129 undecided']);
  t.regex(found(policies).join(), /^129 hidden 1 2 3 /);
  t.is(found(policies, { steps: 50 }).length, 1);
});

test('ten thousand policies are a matter of steps that do not explode', (t) => {
  const random = new Random(7);
  const policies = set(
    ...Array.from({ length: 10_000 }, (): [Partial<Selector>, Action] => {
      const prefix = `2001:db8:${random.below(4000).toString(16)}::/${random.of([40, 44, 48])}`;
      const match = random.chance(0.8) ? to(prefixOf(prefix)) : {};
      return [
        { ...match, ...port(random.below(60_000)) },
        random.chance(0.2) ? DROP : use(1 + random.below(2)),
      ];
    }),
    [{}, use(1, 2)],
  );
  const findings = lintPolicies(policies);
  t.deepEqual(
    findings.filter(({ kind }) => kind === 'undecided'),
    [],
  );
  t.true(findings.length < 5000);
});

/** Without the host bits. */
function prefixOf(text: string): string {
  const [address = '', length = ''] = text.split('/');
  const bits = BigInt(length);
  const value = (parseAddressRange(address).low.toBigInt() >> (128n - bits)) << (128n - bits);
  return `${value.toString(16).padStart(32, '0').match(/.{4}/g)?.join(':')}/${length}`;
}

test('findings do not depend on how lists are written', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      const policies = randomPolicies(new Random(seed));
      const again = policies.map((policy) => ({ ...policy, selector: { ...policy.selector } })).reverse();
      t.deepEqual(found(again), found(policies));
      t.true(policies.every(({ action }) => bindingsOf(action).length <= 2));
    }),
    { numRuns: 50 },
  );
});
