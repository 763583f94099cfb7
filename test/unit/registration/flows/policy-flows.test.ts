import test from 'ava';
import {
  encodeAuthenticated,
  type FlowIdentificationOption,
  type MobilityOption,
  type TrafficSelector,
} from '../../../../src/mobility/index.js';
import { Address, Prefix } from '../../../../src/net/index.js';
import {
  type Action,
  formatSelector,
  type Policy,
  type PolicyBinding,
} from '../../../../src/policy/index.js';
import {
  type FlowContext,
  type FlowRemark,
  flowsOfBindings,
  flowsOfPolicies,
  type LocalPolicy,
  type PolicyFlows,
  policyOfFlow,
} from '../../../../src/registration/flows/index.js';
import { comparable } from '../../../support/mobility-messages.js';
import { copy, one, overTheWire, policy, updateOf, wire } from './policies.js';

const bindings: PolicyBinding[] = [
  { bid: 1, priority: 10 },
  { bid: 2, priority: 30 },
  { bid: 3, priority: 20 },
  { bid: 4, priority: 20 },
];
const CONTEXT: FlowContext = { bindings, room: 2036 };

/** `FID/FID-PRI BID,BID selector` for each flow, the selector in the words of policies. */
function texts(flows: readonly FlowIdentificationOption[]): string[] {
  return flows.map((flow) => {
    const made = policyOfFlow(flow);
    if ('refused' in made) throw new Error(made.reason);
    return `${flow.fid}/${flow.priority} ${flow.bids?.join(',')} ${formatSelector(made.selector)}`;
  });
}

function flowsOf(...policies: Policy[]): string[] {
  const { flows, local } = flowsOfPolicies(policies, CONTEXT);
  if (local.length > 0) throw new Error(local.map(({ reason }) => reason).join());
  return texts(flows);
}

function selectorOf(match: Parameters<typeof policy>[1]): TrafficSelector | undefined {
  return flowsOfPolicies([policy(1, match, [1])], CONTEXT).flows[0]?.selector;
}

test('a policy is one flow with the selector of the packets that come back (RFC 6088 section 3.2)', (t) => {
  const voice = policy(
    7,
    {
      protocol: 'udp',
      source: '2001:db8:1::/64',
      destination: '2001:db8:99::2',
      'source-port': '16384-32767',
      'destination-port': 5060,
      dscp: 'ef',
    },
    [2],
  );
  const { flows, local, remarks, expressed } = flowsOfPolicies([voice], CONTEXT);
  const correspondent = Address.parse('2001:db8:99::2');
  t.deepEqual(
    comparable(flows),
    comparable([
      {
        type: 'flow-identification',
        fid: 7,
        priority: 16 * 70,
        status: 0,
        bids: [2],
        selector: wire({
          source: { low: correspondent, high: correspondent },
          destination: {
            low: Address.parse('2001:db8:1::'),
            high: Address.parse('2001:db8:1::ffff:ffff:ffff:ffff'),
          },
          sourcePort: one(5060),
          destinationPort: { low: 16384, high: 32767 },
          dscp: one(46),
          protocol: one(17),
        }),
        others: [],
      },
    ]),
  );
  t.deepEqual([local, remarks], [[], []]);
  t.deepEqual([...expressed], [[7, [7]]]);
});

test('a fall-back is one flow for each binding, one behind the other (RFC 6089 section 4.3)', (t) => {
  t.deepEqual(flowsOf(policy(5, { protocol: 'tcp' }, [3, 1, 2])), [
    '5/800 3 protocol tcp',
    '32849/801 1 protocol tcp',
    '32850/802 2 protocol tcp',
  ]);
});

test('copies are one flow with all BIDs (RFC 6089 section 5.3.6)', (t) => {
  t.deepEqual(flowsOf(policy(5, {}, copy(3, 1))), ['5/800 3,1 any']);
});

test('otherwise default: the bindings it does not list follow by BID-PRI, then BID', (t) => {
  t.deepEqual(flowsOf(policy(5, {}, [2], { otherwise: 'default' })), [
    '5/800 2 any',
    '32849/801 1 any',
    '32850/802 3 any',
    '32851/803 4 any',
  ]);
  t.deepEqual(flowsOf(policy(5, {}, copy(1, 4), { otherwise: 'default' })), [
    '5/800 1,4 any',
    '32849/801 3 any',
    '32850/802 2 any',
  ]);
});

