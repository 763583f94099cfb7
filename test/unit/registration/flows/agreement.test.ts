/** Router and home agent choose the same bindings: one for a packet, the other for its answer. */
import test from 'ava';
import fc from 'fast-check';
import { Address } from '../../../../src/net/index.js';
import {
  type Decision,
  decide,
  type Packet,
  type Policy,
  type PolicyBinding,
  type Selector,
} from '../../../../src/policy/index.js';
import {
  flowsOfBindings,
  flowsOfPolicies,
  mergePolicies,
  policyOfFlow,
  tableFid,
} from '../../../../src/registration/flows/index.js';
import { comparable, seedOf } from '../../../support/mobility-messages.js';
import { USUAL } from '../../../support/policy-words.js';
import { packet, policySet } from '../../policy/arbitrary.js';
import { flowsOfUpdate, overTheWire, policy, type select, updateOf } from './policies.js';

const RUNS = 400;
const WIDE = { room: 2036 };

/** Mostly without what cannot travel, so that much of a random set does. */
function travelling(set: fc.Arbitrary<{ policies: readonly Policy[]; bindings: readonly PolicyBinding[] }>) {
  return fc.tuple(set, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }))).map(([one, chance]) => {
    const often = () => (chance.next().value ?? 0) < 0.9;
    const policies = one.policies.map((policy) => {
      const strip = often();
      const selector: Selector = strip
        ? {
            ...policy.selector,
            mark: undefined,
            interface: undefined,
            cgroup: undefined,
            icmpType: undefined,
            icmpCode: undefined,
            flowLabel: often() ? undefined : [{ low: 0, high: 0xf_ffff }],
            spi: often() ? undefined : [{ low: 1, high: 0xffff_ffff }],
          }
        : policy.selector;
      const { action } = policy;
      const used = action.kind === 'balance' ? action.bindings.map(({ bid }) => bid) : undefined;
      return strip && used !== undefined
        ? { ...policy, selector, action: { kind: 'use' as const, bindings: used } }
        : { ...policy, selector };
    });
    return { policies, bindings: one.bindings };
  });
}

/** No packet has an extension header for its upper-layer protocol. */
const real = packet.map((one): Packet => (one.protocol === 0 ? { ...one, protocol: 200 } : one));

/** The answer to a packet, as the home agent sees it. */
function answerTo(one: Packet): Packet {
  return {
    ...one,
    source: one.destination,
    destination: one.source,
    sourcePort: one.destinationPort,
    destinationPort: one.sourcePort,
    interface: 'eth0',
    cgroup: undefined,
    mark: undefined,
  };
}

function subsetsOf(bids: readonly number[]): Set<number>[] {
  return Array.from(
    { length: 2 ** bids.length },
    (_, bits) => new Set(bids.filter((__, at) => (bits >> at) & 1)),
  );
}

function bidsOf(decision: Decision): number[] {
  if (decision.kind === 'binding') return [decision.bid];
  if (decision.kind === 'copy') return [...decision.bindings].sort((a, b) => a - b);
  if (decision.kind === 'none') return [];
  throw new Error(`this does not travel: ${decision.kind}`);
}

function fidOf(decision: Decision): number | null {
  return decision.kind === 'none' ? null : decision.fid;
}

/** Policies of a home agent that received these flows. */
function atHomeAgent(flows: Parameters<typeof overTheWire>[0]): readonly Policy[] {
  const read = flows.map((flow) => {
    const made = policyOfFlow(flow);
    if ('refused' in made) throw new Error(made.reason);
    return made;
  });
  return mergePolicies([], read);
}

test('whatever bindings are usable, a packet and its answer take the same ones (RFC 6089 sections 4.3, 5.3.6)', (t) => {
  const seed = seedOf((text) => t.log(text));
  const seen = { policy: 0, default: 0, copies: 0, further: 0, none: 0 };
  fc.assert(
    fc.property(
      travelling(policySet),
      fc.array(real, { minLength: 6, maxLength: 6 }),
      ({ policies, bindings }, packets) => {
        const first = flowsOfPolicies(policies, { bindings, ...WIDE });
        const set = { bindings, policies: policies.filter(({ fid }) => first.expressed.has(fid)) };
        const { flows, local, expressed } = flowsOfPolicies(set.policies, { bindings, ...WIDE });
        // Policies that stay local do not change what the others are on the wire.
        t.deepEqual(comparable(flows), comparable(first.flows));
        t.deepEqual(local, []);
        const received = overTheWire(flows);
        t.deepEqual(comparable(received), comparable(flows));
        const known = atHomeAgent(received);
        for (const usable of subsetsOf(bindings.map(({ bid }) => bid))) {
          const state = { markKnown: true, usable: (bid: number) => usable.has(bid) };
          const registered = atHomeAgent(flowsOfBindings(flows, usable));
          for (const upstream of packets) {
            const here = decide(set, upstream, state);
            // `otherwise: drop`, about which there is a remark.
            if (here.kind === 'drop') continue;
            const wanted = bidsOf(here);
            for (const list of [known, registered]) {
              const answer = decide({ bindings, policies: list }, answerTo(upstream), state);
              t.deepEqual(bidsOf(answer), wanted);
              if (here.kind === 'none') continue;
              const there = fidOf(answer);
              const fids = expressed.get(fidOf(here) ?? 0)?.map(tableFid) ?? [];
              t.true(there === null ? fids.length === 0 : fids.includes(there), `${there}`);
              if (there !== null && fids.indexOf(there) > 0) seen.further++;
            }
            if (here.kind === 'none') seen.none++;
            else if (fidOf(here) === null) seen.default++;
            else seen.policy++;
            if (wanted.length > 1) seen.copies++;
          }
        }
      },
    ),
    { seed, numRuns: RUNS },
  );
  t.log(JSON.stringify(seen));
  for (const [what, count] of Object.entries(seen)) t.true(count > 100, `${what}: ${count}`);
});

