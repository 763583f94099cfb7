/** What can be left out of a case, the largest steps first. */

import { Address } from '../../../../src/net/index.js';
import {
  type Action,
  type AddressMatch,
  bindingsOf,
  type Policy,
  type Range,
  type Selector,
} from '../../../../src/policy/index.js';
import { Next } from '../../../support/packet.js';
import { routerOf } from './answer.js';
import type { OracleCase, OracleRouter } from './oracle-case.js';
import type { PacketRecipe } from './packet-recipe.js';
import { withoutParts } from './shrink.js';

export function* smallerCases(each: OracleCase): Generator<OracleCase> {
  for (const smaller of anySmallerCases(each)) {
    // What is left must still be somebody's.
    if (smaller.packets.every((packet) => routerOf(smaller, packet) !== undefined)) yield smaller;
  }
}

function* anySmallerCases(each: OracleCase): Generator<OracleCase> {
  for (const packets of withoutParts(each.packets)) {
    if (packets.length > 0) yield { ...each, packets };
  }
  for (const routers of withoutParts(each.routers)) yield { ...each, routers };
  for (const [at, router] of each.routers.entries()) {
    for (const smaller of smallerRouters(router)) {
      yield { ...each, routers: each.routers.with(at, smaller) };
    }
  }
  // One at a time; while there are many, leaving some out is better.
  if (each.packets.length > 3) return;
  for (const [at, packet] of each.packets.entries()) {
    for (const change of smallerPackets(packet)) {
      yield { ...each, packets: each.packets.with(at, { ...packet, ...change }) };
    }
  }
}

function* smallerRouters(router: OracleRouter): Generator<OracleRouter> {
  for (const policies of withoutParts(router.policies)) yield { ...router, policies };
  const named = new Set(router.policies.flatMap(({ action }) => bindingsOf(action)));
  const needed = router.bindings.filter(({ bid }) => named.has(bid));
  if (needed.length < router.bindings.length) yield { ...router, bindings: needed };
  for (const bindings of withoutParts(router.bindings)) {
    const bids = new Set(bindings.map(({ bid }) => bid));
    if ([...named].every((bid) => bids.has(bid))) yield { ...router, bindings };
  }
  for (const usable of withoutParts(router.usable)) yield { ...router, usable };
  if (router.policies.length > 8) return;
  for (const [at, policy] of router.policies.entries()) {
    for (const change of smallerPolicies(policy)) {
      yield { ...router, policies: router.policies.with(at, { ...policy, ...change }) };
    }
  }
}

function* smallerPolicies({ selector, action, otherwise }: Policy): Generator<Partial<Policy>> {
  for (const smaller of smallerSelectors(selector)) yield { selector: smaller };
  if (otherwise !== 'next') yield { otherwise: 'next' };
  for (const smaller of smallerActions(action)) yield { action: smaller };
}

function* smallerActions(action: Action): Generator<Action> {
  if (action.kind === 'drop' || action.kind === 'bypass') return;
  if (action.kind === 'balance') {
    for (const bindings of withoutParts(action.bindings)) {
      if (bindings.length > 0) yield { ...action, bindings };
    }
    return;
  }
  for (const bindings of withoutParts(action.bindings)) {
    if (bindings.length > 0) yield { ...action, bindings };
  }
}

function* smallerSelectors(selector: Selector): Generator<Selector> {
  for (const [field, asked] of Object.entries(selector)) {
    if (asked === undefined) continue;
    yield { ...selector, [field]: undefined };
  }
  for (const [field, asked] of Object.entries(selector) as [keyof Selector, Selector[keyof Selector]][]) {
    if (asked === undefined || field === 'mark') continue;
    if (Array.isArray(asked)) {
      for (const list of withoutParts(asked as readonly (Range | string)[])) {
        if (list.length > 0) yield { ...selector, [field]: list };
      }
    } else {
      const { ranges } = asked as AddressMatch;
      for (const list of withoutParts(ranges)) {
        if (list.length > 0) yield { ...selector, [field]: { set: undefined, ranges: list } };
      }
    }
  }
}

/** The plainest value of each field. */
const PLAIN = {
  protocol: Next.NONE,
  dscp: 0,
  ecn: 0,
  flowLabel: 0,
  sourcePort: 0,
  destinationPort: 0,
  spi: 1,
  icmpType: 0,
  icmpCode: 0,
  mark: 0,
  cut: undefined,
  interface: undefined,
} as const satisfies Partial<PacketRecipe>;
/** The third group of the source makes it one for an interface without a link header, too. */
const PLAIN_ADDRESSES = { source: '2001:db8:86dd::1', destination: '2001:db8:200::1' } as const;

function* smallerPackets(packet: PacketRecipe): Generator<Partial<PacketRecipe>> {
  // Where a packet is cut depends on what is in it.
  const isWhole = packet.cut === undefined;
  if (isWhole) for (const headers of withoutParts(packet.headers)) yield { headers };
  for (const [field, plain] of Object.entries(PLAIN)) {
    if (field === 'protocol' && !isWhole) continue;
    if (packet[field as keyof typeof PLAIN] !== plain) yield { [field]: plain };
  }
  for (const [field, plain] of Object.entries(PLAIN_ADDRESSES)) {
    const address = Address.parse(plain);
    if (!packet[field as keyof typeof PLAIN_ADDRESSES].equals(address)) yield { [field]: address };
  }
  if (packet.cgroup !== undefined && packet.cgroup !== '/coaxial') yield { cgroup: '/coaxial' };
}