test('each combination of ranges is a flow, and a binding is tried for all of them before the next', (t) => {
  const lists = { protocol: ['tcp', 'udp'], 'destination-port': [53, '80-81'] };
  t.deepEqual(flowsOf(policy(1, lists, [2, 1])), [
    '1/160 2 protocol tcp source-port 53',
    '32785/161 2 protocol udp source-port 53',
    '32786/162 2 protocol tcp source-port 80-81',
    '32787/163 2 protocol udp source-port 80-81',
    '32788/164 1 protocol tcp source-port 53',
    '32789/165 1 protocol udp source-port 53',
    '32790/166 1 protocol tcp source-port 80-81',
    '32791/167 1 protocol udp source-port 80-81',
  ]);
});

test('what no packet can match is not sent', (t) => {
  const match = { protocol: ['tcp', 'icmpv6', 'esp'], 'source-port': 0 };
  t.deepEqual(flowsOf(policy(1, match, [1])), ['1/160 1 protocol tcp destination-port 0']);
  const { flows, local } = flowsOfPolicies([policy(1, { protocol: 'esp', 'source-port': 1 }, [1])], CONTEXT);
  t.deepEqual([flows, local], [[], [{ fid: 1, name: 'p1', reason: 'no packet can match it' }]]);
});

test('16 flows of one policy are the most', (t) => {
  const ports = Array.from({ length: 17 }, (_, at) => 2 * at);
  t.is(flowsOf(policy(1, { 'source-port': ports.slice(0, 16) }, [1])).length, 16);
  t.is(flowsOf(policy(1, { 'source-port': ports.slice(0, 8) }, [1, 2])).length, 16);
  const many = (match: Parameters<typeof policy>[1], use: number[]) =>
    flowsOfPolicies([policy(1, match, use)], CONTEXT).local.map(({ reason }) => reason);
  const reason = (count: number) =>
    `its ranges and bindings make ${count} flows, 16 are the most: write fewer or wider ranges`;
  t.deepEqual(many({ 'source-port': ports }, [1]), [reason(17)]);
  t.deepEqual(many({ 'source-port': ports.slice(0, 9) }, [1, 2]), [reason(18)]);
  t.deepEqual(many({ 'source-port': ports, 'destination-port': ports }, [1, 2]), [reason(578)]);
});

test('whole ranges that every packet is in are not sent; ports and SPIs are not in every packet', (t) => {
  const all = {
    source: '::/0',
    destination: '::/0',
    protocol: '0-255',
    dscp: '0-63',
    'flow-label': '0-0xfffff',
  };
  t.deepEqual(selectorOf(all), wire());
  t.deepEqual(selectorOf({}), wire());
  t.deepEqual(selectorOf({ spi: '1-0xffffffff' }), wire({ spi: { low: 1, high: 0xffff_ffff } }));
  const whole = { low: 0, high: 65535 };
  t.deepEqual(
    selectorOf({ 'source-port': '0-65535', 'destination-port': [0] }),
    wire({ destinationPort: whole, sourcePort: one(0) }),
  );
});

const LOCAL: readonly (readonly [
  match: Parameters<typeof policy>[1],
  action: Action | number[],
  reason: string,
])[] = [
  [{ mark: 1 }, [1], 'it asks for a mark, which packets towards the router do not have yet'],
  [{ interface: 'lan0' }, [1], 'it asks for an interface of this router, which the home agent does not see'],
  [{ cgroup: '/a' }, [1], 'it asks for a cgroup, which only this machine knows'],
  [
    { 'icmp-type': 'echo-request', 'icmp-code': '0-255' },
    [1],
    'it asks for an ICMPv6 type, for which a traffic selector has no field; it asks for an ICMPv6 code, for which a traffic selector has no field',
  ],
  [
    { 'flow-label': 0 },
    [1],
    'it asks for a flow label, and the other end chooses those of its packets by itself',
  ],
  [
    { spi: '2-0xffffffff' },
    [1],
    'it asks for an SPI, and packets the other way belong to another security association',
  ],
  [
    {},
    { kind: 'balance', bindings: [{ bid: 1, weight: 1 }] },
    'it balances, and a flow can only be given one binding or copied to several',
  ],
  [{}, { kind: 'drop' }, 'it drops, and RFC 6089 has no such action'],
  [
    { cgroup: '/a' },
    { kind: 'bypass' },
    'it bypasses the home agent, which has no other way to this router; it asks for a cgroup, which only this machine knows',
  ],
];

