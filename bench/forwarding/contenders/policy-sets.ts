// Policies as the contenders are given them, and the flows that go with each set.
import { prefixes } from '../../../lab/topology.js';
import { Prefix } from '../../../src/net/index.js';
import { type AddressMatch, ANY, type Policy } from '../../../src/policy/index.js';
import { classBench, routerMix } from '../../classify/policies.js';
import { type FlowSet, plainFlows, policyFlows } from '../flows.js';

export interface BenchPolicies {
  /** `1 policy`, `1,000 policies`, or the name of a set. */
  readonly name: string;
  /** In order; two bindings, 1 and 2. */
  readonly policies: readonly Policy[];
  /** Where packets come from: the mobile network prefix, and what the policies say of sources. */
  readonly sources: readonly string[];
  readonly flows: FlowSet;
}

/** Source prefixes that cover those of the policies have this length. */
const COVER = 32;
const BINDINGS = 2;

/** The router mix without marks: what depends on a mark is for the stack to decide, by design. */
export function mixOf(count: number): BenchPolicies {
  const name = `${count.toLocaleString('en')} ${count === 1 ? 'policy' : 'policies'}`;
  if (count === 1) {
    const [first] = routerMix(1, 1).policies as [Policy];
    const one: Policy = { ...withTwoBindings(first), selector: ANY };
    return {
      name,
      policies: [one],
      sources: [prefixes.mobile],
      flows: plainFlows(name, { sources: [prefixes.mobile] }),
    };
  }
  return prepared(
    name,
    routerMix(count, 1).policies.map((policy) => ({
      ...policy,
      selector: { ...policy.selector, mark: undefined },
    })),
  );
}

/** The sets of a folder in ClassBench's manner. */
export function setsOf(folder: string): BenchPolicies[] {
  return classBench(folder).map(({ name, policies }) => prepared(name, policies));
}

function prepared(name: string, given: readonly Policy[]): BenchPolicies {
  const policies = given.map(withTwoBindings);
  const sources = [
    ...new Set([prefixes.mobile, ...policies.flatMap(({ selector }) => covers(selector.source))]),
  ];
  return { name, policies, sources, flows: policyFlows(name, policies, { sources }) };
}

function withTwoBindings(policy: Policy): Policy {
  const first = 1 + (policy.fid % BINDINGS);
  return { ...policy, action: { kind: 'use', bindings: [first, BINDINGS + 1 - first] }, otherwise: 'next' };
}

function covers(match: AddressMatch | undefined): string[] {
  return (match?.ranges ?? []).map(({ low }) => Prefix.covering(low, COVER).toString());
}

/** Policies of which no two match the same packet, as a map of intervals wants them: the first ones of a mix. */
export function disjointMix(count: number): BenchPolicies {
  const taken: Policy[] = [];
  for (let more = 2; taken.length < count; more *= 2) {
    if (more > 64) throw new Error(`no ${count} policies that are disjoint`);
    taken.length = 0;
    const known = new Map<string, Policy[]>();
    for (const policy of routerMix(more * count, 3).policies) {
      const { selector } = policy;
      if (selector.dscp !== undefined || selector.mark !== undefined) continue;
      // What has no destination, or that of a whole site, would overlap with very many.
      const [site] = covers(selector.destination);
      if (site === undefined) continue;
      const near = known.get(site) ?? [];
      if (near.some((other) => overlaps(policy, other))) continue;
      known.set(site, [...near, policy]);
      taken.push(policy);
      if (taken.length === count) break;
    }
  }
  return prepared(`${count.toLocaleString('en')} disjoint policies`, taken);
}

function overlaps({ selector: a }: Policy, { selector: b }: Policy): boolean {
  const numbers = (['protocol', 'destinationPort'] as const).every((field) => {
    const [one, other] = [a[field], b[field]];
    return (
      one === undefined ||
      other === undefined ||
      one.some((x) => other.some((y) => x.low <= y.high && y.low <= x.high))
    );
  });
  return numbers && addressesOverlap(a.destination, b.destination) && addressesOverlap(a.source, b.source);
}

function addressesOverlap(a: AddressMatch | undefined, b: AddressMatch | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.ranges.some((x) => b.ranges.some((y) => x.low.compare(y.high) <= 0 && y.low.compare(x.high) <= 0));
}
