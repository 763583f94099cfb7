import type { Selector } from './selector.js';

/** One rule of a router: what to match and which bindings carry it. */
export interface Policy {
  /** Flow identifier (RFC 6089), unique within the router, 1..65535. */
  readonly fid: number;
  readonly name: string;
  /** FID-PRI: lower is asked first, unique within the router. */
  readonly priority: number;
  readonly selector: Selector;
  /** Binding IDs; the first usable one carries the packet. */
  readonly use: readonly number[];
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