interface Edge {
  readonly what: string;
  /** On the router, in the words of the configuration file. */
  readonly match: Parameters<typeof select>[0];
  /** Answers, by what is not as it is in the usual one. */
  readonly yes: readonly Partial<Packet>[];
  readonly no: readonly Partial<Packet>[];
}

const ANSWER = answerTo(USUAL);
const NO_PORTS = { sourcePort: undefined, destinationPort: undefined };

const EDGES: readonly Edge[] = [
  { what: 'everything', match: {}, yes: [{}, { protocol: 58, ...NO_PORTS }], no: [] },
  {
    what: 'all addresses',
    match: { source: '::/0', destination: '::/0' },
    yes: [{}, { protocol: 50 }],
    no: [],
  },
  {
    what: 'the last address',
    match: { destination: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' },
    yes: [{ source: Address.parse('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') }],
    no: [{}, { destination: Address.parse('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') }],
  },
  {
    what: 'port 0',
    match: { 'destination-port': 0 },
    yes: [{ sourcePort: 0 }],
    no: [{ sourcePort: 1 }, { destinationPort: 0 }, NO_PORTS],
  },
  {
    what: 'port 65535',
    match: { 'source-port': 65_535 },
    yes: [{ destinationPort: 65_535 }],
    no: [{ destinationPort: 65_534 }],
  },
  {
    what: 'any port',
    match: { 'source-port': '0-65535' },
    yes: [{}, { destinationPort: 0 }],
    no: [NO_PORTS],
  },
  {
    what: 'DSCP 0',
    match: { dscp: 0 },
    yes: [{ dscp: 0 }],
    no: [{ dscp: 1 }, { dscp: 63 }],
  },
  { what: 'DSCP 46-63', match: { dscp: '46-63' }, yes: [{ dscp: 46 }, { dscp: 63 }], no: [{ dscp: 45 }] },
  { what: 'protocol 255', match: { protocol: 255 }, yes: [{ protocol: 255 }], no: [{ protocol: 254 }] },
  {
    what: 'all flow labels',
    match: { 'flow-label': '0-0xfffff' },
    yes: [{ flowLabel: 0 }, { flowLabel: 0xf_ffff }],
    no: [],
  },
  {
    what: 'all SPIs',
    match: { spi: '1-0xffffffff' },
    yes: [{ spi: 1 }, { spi: 0xffff_ffff }],
    no: [{ spi: undefined }],
  },
];

for (const { what, match, yes, no } of EDGES) {
  test(`over the wire: ${what} (RFC 6088 section 3.2)`, (t) => {
    const { flows } = flowsOfPolicies([policy(65_535, match, [1], { priority: 65_535 })], {
      bindings: [],
      ...WIDE,
    });
    const policies = atHomeAgent(overTheWire(flows));
    t.is(policies[0]?.fid, tableFid(65_535));
    const kindOf = (fields: Partial<Packet>) =>
      decide({ policies, bindings: [] }, { ...ANSWER, ...fields }, { markKnown: true, usable: () => true })
        .kind;
    for (const fields of yes) t.is(kindOf(fields), 'binding', JSON.stringify(fields));
    for (const fields of no) t.is(kindOf(fields), 'none', JSON.stringify(fields));
  });
}

test('the ECN bits of a received DSCP do not matter (RFC 6088 section 3.2)', (t) => {
  const { flows } = flowsOfPolicies([policy(1, { dscp: 'ef' }, [1])], { bindings: [], ...WIDE });
  const bytes = updateOf(flows);
  // EF as a traffic class.
  const at = bytes.lastIndexOf(46 << 2);
  for (const ecn of [0, 1, 2, 3]) {
    bytes[at] = (46 << 2) | ecn;
    const [read] = atHomeAgent(flowsOfUpdate(bytes));
    t.deepEqual(read?.selector.dscp, [{ low: 46, high: 46 }]);
  }
});
