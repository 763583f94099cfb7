import test from 'ava';
import fc from 'fast-check';
import {
  type Action,
  ANY,
  decide,
  joinCgroups,
  type Otherwise,
  type Policy,
  parseAddressMatch,
  parseMark,
  parseRanges,
  RANGE_FIELDS,
  RANGE_KEYS,
  type Selector,
} from '../../../src/policy/index.js';
import { decisionText, packetOf } from '../../support/policy-words.js';
import { packet as anyPacket, policySet, usableBids } from './arbitrary.js';

const bindings = [
  { bid: 3, priority: 10 },
  { bid: 1, priority: 20 },
  { bid: 2, priority: 10 },
];

/** A selector in the words of the configuration file. */
function select(match: Readonly<Record<string, string | number | (string | number)[]>>): Selector {
  const selector: { -readonly [Key in keyof Selector]: Selector[Key] } = { ...ANY };
  for (const [word, value] of Object.entries(match)) {
    const texts = [value].flat().map(String);
    const range = RANGE_KEYS.find((key) => RANGE_FIELDS[key].word === word);
    if (range !== undefined) selector[range] = parseRanges(range, [value].flat());
    else if (word === 'mark') selector.mark = parseMark(String(value));
    else if (word === 'source' || word === 'destination') selector[word] = parseAddressMatch(texts);
    else if (word === 'interface') selector.interface = texts;
    else if (word === 'cgroup') selector.cgroup = joinCgroups(texts);
    else throw new Error(`no field ${word}`);
  }
  return selector;
}

type Match = Parameters<typeof select>[0];

function policy(
  fid: number,
  match: Match,
  action: Action | number[],
  rest: { priority?: number; otherwise?: Otherwise } = {},
): Policy {
  return {
    fid,
    name: `p${fid}`,
    priority: rest.priority ?? fid * 10,
    selector: select(match),
    action: Array.isArray(action) ? { kind: 'use', bindings: action } : action,
    otherwise: rest.otherwise ?? 'next',
  };
}

const DROP: Action = { kind: 'drop' };
const copy = (...list: number[]): Action => ({ kind: 'copy', bindings: list });
const balance = (...list: [bid: number, weight: number][]): Action => ({
  kind: 'balance',
  bindings: list.map(([bid, weight]) => ({ bid, weight })),
});

interface Case {
  readonly title: string;
  readonly policies: Policy[];
  /** In words; UDP from port 40000 to 50000, local. */
  readonly packet?: string;
  readonly usable?: number[];
  readonly expected: string;
}

