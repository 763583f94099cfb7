/**
 * The reference classifier: what a policy set means, in the plainest words. It is compared with what the
 * compiler and the kernel programs make of the same set and therefore shares no code with them.
 *
 * Sources: RFC 6088 (selectors), RFC 6089 sections 4.2 and 4.3 (FID-PRI, inactive entries), RFC 5648
 * section 5.2 (BID-PRI).
 */
import type { Address, Prefix } from '../net/index.js';
import type { Policy, PolicyBinding } from './policy.js';
import type { PortRange } from './selector.js';

/** What a classifier sees of a packet. */
export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  /** Upper-layer protocol, behind all extension headers. */
  readonly protocol: number;
  /** `undefined` when there is none: other protocols, and every fragment but the first. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
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

export type Decision =
  /** `fid` is null when no policy decided: the default. */
  | { readonly kind: 'binding'; readonly bid: number; readonly fid: number | null }
  /** This policy's answer depends on a mark that is not known yet. */
  | { readonly kind: 'mark-decides'; readonly fid: number }
  | { readonly kind: 'none' };

/** Which binding carries a packet, and by which policy. */
export function decide(
  set: { readonly policies: readonly Policy[]; readonly bindings: readonly PolicyBinding[] },
  packet: Packet,
  state: DecisionState,
): Decision {
  const inOrder = [...set.policies].sort((a, b) => a.priority - b.priority);
  for (const policy of inOrder) {
    if (!matchesButForMark(policy, packet)) continue;
    const asked = policy.selector.mark;
    if (asked !== undefined) {
      if (!state.markKnown) return { kind: 'mark-decides', fid: policy.fid };
      const seen = BigInt(packet.mark ?? 0) & BigInt(asked.mask);
      if (seen !== BigInt(asked.value)) continue;
    }
    const bid = policy.use.find((candidate) => state.usable(candidate));
    if (bid !== undefined) return { kind: 'binding', bid, fid: policy.fid };
    // No binding it lists is usable: an inactive entry, as if it were not there.
  }
  return defaultBinding(set.bindings, state);
}

function matchesButForMark({ selector }: Policy, packet: Packet): boolean {
  if (selector.source !== undefined && !covers(selector.source, packet.source)) return false;
  if (selector.destination !== undefined && !covers(selector.destination, packet.destination)) return false;
  if (selector.protocol !== undefined && selector.protocol !== packet.protocol) return false;
  if (selector.sourcePort !== undefined && !within(selector.sourcePort, packet.sourcePort)) return false;
  if (selector.destinationPort !== undefined && !within(selector.destinationPort, packet.destinationPort)) {
    return false;
  }
  return true;
}

function covers(prefix: Prefix, address: Address): boolean {
  const hostBits = BigInt(128 - prefix.length);
  return prefix.address.toBigInt() >> hostBits === address.toBigInt() >> hostBits;
}

/** A port that is not there is in no range, not even in 0-65535. */
function within(range: PortRange, port: number | undefined): boolean {
  return port !== undefined && port >= range.low && port <= range.high;
}

function defaultBinding(bindings: readonly PolicyBinding[], state: DecisionState): Decision {
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
  return best === undefined ? { kind: 'none' } : { kind: 'binding', bid: best.bid, fid: null };
}
