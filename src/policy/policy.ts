import type { Selector } from './selector.js';

/** What becomes of a packet that a policy matches. */
export type Action =
  /** The first usable binding of the list carries it. */
  | { readonly kind: 'use'; readonly bindings: readonly number[] }
  /** The usable bindings share the flows by weight, 1..255; a flow stays with its binding. */
  | { readonly kind: 'balance'; readonly bindings: readonly Share[] }
  /** Every usable binding of the list carries a copy. */
  | { readonly kind: 'copy'; readonly bindings: readonly number[] }
  | { readonly kind: 'drop' }
  /** The route that the kernel has without ours. */
  | { readonly kind: 'bypass' };

/** One binding of a `balance`. */
export interface Share {
  readonly bid: number;
  readonly weight: number;
}

/**
 * What holds while none of the listed bindings is usable: the policy is skipped (RFC 6089, section 4.3), the
 * packet is dropped, or the router's usable binding of lowest BID-PRI carries it.
 */
export type Otherwise = 'next' | 'drop' | 'default';

/** One rule of a router: what to match and what to do. */
export interface Policy {
  /**
   * Flow identifier (RFC 6089), unique within the router, 1..65535; at a home agent the flows that its router registers
   * come behind these.
   */
  readonly fid: number;
  readonly name: string;
  /** FID-PRI: lower is asked first, unique within the router. */
  readonly priority: number;
  readonly selector: Selector;
  readonly action: Action;
  /** `next` for `drop` and `bypass`, which need no binding. */
  readonly otherwise: Otherwise;
}

/** What the policy engine knows of a binding. */
export interface PolicyBinding {
  readonly bid: number;
  /** BID-PRI: of the usable bindings the lowest carries what no policy decides. */
  readonly priority: number;
}

/** One router's policies, in any order, and its bindings. The mobile router itself is router 1. */
export interface RouterPolicySet {
  readonly routerId: number;
  readonly policies: readonly Policy[];
  readonly bindings: readonly PolicyBinding[];
}
