/**
 * The reference classifier: what a policy set means, in the plainest words. It is compared with what the
 * compiler and the kernel programs make of the same set and therefore shares no code with them, and none with
 * the reading of selectors.
 *
 * Sources: RFC 6088 (selectors), RFC 6089 sections 4.2 and 4.3 (FID-PRI, inactive entries), RFC 5648
 * section 5.2 (BID-PRI), docs/policies.md.
 */
import type { Address } from '../net/index.js';
import type { Policy, PolicyBinding, Share } from './policy.js';
import type { AddressMatch, Range } from './selector.js';

/** What a classifier sees of a packet; `undefined` is what the packet does not have. */
export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  /** Upper-layer protocol, behind all extension headers. */
  readonly protocol: number;
  /** Protocols without ports have none, nor has any fragment but the first. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  /** The upper six bits of the traffic class. */
  readonly dscp: number;
  readonly flowLabel: number;
  /** Of the first AH or ESP header. */
  readonly spi: number | undefined;
  /** Of ICMPv6, and of no fragment but the first. */
  readonly icmpType: number | undefined;
  readonly icmpCode: number | undefined;
  /** Name of the interface it came in by; `undefined` for local traffic. */
  readonly interface: string | undefined;
  /** Path of the cgroup of the socket it was sent by; `undefined` for forwarded traffic. */
  readonly cgroup: string | undefined;
  /** Only looked at where the mark is known; `undefined` is no mark, 0. */
  readonly mark: number | undefined;
}

/** The state of the world a decision depends on. */
export interface DecisionState {
  /** False at an ingress interface, where netfilter has not run yet. */
  readonly markKnown: boolean;
  /** Whether this binding can carry packets now. */
  usable(bid: number): boolean;
}

/** `fid` is the policy that decided; null when none did: the default. */
export type Decision =
  | { readonly kind: 'binding'; readonly bid: number; readonly fid: number | null }
  /** One of these carries it, by the hash of the flow and the weights: all usable ones of the policy. */
  | { readonly kind: 'balance'; readonly bindings: readonly Share[]; readonly fid: number }
  /** Each of these carries a copy: all usable ones of the policy. */
  | { readonly kind: 'copy'; readonly bindings: readonly number[]; readonly fid: number }
  | { readonly kind: 'drop'; readonly fid: number }
  | { readonly kind: 'bypass'; readonly fid: number }
  /** This policy's answer depends on a mark that is not known yet. */
  | { readonly kind: 'mark-decides'; readonly fid: number }
  /** No binding of the router is usable. */
  | { readonly kind: 'none' };

/** What becomes of a packet, and by which policy. */
export function decide(
  set: { readonly policies: readonly Policy[]; readonly bindings: readonly PolicyBinding[] },
  packet: Packet,
  state: DecisionState,
): Decision {
  const inOrder = [...set.policies].sort((a, b) => a.priority - b.priority);
  for (const policy of inOrder) {
    if (!matchesButForMark(policy, packet)) continue;
    // What this policy does, if its mark, too, is right; undefined while it is inactive.
    const answer = answerOf(policy, set.bindings, state);
    if (answer === undefined) continue;
    const asked = policy.selector.mark;
    if (asked !== undefined) {
      if (!state.markKnown) return { kind: 'mark-decides', fid: policy.fid };
      const seen = BigInt(packet.mark ?? 0) & BigInt(asked.mask);
      if (seen !== BigInt(asked.value)) continue;
    }
    return answer;
  }
  return defaultBinding(set.bindings, null, state);
}

function answerOf(
  { fid, action, otherwise }: Policy,
  all: readonly PolicyBinding[],
  state: DecisionState,
): Decision | undefined {
  if (action.kind === 'drop') return { kind: 'drop', fid };
  if (action.kind === 'bypass') return { kind: 'bypass', fid };
  if (action.kind === 'use') {
    for (const bid of action.bindings) {
      if (state.usable(bid)) return { kind: 'binding', bid, fid };
    }
  }
  if (action.kind === 'copy') {
    const bindings = action.bindings.filter((bid) => state.usable(bid));
    if (bindings.length > 0) return { kind: 'copy', bindings, fid };
  }
  if (action.kind === 'balance') {
    const bindings = action.bindings.filter(({ bid }) => state.usable(bid));
    if (bindings.length > 0) return { kind: 'balance', bindings, fid };
  }
  // None of the bindings it lists is usable.
  if (otherwise === 'drop') return { kind: 'drop', fid };
  if (otherwise === 'default') return defaultBinding(all, fid, state);
  return undefined;
}

function matchesButForMark({ selector }: Policy, packet: Packet): boolean {
  return (
    isAmong(selector.source, packet.source) &&
    isAmong(selector.destination, packet.destination) &&
    isWithin(selector.protocol, packet.protocol) &&
    isWithin(selector.sourcePort, packet.sourcePort) &&
    isWithin(selector.destinationPort, packet.destinationPort) &&
    isWithin(selector.dscp, packet.dscp) &&
    isWithin(selector.flowLabel, packet.flowLabel) &&
    isWithin(selector.spi, packet.spi) &&
    isWithin(selector.icmpType, packet.icmpType) &&
    isWithin(selector.icmpCode, packet.icmpCode) &&
    isNamed(selector.interface, packet.interface) &&
    isInOneOf(selector.cgroup, packet.cgroup)
  );
}

function isAmong(asked: AddressMatch | undefined, address: Address): boolean {
  if (asked === undefined) return true;
  const number = address.toBigInt();
  for (const { low, high } of asked.ranges) {
    if (low.toBigInt() <= number && number <= high.toBigInt()) return true;
  }
  return false;
}

/** What is not there is in no range, not even in the whole one. */
function isWithin(asked: readonly Range[] | undefined, value: number | undefined): boolean {
  if (asked === undefined) return true;
  if (value === undefined) return false;
  for (const { low, high } of asked) {
    if (low <= value && value <= high) return true;
  }
  return false;
}

function isNamed(asked: readonly string[] | undefined, name: string | undefined): boolean {
  if (asked === undefined) return true;
  return name !== undefined && asked.includes(name);
}

/** A process is in its cgroup and in all above it. */
function isInOneOf(asked: readonly string[] | undefined, path: string | undefined): boolean {
  if (asked === undefined) return true;
  if (path === undefined) return false;
  const names = namesOf(path);
  return asked.some((ancestor) => namesOf(ancestor).every((name, depth) => name === names[depth]));
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function defaultBinding(
  bindings: readonly PolicyBinding[],
  fid: number | null,
  state: DecisionState,
): Decision {
  let best: PolicyBinding | undefined;
  for (const binding of bindings) {
    if (!state.usable(binding.bid)) continue;
    if (
      best === undefined ||
      binding.priority < best.priority ||
      (binding.priority === best.priority && binding.bid < best.bid)
    ) {
      best = binding;
    }
  }
  return best === undefined ? { kind: 'none' } : { kind: 'binding', bid: best.bid, fid };
}
