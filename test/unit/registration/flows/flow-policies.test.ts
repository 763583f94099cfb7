import test from 'ava';
import fc from 'fast-check';
import type {
  FlowIdentificationOption,
  Ipv6Selector,
  MobilityOption,
} from '../../../../src/mobility/index.js';
import { Address } from '../../../../src/net/index.js';
import {
  type CompileContext,
  compileGeneration,
  decide,
  formatSelector,
  type Packet,
  type Policy,
} from '../../../../src/policy/index.js';
import {
  type Flow,
  type FlowRefusal,
  mergePolicies,
  policiesOfFlows,
  policyOfFlow,
  tableFid,
  wireFid,
} from '../../../../src/registration/flows/index.js';
import { OPTIONS, seedOf } from '../../../support/mobility-messages.js';
import { packet } from '../../policy/arbitrary.js';
import { copy, one, policy, wire } from './policies.js';

const RUNS = 300;
const FLOW: Flow = { fid: 7, priority: 40, bids: [2], selector: wire({ protocol: one(17) }) };

test('a flow is a policy in the direction of its packets', (t) => {
  const { selector, ...rest } = policyOfFlow({
    ...FLOW,
    selector: wire({ sourcePort: one(5060), destinationPort: { low: 1, high: 2 }, flowLabel: one(0) }),
  }) as Policy;
  t.deepEqual(rest, {
    fid: 7,
    name: 'flow-7',
    priority: 40,
    action: { kind: 'use', bindings: [2] },
    otherwise: 'next',
  });
  t.is(formatSelector(selector), 'source-port 5060 destination-port 1-2 flow-label 0x0');
});

test('several BIDs get a copy each, the same one only once (RFC 6089 section 5.3.6)', (t) => {
  const actionOf = (bids: number[]) => (policyOfFlow({ ...FLOW, bids }) as Policy).action;
  t.deepEqual(actionOf([3, 1]), copy(3, 1));
  t.deepEqual(actionOf([3, 1, 3]), copy(3, 1));
  t.deepEqual(actionOf([3, 3]), { kind: 'use', bindings: [3] });
  t.deepEqual(actionOf([1, 2, 3, 4, 5, 6, 7, 65535]), copy(1, 2, 3, 4, 5, 6, 7, 65535));
});

test('the SPI 0 is in ranges of the wire, and in no policy', (t) => {
  const spiOf = (low: number, high: number) =>
    (policyOfFlow({ ...FLOW, selector: wire({ spi: { low, high } }) }) as Policy).selector.spi;
  t.deepEqual(spiOf(0, 5), [{ low: 1, high: 5 }]);
  t.deepEqual(spiOf(0, 0xffff_ffff), [{ low: 1, high: 0xffff_ffff }]);
});

const any = Address.parse('0.0.0.0');
const { flowLabel: _, ...fields } = wire();
const REFUSED: readonly (readonly [flow: Partial<Flow>, status: FlowRefusal['refused'], reason: string])[] = [
  [{ fid: 0 }, 130, 'the FID is 0'],
  [{ priority: 0 }, 130, 'the FID-PRI is 0'],
  [{ bids: undefined }, 130, 'there is no Binding Reference'],
  [{ bids: [] }, 130, 'there is no Binding Reference'],
  [{ bids: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, 129, 'it has 9 BIDs, 8 are the most that can get a copy'],
  [{ selector: undefined }, 130, 'there is no Traffic Selector'],
  [
    { selector: { type: 'other', format: 9, data: new Uint8Array() } },
    133,
    'traffic selectors of format 9 are not known',
  ],
  [
    { selector: { ...fields, type: 'ipv4', source: { low: any, high: any } } },
    133,
    'IPv4 is not carried, so that its traffic selectors are not supported',
  ],
  [{ selector: wire({ spi: one(0) }) }, 130, 'the SPI is 0, which no packet has'],
  [
    { selector: wire({ protocol: one(44) }) },
    129,
    '44 is an extension header, packets are known by the protocol behind it',
  ],
];

for (const [flow, refused, reason] of REFUSED) {
  test(`refused with status ${refused}: ${reason} (RFC 6089 section 4.2) ${JSON.stringify(flow)}`, (t) => {
    t.deepEqual(policyOfFlow({ ...FLOW, ...flow }), { refused, reason });
  });
}

/** What RFC 6088 says of a packet, without our selectors. */
function matches(selector: Ipv6Selector, { source, destination, ...rest }: Packet): boolean {
  const numbers = ['spi', 'flowLabel', 'sourcePort', 'destinationPort', 'dscp', 'protocol'] as const;
  const within = ([low, value, high]: readonly bigint[]) =>
    low !== undefined && value !== undefined && high !== undefined && low <= value && value <= high;
  const addresses = [
    [selector.source, source],
    [selector.destination, destination],
  ] as const;
  return (
    addresses.every(
      ([range, address]) =>
        range === undefined || within([range.low, address, range.high].map((end) => end.toBigInt())),
    ) &&
    numbers.every((key) => {
      const [range, value] = [selector[key], rest[key]];
      if (range === undefined) return true;
      return value !== undefined && within([range.low, value, range.high].map(BigInt));
    })
  );
}

/** Ranges that begin or end near what a packet has, so that about half of them hold it. */
function near(
  value: number | undefined,
  highest: number,
): fc.Arbitrary<{ low: number; high: number } | undefined> {
  const end = fc.constantFrom(0, 1, highest, ...[-1, 0, 1].map((by) => (value ?? 7) + by)).map((number) => {
    return Math.min(highest, Math.max(0, number));
  });
  const range = fc.tuple(end, end).map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) }));
  return fc.option(range, { nil: undefined, freq: 2 });
}