for (const [match, action, reason] of LOCAL) {
  test(`stays local: ${reason} (${JSON.stringify(match)})`, (t) => {
    const { flows, local, remarks, expressed } = flowsOfPolicies([policy(3, match, action)], CONTEXT);
    const staying: LocalPolicy = { fid: 3, name: 'p3', reason };
    t.deepEqual(local, [staying]);
    t.deepEqual([flows, remarks, expressed.size], [[], [], 0]);
  });
}

test('a policy below a local one that is about the same packets has a remark', (t) => {
  const remarksOf = (...policies: Policy[]): readonly FlowRemark[] =>
    flowsOfPolicies(policies, CONTEXT).remarks;
  const drop: Action = { kind: 'drop' };
  const voice = policy(9, { protocol: 'udp', 'destination-port': 5060 }, [1]);
  t.deepEqual(remarksOf(policy(1, { protocol: 'udp' }, drop), voice), [
    {
      fid: 9,
      name: 'p9',
      remark: "at the home agent it decides also what is for 'p1' here, of which the home agent is not told",
    },
  ]);
  t.deepEqual(remarksOf(policy(1, { protocol: 'tcp' }, drop), voice), []);
  t.deepEqual(remarksOf(policy(10, { protocol: 'udp' }, drop), voice), []);
  const five = [1, 2, 3, 4, 5].map((fid) => policy(fid, { mark: fid }, [1]));
  t.deepEqual(
    remarksOf(...five, voice).map(({ remark }) => remark),
    [
      "at the home agent it decides also what is for 'p1', 'p2', 'p3' and 2 more here, of which the home agent is not told",
    ],
  );
});

test('otherwise drop travels without its drop, and that is said', (t) => {
  const { flows, remarks } = flowsOfPolicies([policy(2, {}, [1], { otherwise: 'drop' })], CONTEXT);
  t.deepEqual(texts(flows), ['2/320 1 any']);
  t.deepEqual(remarks, [
    {
      fid: 2,
      name: 'p2',
      remark:
        'while none of its bindings is registered, the home agent does not drop but goes on to what follows',
    },
  ]);
});

test('when room ends, that policy and all behind it stay; those before it are the same as with more room', (t) => {
  const policies = [
    policy(1, { 'source-port': 1 }, [1]),
    policy(2, { 'source-port': 2 }, [1, 2]),
    policy(3, { source: '2001:db8:1::1-2001:db8:1::5' }, [1]),
    policy(4, {}, [1]),
    policy(5, { mark: 1 }, [1]),
  ];
  const all = flowsOfPolicies(policies, CONTEXT);
  t.deepEqual([...all.expressed.keys()].sort(), [1, 2, 3, 4]);
  // A flow with one port has 22 bytes.
  const noRoom = 'there is no room for it and all behind it: the Binding Update is full, or no FID is free';
  for (const [room, count] of [
    [2 * 22 + 22, 3],
    [2 * 22 + 22 + 20, 3],
    [2 * 22 + 21, 1],
    [22, 1],
    [21, 0],
    [0, 0],
  ] as const) {
    const some = flowsOfPolicies(policies, { bindings, room });
    t.deepEqual(comparable(some.flows), comparable(all.flows.slice(0, count)), `${room}`);
    const staying = { 3: [3, 4], 1: [2, 3, 4], 0: [1, 2, 3, 4] }[count];
    t.deepEqual(
      some.local.map(({ fid, reason }) => [fid, reason]),
      [...staying.map((fid) => [fid, noRoom]), [5, all.local[0]?.reason]],
    );
  }
});

test('flows that have room stand in a Binding Update with all else that may be in one', (t) => {
  const careOf = Address.parse('2001:db8:a::2');
  const home = Address.parse('2001:db8:77::1');
  const policies = Array.from({ length: 200 }, (_, at) =>
    policy(at + 1, at % 3 === 0 ? { source: home.toString(), dscp: at % 64 } : { 'source-port': at }, [1, 2]),
  );
  for (let count = 1; count <= 16; count++) {
    const before: MobilityOption[] = [
      ...Array.from({ length: count }, (_, at) => {
        const address = at % 3 === 0 ? undefined : careOf;
        return {
          type: 'binding-identifier',
          bid: at + 1,
          status: 0,
          home: false,
          priority: 1,
          careOf: address,
        } as const;
      }),
      ...Array.from({ length: count % 5 }, () => {
        return { type: 'mobile-network-prefix', prefix: Prefix.covering(home, 64) } as const;
      }),
      { type: 'other', number: 200, data: new Uint8Array(count) },
    ];
    const behind: MobilityOption[] = [{ type: 'replay-protection', timestamp: 1n }];
    const lengthWith = (flows: readonly MobilityOption[]) =>
      encodeAuthenticated(
        {
          type: 'binding-update',
          sequence: 1,
          flags: [],
          lifetime: 4,
          options: [...before, ...flows, ...behind],
        },
        { careOf, homeAddress: home },
        { spi: 256, key: new Uint8Array(16) },
      ).length;
    const room = 2048 - lengthWith([]) - 16;
    const { flows, local } = flowsOfPolicies(policies, { bindings, room });
    const length = lengthWith(flows);
    t.true(length <= 2048);
    // One more policy would not have fitted: it has two flows of at most 44 bytes.
    t.true(length > 2048 - 2 * 44 - 32);
    t.true(local.length > 0);
  }
});