const cases: Case[] = [
  { title: 'no policy: lowest BID-PRI, then lower BID', policies: [], expected: 'default 2' },
  { title: 'the default skips what is unusable', policies: [], usable: [1, 3], expected: 'default 3' },
  { title: 'nothing usable', policies: [policy(1, {}, [1])], usable: [], expected: 'no binding' },
  {
    title: 'priority counts, not the order of the list',
    policies: [policy(1, {}, [1], { priority: 9 }), policy(2, {}, [3], { priority: 8 })],
    expected: 'use 3 (2)',
  },
  {
    title: 'the first usable binding of the list',
    policies: [policy(1, {}, [1, 3, 2])],
    usable: [2, 3],
    expected: 'use 3 (1)',
  },
  {
    title: 'an inactive entry is skipped',
    policies: [policy(1, {}, [1]), policy(2, {}, [3])],
    usable: [2, 3],
    expected: 'use 3 (2)',
  },
  {
    title: 'only inactive entries: the default',
    policies: [policy(1, {}, [1]), policy(2, {}, copy(1)), policy(3, {}, balance([1, 5]))],
    usable: [2, 3],
    expected: 'default 2',
  },
  {
    title: 'otherwise drop: inactive means dropped, not skipped',
    policies: [policy(1, {}, [1], { otherwise: 'drop' }), policy(2, {}, [3])],
    usable: [2, 3],
    expected: 'drop (1)',
  },
  {
    title: 'otherwise drop while a binding is usable',
    policies: [policy(1, {}, [1], { otherwise: 'drop' })],
    expected: 'use 1 (1)',
  },
  {
    title: 'otherwise default: by BID-PRI, and it is this policy that decided',
    policies: [policy(1, {}, copy(1), { otherwise: 'default' }), policy(2, {}, [3])],
    usable: [2, 3],
    expected: 'use 2 (1)',
  },
  {
    title: 'otherwise default, and no binding at all',
    policies: [policy(1, {}, [1], { otherwise: 'default' }), policy(2, {}, DROP)],
    usable: [],
    expected: 'no binding',
  },
  {
    title: 'balance: the usable ones with their weights',
    policies: [policy(1, {}, balance([1, 3], [2, 9], [3, 1]))],
    usable: [1, 3],
    expected: 'balance 1:3 3:1 (1)',
  },
  {
    title: 'copy: the usable ones',
    policies: [policy(1, {}, copy(3, 2, 1))],
    usable: [1, 3],
    expected: 'copy 3, 1 (1)',
  },
  { title: 'drop needs no binding', policies: [policy(1, {}, DROP)], usable: [], expected: 'drop (1)' },
  {
    title: 'bypass needs no binding',
    policies: [policy(1, {}, { kind: 'bypass' })],
    usable: [],
    expected: 'bypass (1)',
  },
  {
    title: 'an inactive mark policy leaves nothing open',
    policies: [policy(1, { mark: '0x10' }, [1]), policy(2, {}, [3])],
    packet: 'interface lan0',
    usable: [2, 3],
    expected: 'use 3 (2)',
  },
  {
    title: 'a mark policy that drops otherwise is active',
    policies: [policy(1, { mark: '0x10' }, [1], { otherwise: 'drop' }), policy(2, {}, [3])],
    packet: 'interface lan0',
    usable: [2, 3],
    expected: 'mark decides (1)',
  },
  {
    title: 'an unknown mark decides',
    policies: [policy(1, { mark: '0x10' }, [1])],
    packet: 'interface lan0',
    expected: 'mark decides (1)',
  },
  {
    title: 'an unknown mark does not matter below what matches',
    policies: [policy(1, {}, [3]), policy(2, { mark: '0x10' }, [1])],
    packet: 'interface lan0',
    expected: 'use 3 (1)',
  },
  {
    title: 'an unknown mark does not matter where the rest does not match',
    policies: [policy(1, { mark: '0x10', protocol: 'tcp' }, [1])],
    packet: 'interface lan0',
    expected: 'default 2',
  },
  {
    title: 'an unknown mark matters above an inactive entry',
    policies: [policy(1, {}, [1]), policy(2, { mark: '0x10' }, [3])],
    packet: 'interface lan0',
    usable: [2, 3],
    expected: 'mark decides (2)',
  },
  {
    title: 'a known mark at the home interface, of a packet that came in by an interface',
    policies: [policy(1, { mark: '0x10', interface: 'lan0' }, [1])],
    packet: 'interface lan0 mark 0x10',
    expected: 'use 1 (1)',
  },
];

for (const { title, policies, packet = '', usable = [1, 2, 3], expected } of cases) {
  test(title, (t) => {
    const { packet: seen, markKnown } = packetOf(packet);
    const state = { markKnown, usable: (bid: number) => usable.includes(bid) };
    t.is(
      decisionText(decide({ policies, bindings }, seen, state), { binding: String, policy: String }),
      expected,
    );
  });
}

