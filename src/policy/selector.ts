import type { Address } from '../net/index.js';

/** What `packet mark & mask` must be; both are unsigned 32-bit and the value lies within the mask. */
export interface Mark {
  readonly value: number;
  readonly mask: number;
}

/** Numbers from `low` to `high`, both included. The ranges of a field are sorted, disjoint and not adjacent. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Addresses from `low` to `high`, both included. */
export interface AddressRange {
  readonly low: Address;
  readonly high: Address;
}

/** The addresses a field may have. */
export interface AddressMatch {
  /** The name of the set they come from; undefined when they are written in the policy. */
  readonly set: string | undefined;
  /** Sorted, disjoint and not adjacent; at least one. */
  readonly ranges: readonly AddressRange[];
}

/**
 * What a policy asks of a packet (a superset of RFC 6088): all present fields must match, `undefined` is a
 * wildcard. A field that a packet does not have is in no range, not even in the whole one.
 */
export interface Selector {
  readonly mark: Mark | undefined;
  readonly source: AddressMatch | undefined;
  readonly destination: AddressMatch | undefined;
  /** Upper-layer protocol, the one behind all extension headers. */
  readonly protocol: readonly Range[] | undefined;
  readonly sourcePort: readonly Range[] | undefined;
  readonly destinationPort: readonly Range[] | undefined;
  /** 0..63, the upper six bits of the traffic class; ECN does not matter. */
  readonly dscp: readonly Range[] | undefined;
  /** 0..0xfffff */
  readonly flowLabel: readonly Range[] | undefined;
  /** 1..0xffffffff, of the first AH or ESP header; 0 is never on the wire. */
  readonly spi: readonly Range[] | undefined;
  /** ICMPv6 type. */
  readonly icmpType: readonly Range[] | undefined;
  /** ICMPv6 code. */
  readonly icmpCode: readonly Range[] | undefined;
  /** Names of ingress interfaces, sorted; local traffic has none. */
  readonly interface: readonly string[] | undefined;
  /**
   * Paths of cgroups (v2) of the sending process, sorted, none below another; a process below one of them
   * matches too. Forwarded traffic has none.
   */
  readonly cgroup: readonly string[] | undefined;
}

/** The selector that matches every packet. */
export const ANY: Selector = Object.freeze({
  mark: undefined,
  source: undefined,
  destination: undefined,
  protocol: undefined,
  sourcePort: undefined,
  destinationPort: undefined,
  dscp: undefined,
  flowLabel: undefined,
  spi: undefined,
  icmpType: undefined,
  icmpCode: undefined,
  interface: undefined,
  cgroup: undefined,
});