test('the order in which policies are given does not matter', (t) => {
  const policies = [
    policy(9, {}, [1, 2]),
    policy(3, { mark: 1 }, [1]),
    policy(5, { protocol: 6 }, copy(1, 2)),
  ];
  const there: PolicyFlows = flowsOfPolicies(policies, CONTEXT);
  const back: PolicyFlows = flowsOfPolicies([...policies].reverse(), CONTEXT);
  t.deepEqual(comparable(there), comparable(back));
  t.deepEqual(there.expressed, back.expressed);
});

test('1,000 policies: as many of the first ones travel as one Binding Update has room for', (t) => {
  const policies = Array.from({ length: 1000 }, (_, at) =>
    at % 2 === 0
      ? policy(at + 1, { source: `2001:db8:1::${(at + 1).toString(16)}` }, [1, 2])
      : policy(at + 1, { mark: at }, [1]),
  );
  const { flows, local, remarks, expressed } = flowsOfPolicies(policies, CONTEXT);
  t.is(expressed.size + local.length, 1000);
  t.is(flows.length, 2 * expressed.size);
  t.true(updateOf(flows).length <= 2048);
  // A flow with an address has 40 bytes: two more do not fit.
  t.true(updateOf(flows).length > 2048 - 2 * 40);
  t.deepEqual(comparable(overTheWire(flows)), comparable(flows));
  t.deepEqual(
    [...expressed.keys()],
    Array.from({ length: expressed.size }, (_, at) => 2 * at + 1),
  );
  // All but the first are below one with a mark, which can match the same packets.
  t.is(remarks.length, expressed.size - 1);
});

test('policies are compared for remarks a bounded number of times', (t) => {
  const marked = Array.from({ length: 60_000 }, (_, at) =>
    policy(at + 1, { mark: at }, [1], { priority: at + 1 }),
  );
  const last = [1, 2, 3, 4].map((at) =>
    policy(60_000 + at, { protocol: 200 + at }, [1], { priority: 60_000 + at }),
  );
  const { remarks } = flowsOfPolicies([...marked, ...last], CONTEXT);
  t.deepEqual(
    remarks.map(({ remark }) => remark.startsWith('there are too many local policies before it')),
    [false, false, false, true],
  );
});

test('where all FIDs are policies, what needs a second one stays', (t) => {
  const all = Array.from({ length: 0xffff }, (_, at) =>
    policy(at + 1, { mark: 1 }, [1], { priority: at + 1 }),
  );
  const policies = [
    policy(1, {}, [1], { priority: 1 }),
    policy(2, {}, [1, 2], { priority: 2 }),
    ...all.slice(2),
  ];
  const { flows, local } = flowsOfPolicies(policies, CONTEXT);
  t.deepEqual(texts(flows), ['1/16 1 any']);
  t.is(local[0]?.fid, 2);
});

test('a home agent is told BIDs that it knows only (RFC 6089 section 5.3.2.1, status 131)', (t) => {
  const { flows } = flowsOfPolicies([policy(1, {}, copy(1, 2)), policy(2, {}, [3, 1])], CONTEXT);
  const within = (...bids: number[]) => texts(flowsOfBindings(flows, new Set(bids)));
  t.deepEqual(within(1, 2, 3), ['1/160 1,2 any', '2/320 3 any', '32801/321 1 any']);
  t.deepEqual(within(1), ['1/160 1 any', '32801/321 1 any']);
  t.deepEqual(within(2, 3), ['1/160 2 any', '2/320 3 any']);
  t.deepEqual(within(), []);
  const kept: FlowIdentificationOption[] = flows.map((flow) => ({ ...flow, bids: undefined }));
  t.deepEqual(flowsOfBindings(kept, new Set()), kept);
});
