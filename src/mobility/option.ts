/** The options of mobility headers. Padding is none of them: decoding drops it, encoding makes it. */
import type { Address, MacAddress, Prefix } from '../net/index.js';
import type { MobilityError } from './mobility-error.js';
import type { TrafficSelector } from './traffic-selector.js';

/** Numbers of option types (IANA, Mobility Options). */
export const OptionType = {
  ALTERNATE_CARE_OF: 3,
  NONCE_INDICES: 4,
  MOBILE_NETWORK_PREFIX: 6,
  LINK_LAYER_ADDRESS: 7,
  AUTHENTICATION: 9,
  REPLAY_PROTECTION: 10,
  BINDING_IDENTIFIER: 35,
  FLOW_SUMMARY: 44,
  FLOW_IDENTIFICATION: 45,
} as const;

/** Binding Identifier (RFC 5648 section 4.3, RFC 6089 section 4.1). */
export interface BindingIdentifierOption {
  readonly type: 'binding-identifier';
  /** BID, 1..65535. */
  readonly bid: number;
  /** Of this binding; 0 in a Binding Update, and where the status of the Binding Acknowledgement holds. */
  readonly status: number;
  /** H: at home and abroad at once; in a Binding Update only. */
  readonly home: boolean;
  /** BID-PRI, 0..127, lower wins; 0: the sender knows RFC 5648 only. */
  readonly priority: number;
  /** In a Binding Update only; undefined: the one that the BID has. */
  readonly careOf: Address | undefined;
}

/** Mobile Network Prefix (RFC 3963 section 4.3). */
export interface MobileNetworkPrefixOption {
  readonly type: 'mobile-network-prefix';
  /** IPv6; bits behind its length that were received are gone. */
  readonly prefix: Prefix;
}

/** Alternate Care-of Address (RFC 6275 section 6.2.5); never beside a Binding Identifier. */
export interface AlternateCareOfOption {
  readonly type: 'alternate-care-of';
  /** IPv6. */
  readonly address: Address;
}

/** Mobility Header Link-Layer Address (RFC 5568 section 6.4.4), of Ethernet. */
export interface LinkLayerAddressOption {
  readonly type: 'link-layer-address';
  /** Whose it is; 2: the mobile node's (RFC 5648 section 5.6.3). */
  readonly code: number;
  readonly mac: MacAddress;
}

/** Nonce Indices (RFC 6275 section 6.2.6). */
export interface NonceIndicesOption {
  readonly type: 'nonce-indices';
  readonly home: number;
  readonly careOf: number;
}

/** Flow Summary (RFC 6089 section 4.3). */
export interface FlowSummaryOption {
  readonly type: 'flow-summary';
  /** FIDs, 1 to 127 of them, each 1..65535. */
  readonly fids: readonly number[];
}

/** A sub-option of Flow Identification that is not decoded. */
export interface OtherSubOption {
  readonly number: number;
  readonly data: Uint8Array;
}

/** Flow Identification (RFC 6089 section 4.2). */
export interface FlowIdentificationOption {
  readonly type: 'flow-identification';
  /** FID, 1..65535. */
  readonly fid: number;
  /** FID-PRI, lower wins; 0 is none, for an answer about a FID that is not known. */
  readonly priority: number;
  /** In a Binding Acknowledgement only. */
  readonly status: number;
  /** Binding Reference: each of these BIDs gets a copy; undefined: the ones that the FID has. */
  readonly bids: readonly number[] | undefined;
  /** Undefined: the one that the FID has. */
  readonly selector: TrafficSelector | undefined;
  /** Sub-options of other types, in their order. */
  readonly others: readonly OtherSubOption[];
}

/** Mobility Message Authentication (RFC 4285 section 5); only others of its kind may follow it. */
export interface AuthenticationOption {
  readonly type: 'authentication';
  /** 1: between mobile node and home agent; 2: between mobile node and AAA server. */
  readonly subtype: number;
  /** Mobility SPI; 0..255 are reserved for the subtype 1. */
  readonly spi: number;
  readonly data: Uint8Array;
}

/** Replay Protection (RFC 4285 section 6). */
export interface ReplayProtectionOption {
  readonly type: 'replay-protection';
  /** NTP timestamp: seconds since 1900 in the upper 32 bits, their fraction in the lower. */
  readonly timestamp: bigint;
}

/** An option of a type that is not decoded here; receivers skip it. */
export interface OtherOption {
  readonly type: 'other';
  readonly number: number;
  readonly data: Uint8Array;
  /** Why an option of a known type could not be decoded; only where that was allowed, see `DecodeSettings`. */
  readonly problem?: MobilityError;
}

export type MobilityOption =
  | BindingIdentifierOption
  | MobileNetworkPrefixOption
  | AlternateCareOfOption
  | LinkLayerAddressOption
  | NonceIndicesOption
  | FlowSummaryOption
  | FlowIdentificationOption
  | AuthenticationOption
  | ReplayProtectionOption
  | OtherOption;
