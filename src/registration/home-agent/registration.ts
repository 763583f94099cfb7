/** What a router has registered. Values do not change: each message makes new ones, so that they can be compared. */
import type { Address, MacAddress, Prefix, TrafficSelector } from '../../mobility/index.js';
import type { AuthorisedRouter } from './settings.js';

/** The BID of a binding that was registered without Binding Identifier. */
export const PLAIN = 0;

export interface Binding {
  /** 1..65535, or `PLAIN`: then it is the only one of its router. */
  readonly bid: number;
  /** The home address for a binding at home. */
  readonly careOf: Address;
  /** BID-PRI, lower wins; 0: the router knows RFC 5648 only. */
  readonly priority: number;
  /** That was granted, seconds. */
  readonly lifetime: number;
  /** Monotonic, milliseconds. */
  readonly end: number;
  /** Of a binding at home: where the router is on the link, if it has said that (RFC 5648 section 5.6.3). */
  readonly linkAddress?: MacAddress;
}

/** A flow binding (RFC 6089); it is active as long as one of its BIDs is registered. */
export interface FlowBinding {
  readonly fid: number;
  /** FID-PRI, unique for the router, lower wins. */
  readonly priority: number;
  /** Each of them gets a copy of a packet that matches. */
  readonly bids: readonly number[];
  readonly selector: TrafficSelector;
}

export interface Registration {
  /** In the order of their BIDs. */
  readonly bindings: readonly Binding[];
  readonly mobileRouter: boolean;
  /** In use for the mobile network; none for a host. */
  readonly prefixes: readonly Prefix[];
  /** The prefixes are all that the router is authorised for, because it named none. */
  readonly implicit: boolean;
  /** In the order of their priorities. */
  readonly flows: readonly FlowBinding[];
}

export const NOTHING: Registration = Object.freeze({
  bindings: Object.freeze([]),
  mobileRouter: false,
  prefixes: Object.freeze([]),
  implicit: false,
  flows: Object.freeze([]),
});

/** For the kernel; a binding that is only refreshed is no change. */
export type CacheChange = { readonly router: AuthorisedRouter } & (
  | { readonly type: 'binding-added' | 'binding-removed'; readonly binding: Binding }
  | { readonly type: 'binding-changed'; readonly binding: Binding; readonly before: Binding }
  | {
      readonly type: 'prefixes-changed';
      readonly prefixes: readonly Prefix[];
      readonly before: readonly Prefix[];
    }
  | {
      readonly type: 'flows-changed';
      readonly flows: readonly FlowBinding[];
      readonly before: readonly FlowBinding[];
    }
);

/** A registration without some bindings; with the last of them all of it is gone. */
export function withBindings(registration: Registration, bindings: readonly Binding[]): Registration {
  return bindings.length === 0 ? NOTHING : { ...registration, bindings };
}

export function isAtHome({ careOf }: Binding, { homeAddress }: AuthorisedRouter): boolean {
  return careOf.equals(homeAddress);
}

/** What is to be done so that the one becomes the other; removals first. */
export function changesBetween(
  router: AuthorisedRouter,
  before: Registration,
  after: Registration,
): CacheChange[] {
  if (before === after) return [];
  const changes: CacheChange[] = [];
  for (const binding of before.bindings) {
    if (bindingOf(after, binding.bid) === undefined) {
      changes.push({ type: 'binding-removed', router, binding });
    }
  }
  for (const binding of after.bindings) {
    const earlier = bindingOf(before, binding.bid);
    if (earlier === undefined) changes.push({ type: 'binding-added', router, binding });
    else if (!isSameWay(earlier, binding)) {
      changes.push({ type: 'binding-changed', router, binding, before: earlier });
    }
  }
  if (!areEqual(before.prefixes, after.prefixes, (a, b) => a.equals(b))) {
    changes.push({ type: 'prefixes-changed', router, prefixes: after.prefixes, before: before.prefixes });
  }
  // An entry that was not touched is the same object.
  if (!areEqual(before.flows, after.flows, (a, b) => a === b)) {
    changes.push({ type: 'flows-changed', router, flows: after.flows, before: before.flows });
  }
  return changes;
}

/** Whether packets take the same way by one as by the other. */
function isSameWay(a: Binding, b: Binding): boolean {
  return (
    a.careOf.equals(b.careOf) &&
    a.priority === b.priority &&
    a.linkAddress?.toString() === b.linkAddress?.toString()
  );
}

export function bindingOf({ bindings }: Registration, bid: number): Binding | undefined {
  return bindings.find((binding) => binding.bid === bid);
}

function areEqual<T>(some: readonly T[], others: readonly T[], same: (a: T, b: T) => boolean): boolean {
  return some.length === others.length && some.every((one, at) => same(one, others[at] as T));
}