function nearAddress(address: Address): fc.Arbitrary<Ipv6Selector['source']> {
  const ends = ['::', '2001:db8::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'].map((text) =>
    Address.parse(text),
  );
  const end = fc.constantFrom(address, address, ...ends);
  const range = fc
    .tuple(end, end)
    .map(([a, b]) => (a.compare(b) <= 0 ? { low: a, high: b } : { low: b, high: a }));
  return fc.option(range, { nil: undefined, freq: 2 });
}

const packetAndSelector = packet.chain((here) =>
  fc.tuple(
    fc.constant(here),
    fc.record<Ipv6Selector>({
      type: fc.constant('ipv6'),
      source: nearAddress(here.source),
      destination: nearAddress(here.destination),
      spi: near(here.spi, 0xffff_ffff),
      flowLabel: near(here.flowLabel, 0xf_ffff),
      sourcePort: near(here.sourcePort, 0xffff),
      destinationPort: near(here.destinationPort, 0xffff),
      dscp: near(here.dscp, 63),
      protocol: near(here.protocol, 255),
    }),
  ),
);

test('the policy of a flow matches what its selector matches (RFC 6088 section 3.2)', (t) => {
  const seed = seedOf((text) => t.log(text));
  const seen = { refused: 0, yes: 0, no: 0 };
  fc.assert(
    fc.property(packetAndSelector, ([here, selector]) => {
      const made = policyOfFlow({ ...FLOW, selector });
      if ('refused' in made) {
        seen.refused++;
        return;
      }
      const state = { markKnown: true, usable: () => true };
      const yes = matches(selector, here);
      t.is(decide({ policies: [made], bindings: [] }, here, state).kind !== 'none', yes);
      seen[yes ? 'yes' : 'no']++;
    }),
    { seed, numRuns: 2000 },
  );
  t.log(JSON.stringify(seen));
  for (const [what, count] of Object.entries(seen)) t.true(count > 20, `${what}: ${count}`);
});

test('whatever flow is received, the answer is a policy or a refusal, and no exception', (t) => {
  const seed = seedOf((text) => t.log(text));
  const received = (OPTIONS['flow-identification'] as fc.Arbitrary<MobilityOption>).filter(
    (option): option is FlowIdentificationOption => option.type === 'flow-identification',
  );
  fc.assert(
    fc.property(received, (flow) => {
      const made = policyOfFlow(flow);
      if ('refused' in made) t.true([129, 130, 133].includes(made.refused));
      else t.deepEqual([made.fid, made.priority], [flow.fid, flow.priority]);
    }),
    { seed, numRuns: RUNS },
  );
});

function flows(...list: (readonly [fid: number, priority: number])[]): Policy[] {
  return list.map(([fid, priority]) => policyOfFlow({ ...FLOW, fid, priority }) as Policy);
}

