import test from 'ava';
import { Address, Prefix } from '../../../src/net/index.js';
import {
  ANY,
  type Decision,
  decide,
  type Packet,
  type Policy,
  parseMark,
  type Selector,
} from '../../../src/policy/index.js';

const bindings = [
  { bid: 3, priority: 10 },
  { bid: 1, priority: 20 },
  { bid: 2, priority: 10 },
];

function policy(fid: number, selector: Partial<Selector>, use: number[], priority = fid * 10): Policy {
  return { fid, name: `p${fid}`, priority, selector: { ...ANY, ...selector }, use };
}

const udp: Packet = {
  source: Address.parse('2001:db8:1::2'),
  destination: Address.parse('2001:db8:99::2'),
  protocol: 17,
  sourcePort: 40000,
  destinationPort: 5001,
  mark: undefined,
};
const fragment: Packet = { ...udp, sourcePort: undefined, destinationPort: undefined };
const mark = (text: string) => ({ mark: parseMark(text) });
const by = (bid: number, fid: number | null): Decision => ({ kind: 'binding', bid, fid });

interface Case {
  readonly title: string;
  readonly policies: Policy[];
  readonly packet?: Packet;
  readonly usable?: number[];
  readonly markKnown?: boolean;
  readonly expected: Decision;
}

const cases: Case[] = [
  { title: 'no policy: lowest BID-PRI, then lower BID', policies: [], expected: by(2, null) },
  { title: 'the default skips what is unusable', policies: [], usable: [1, 3], expected: by(3, null) },
  { title: 'nothing usable', policies: [policy(1, {}, [1])], usable: [], expected: { kind: 'none' } },
  {
    title: 'priority counts, not the order of the list',
    policies: [policy(1, {}, [1], 9), policy(2, {}, [3], 8)],
    expected: by(3, 2),
  },
  {
    title: 'the first usable binding of the list',
    policies: [policy(1, {}, [1, 3, 2])],
    usable: [2, 3],
    expected: by(3, 1),
  },
  {
    title: 'an inactive entry is skipped',
    policies: [policy(1, {}, [1]), policy(2, {}, [3])],
    usable: [2, 3],
    expected: by(3, 2),
  },
  {
    title: 'only inactive entries: the default',
    policies: [policy(1, {}, [1])],
    usable: [2, 3],
    expected: by(2, null),
  },
  {
    title: 'fields are ANDed',
    policies: [policy(1, { protocol: 17, source: Prefix.parse('2001:db8:2::/64') }, [1])],
    expected: by(2, null),
  },
  {
    title: 'source prefix',
    policies: [policy(1, { source: Prefix.parse('2001:db8:1::/64') }, [1])],
    expected: by(1, 1),
  },
  {
    title: 'destination host',
    policies: [policy(1, { destination: Prefix.parse('2001:db8:99::2/128') }, [1])],
    expected: by(1, 1),
  },
  {
    title: 'destination host, one bit off',
    policies: [policy(1, { destination: Prefix.parse('2001:db8:99::3/128') }, [1])],
    expected: by(2, null),
  },
  {
    title: '::/0 is everything',
    policies: [policy(1, { destination: Prefix.DEFAULT }, [1])],
    expected: by(1, 1),
  },
  {
    title: 'port at the low end',
    policies: [policy(1, { destinationPort: { low: 5001, high: 5005 } }, [1])],
    expected: by(1, 1),
  },
  {
    title: 'port at the high end',
    policies: [policy(1, { destinationPort: { low: 4000, high: 5001 } }, [1])],
    expected: by(1, 1),
  },
  {
    title: 'port just outside',
    policies: [policy(1, { destinationPort: { low: 5002, high: 5005 } }, [1])],
    expected: by(2, null),
  },
  {
    title: 'a later fragment has no port, not even in 0-65535',
    policies: [policy(1, { sourcePort: { low: 0, high: 65535 } }, [1])],
    packet: fragment,
    expected: by(2, null),
  },
  {
    title: 'a later fragment still has its protocol',
    policies: [policy(1, { protocol: 17 }, [1])],
    packet: fragment,
    expected: by(1, 1),
  },
  {
    title: 'mark under its mask',
    policies: [policy(1, mark('0x10/0xff'), [1])],
    packet: { ...udp, mark: 0xabcd_0010 },
    markKnown: true,
    expected: by(1, 1),
  },
  {
    title: 'another mark',
    policies: [policy(1, mark('0x10/0xff'), [1])],
    packet: { ...udp, mark: 0x11 },
    markKnown: true,
    expected: by(2, null),
  },
  {
    title: 'no mark is mark 0',
    policies: [policy(1, mark('0/0xff'), [1])],
    markKnown: true,
    expected: by(1, 1),
  },
  {
    title: 'the highest bit of a mark',
    policies: [policy(1, mark('0x80000000/0x80000000'), [1])],
    packet: { ...udp, mark: 0xffffffff },
    markKnown: true,
    expected: by(1, 1),
  },
  {
    title: 'an unknown mark decides',
    policies: [policy(1, mark('0x10'), [1])],
    expected: { kind: 'mark-decides', fid: 1 },
  },
  {
    title: 'an unknown mark does not matter below what matches',
    policies: [policy(1, {}, [3]), policy(2, mark('0x10'), [1])],
    expected: by(3, 1),
  },
  {
    title: 'an unknown mark does not matter where the rest does not match',
    policies: [policy(1, { ...mark('0x10'), protocol: 6 }, [1])],
    expected: by(2, null),
  },
  {
    title: 'an unknown mark matters above an inactive entry',
    policies: [policy(1, {}, [1]), policy(2, mark('0x10'), [3])],
    usable: [2, 3],
    expected: { kind: 'mark-decides', fid: 2 },
  },
];

for (const { title, policies, packet = udp, usable = [1, 2, 3], markKnown = false, expected } of cases) {
  test(title, (t) => {
    const state = { markKnown, usable: (bid: number) => usable.includes(bid) };
    t.deepEqual(decide({ policies, bindings }, packet, state), expected);
  });
}