const EVERY_PORT = { 'destination-port': '0-65535' };
/** Which packets a selector matches and which it does not. */
const selectors: [match: Match, yes: string[], no: string[]][] = [
  [{}, ['any', 'protocol 200', 'later-fragment', 'interface lan0', 'cgroup /a'], []],
  [
    { source: '2001:db8:1::/64' },
    ['source 2001:db8:1::', 'source 2001:db8:1::ffff:ffff:ffff:ffff'],
    ['source 2001:db8:0:ffff::1', 'source 2001:db8:1:1::'],
  ],
  [
    { destination: '2001:db8::1-2001:db8::9' },
    ['destination 2001:db8::1', 'destination 2001:db8::9'],
    ['destination 2001:db8::', 'destination 2001:db8::a'],
  ],
  [
    { destination: ['2001:db8::1', '2001:db8::3'] },
    ['destination 2001:db8::1', 'destination 2001:db8::3'],
    ['destination 2001:db8::2'],
  ],
  [{ destination: '::/0' }, ['any'], []],
  [{ protocol: ['udp', 'esp'] }, ['protocol udp', 'protocol esp', 'later-fragment'], ['protocol tcp']],
  [
    { 'destination-port': '5001-5005' },
    ['destination-port 5001', 'destination-port 5005', 'protocol sctp destination-port 5001'],
    ['destination-port 5000', 'destination-port 5006', 'source-port 5001'],
  ],
  [
    { 'source-port': [0, 65535] },
    ['source-port 0', 'source-port 65535'],
    ['source-port 1', 'source-port 65534'],
  ],
  [EVERY_PORT, ['any', 'protocol tcp'], ['later-fragment', 'protocol icmpv6', 'protocol esp']],
  [{ dscp: ['ef', 'cs1-cs2'] }, ['dscp 46', 'dscp 8', 'dscp 16'], ['dscp 45', 'dscp 7', 'dscp 17']],
  [
    { 'flow-label': '0x10-0x1f' },
    ['flow-label 0x10', 'flow-label 0x1f'],
    ['flow-label 0xf', 'flow-label 0x20'],
  ],
  [{ 'flow-label': '0-0xfffff' }, ['any', 'flow-label 0xfffff'], []],
  [
    { spi: '0x1000-0x1fff' },
    ['protocol esp spi 0x1000', 'spi 0x1fff'],
    ['protocol esp spi 0xfff', 'protocol esp spi 0x2000', 'any'],
  ],
  [{ spi: '1-0xffffffff' }, ['protocol esp spi 0xffffffff'], ['any', 'protocol esp later-fragment']],
  [
    { 'icmp-type': 'echo-request' },
    ['protocol icmpv6 icmp-type 128'],
    ['protocol icmpv6 icmp-type 129', 'protocol icmpv6 later-fragment', 'any'],
  ],
  [
    { 'icmp-code': '0-255' },
    ['protocol icmpv6', 'protocol icmpv6 icmp-code 255'],
    ['any', 'protocol icmpv6 later-fragment'],
  ],
  [{ interface: ['lan0', 'lan1'] }, ['interface lan0', 'interface lan1'], ['interface lan2', 'any']],
  [
    { cgroup: '/a/b' },
    ['cgroup /a/b', 'cgroup /a/b/c'],
    ['cgroup /a', 'cgroup /a/bc', 'cgroup /', 'interface lan0', 'any'],
  ],
  [{ cgroup: '/' }, ['cgroup /', 'cgroup /a/b'], ['interface lan0', 'any']],
  [{ mark: '0x10/0xff' }, ['mark 0x10', 'mark 0xabcd0010'], ['mark 0x11', 'mark 0', 'any']],
  [{ mark: '0/0xff' }, ['any', 'mark 0x100'], ['mark 1']],
  [{ mark: '0x80000000/0x80000000' }, ['mark 0xffffffff'], ['mark 0x7fffffff']],
  [
    { protocol: 'udp', source: '2001:db8:1::/64', dscp: 0 },
    ['any'],
    ['protocol tcp', 'source 2001:db8:2::1', 'dscp 1'],
  ],
];

for (const [match, yes, no] of selectors) {
  test(`selector ${JSON.stringify(match)}`, (t) => {
    const one = policy(1, match, DROP);
    const state = { usable: () => true };
    const decides = (words: string) =>
      decide({ policies: [one], bindings }, packetOf(words).packet, { ...state, markKnown: true }).kind;
    for (const words of yes) t.is(decides(words), 'drop', words);
    for (const words of no) t.is(decides(words), 'binding', words);
  });
}

test('an unknown mark never gives another answer than the known one will', (t) => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(
      policySet,
      fc.array(anyPacket, { minLength: 5, maxLength: 10 }),
      usableBids,
      (set, packets, bids) => {
        const usable = (bid: number) => bids.has(bid);
        for (const one of packets) {
          const early = decide(set, one, { markKnown: false, usable });
          kinds.set(early.kind, (kinds.get(early.kind) ?? 0) + 1);
          const answers = [0, 1, 0x10, 0x11, 0x80000000, 0xffffffff].map((bits) =>
            decide(set, { ...one, mark: bits }, { markKnown: true, usable }),
          );
          if (early.kind !== 'mark-decides') {
            for (const late of answers) t.deepEqual(late, early);
            continue;
          }
          const asking = set.policies.find(({ fid }) => fid === early.fid);
          const mark = asking?.selector.mark;
          // With the mark it asks for it decides, unless one above it asks for that mark, too.
          const late = decide(set, { ...one, mark: mark?.value }, { markKnown: true, usable });
          const by = set.policies.find((policy) => 'fid' in late && policy.fid === late.fid);
          t.truthy(mark);
          // `otherwise: default` without any binding says none, and not who decided.
          t.true(late.kind === 'none' || (by !== undefined && by.priority <= (asking?.priority ?? 0)));
        }
      },
    ),
    { numRuns: 500 },
  );
  const every = ['balance', 'binding', 'bypass', 'copy', 'drop', 'mark-decides', 'none'];
  t.deepEqual([...kinds.keys()].sort(), every);
});

test('a policy is found by its priority, wherever it stands', (t) => {
  fc.assert(
    fc.property(policySet, anyPacket, usableBids, (set, one, bids) => {
      const state = { markKnown: true, usable: (bid: number) => bids.has(bid) };
      const reversed = { policies: [...set.policies].reverse(), bindings: [...set.bindings].reverse() };
      t.deepEqual(decide(reversed, one, state), decide(set, one, state));
    }),
  );
});