test('configured policies come first and are as they were; flows follow by FID-PRI', (t) => {
  const configured = [policy(2, {}, [1], { priority: 65_535 }), policy(7, {}, [1], { priority: 1 })];
  const merged = mergePolicies(configured, flows([7, 9], [65_535, 1], [1, 65_535]));
  t.deepEqual(
    merged.map(({ fid, name, priority }) => [fid, name, priority]),
    [
      [7, 'p7', 1],
      [2, 'p2', 65_535],
      [131_071, 'flow-65535', 65_537],
      [65_543, 'flow-7', 65_545],
      [65_537, 'flow-1', 131_071],
    ],
  );
  t.is(merged[0], configured[1]);
  t.is(merged[3]?.fid, tableFid(7));
});

test('a flow has the same FID and priority whatever is configured beside it', (t) => {
  const other = flows([7, 9]);
  const numbersOf = (configured: Policy[]) => mergePolicies(configured, other).at(-1);
  t.deepEqual(numbersOf([]), numbersOf([policy(7, {}, [1]), policy(8, {}, [1], { priority: 65_535 })]));
});

test('flows of equal FID-PRI are asked by FID, each with a priority of its own', (t) => {
  const merged = mergePolicies([], flows([3, 5], [2, 5], [1, 5], [9, 6]));
  t.deepEqual(
    merged.map(({ name, priority }) => [name, priority - 65_536]),
    [
      ['flow-1', 5],
      ['flow-2', 6],
      ['flow-3', 7],
      ['flow-9', 8],
    ],
  );
});

test('a name that is configured, too, gets a prime', (t) => {
  const named = (name: string, fid: number): Policy => ({ ...policy(fid, {}, [1]), name });
  const merged = mergePolicies([named('flow-7', 1), named("flow-7'", 2)], flows([7, 9]));
  t.deepEqual(
    merged.map(({ name }) => name),
    ['flow-7', "flow-7'", "flow-7''"],
  );
});

test('what was merged compiles, and its counters are found by router and FID', (t) => {
  const seed = seedOf((text) => t.log(text));
  const context: CompileContext = {
    bindingIndex: (_router, bid) => bid,
    policyId: (_router, fid) => fid,
    ifindex: () => undefined,
    cgroupId: () => undefined,
    limits: { policies: 1024, routers: 2, nodes: 1 << 16, cgroups: 1 },
  };
  const number = fc.integer({ min: 1, max: 0xffff });
  const some = fc.array(fc.tuple(number, number), { maxLength: 20 });
  fc.assert(
    fc.property(some, some, (mine, theirs) => {
      const unique = (list: typeof mine) => [...new Map(list)];
      const priorities = [...new Map(unique(mine).map(([fid, priority]) => [priority, fid]))];
      const configured = priorities.map(([priority, fid]) => policy(fid, {}, [2], { priority }));
      const registered = flows(...unique(theirs));
      const merged = mergePolicies(configured, registered);
      const bindings = [{ bid: 2, priority: 1 }];
      const { policyIds } = compileGeneration([{ routerId: 1, policies: merged, bindings }], context);
      t.is(policyIds.size, configured.length + registered.length);
      t.is(new Set(merged.map(({ priority }) => priority)).size, merged.length);
    }),
    { seed, numRuns: RUNS },
  );
});

test('a FID of the table says whether it is of the file or of the wire', (t) => {
  for (const fid of [1, 7, 0xffff]) {
    t.is(wireFid(fid), undefined);
    t.is(wireFid(tableFid(fid)), fid);
  }
});

test('a flow whose BIDs are gone makes no policy, and one that has lost some names the others', (t) => {
  const flows = [
    { ...FLOW, fid: 1, bids: [1, 2] },
    { ...FLOW, fid: 2, bids: [2] },
    { ...FLOW, fid: 3, bids: [3, 1] },
  ];
  const say = (...bids: number[]) =>
    policiesOfFlows(flows, new Set(bids)).map(({ fid, action }) => ({ fid, action }));
  t.deepEqual(say(1, 3), [
    { fid: 1, action: { kind: 'use', bindings: [1] } },
    { fid: 3, action: { kind: 'copy', bindings: [3, 1] } },
  ]);
  t.deepEqual(say(), []);
});
