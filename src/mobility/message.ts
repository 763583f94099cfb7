/** The messages of mobility headers (RFC 6275 section 6.1). */
import type { Address } from '../net/index.js';
import type { MobilityOption } from './option.js';

/** Numbers of message types (IANA, Mobility Header Types). */
export const MessageType = {
  BINDING_REFRESH_REQUEST: 0,
  BINDING_UPDATE: 5,
  BINDING_ACKNOWLEDGEMENT: 6,
  BINDING_ERROR: 7,
} as const;

/** Flags of a Binding Update, each with its bit; in the order of the wire. */
export const UPDATE_FLAGS = {
  /** A: answer it. */
  acknowledge: 0x8000,
  /** H: to a home agent. */
  home: 0x4000,
  /** L */
  'link-local': 0x2000,
  /** K: the IKE association moves with the care-of address. */
  'key-management': 0x1000,
  /** M (RFC 5380) */
  'mobility-anchor': 0x0800,
  /** R: of a mobile router (RFC 3963). */
  'mobile-router': 0x0400,
  /** P (RFC 5213) */
  proxy: 0x0200,
  /** F (RFC 5555) */
  'force-udp': 0x0100,
  /** T (RFC 5845) */
  tlv: 0x0080,
  /** O: all bindings of this home address are replaced (RFC 5648); only beside a Binding Identifier, never with P. */
  overwrite: 0x0040,
} as const;

/** Flags of a Binding Acknowledgement, each with its bit; in the order of the wire. */
export const ACKNOWLEDGEMENT_FLAGS = {
  /** K */
  'key-management': 0x80,
  /** R (RFC 3963) */
  'mobile-router': 0x40,
  /** P (RFC 5213) */
  proxy: 0x20,
  /** T (RFC 5845) */
  tlv: 0x10,
} as const;

export type UpdateFlag = keyof typeof UPDATE_FLAGS;
export type AcknowledgementFlag = keyof typeof ACKNOWLEDGEMENT_FLAGS;

/** Binding Update (RFC 6275 section 6.1.7). */
export interface BindingUpdate {
  readonly type: 'binding-update';
  /** 0..65535, modulo 65536. */
  readonly sequence: number;
  /** In the order of the wire when decoded, in any order otherwise. */
  readonly flags: readonly UpdateFlag[];
  /** Seconds, a multiple of 4 up to 262140; 0 removes bindings. */
  readonly lifetime: number;
  readonly options: readonly MobilityOption[];
}

/** Binding Acknowledgement (RFC 6275 section 6.1.8). */
export interface BindingAcknowledgement {
  readonly type: 'binding-acknowledgement';
  /** Below 128 is accepted; see `bindingStatusText`. */
  readonly status: number;
  readonly flags: readonly AcknowledgementFlag[];
  /** Of the Binding Update, or the last one that was accepted (status 135). */
  readonly sequence: number;
  /** Seconds, a multiple of 4 up to 262140. */
  readonly lifetime: number;
  readonly options: readonly MobilityOption[];
}

/** Binding Refresh Request (RFC 6275 section 6.1.2). */
export interface BindingRefreshRequest {
  readonly type: 'binding-refresh-request';
  readonly options: readonly MobilityOption[];
}

/** Binding Error (RFC 6275 section 6.1.9). */
export interface BindingError {
  readonly type: 'binding-error';
  /** 1: no binding for the home address option; 2: message type not known. */
  readonly status: number;
  /** From the home address option that was received; `::` without one. */
  readonly homeAddress: Address;
  readonly options: readonly MobilityOption[];
}

/** A message of another type; a node that does not know it answers with a Binding Error of status 2. */
export interface OtherMessage {
  readonly type: 'other';
  /** MH Type. */
  readonly number: number;
  /** What follows the checksum: a multiple of 8 bytes, plus 2. */
  readonly data: Uint8Array;
}

export type MobilityMessage =
  | BindingUpdate
  | BindingAcknowledgement
  | BindingRefreshRequest
  | BindingError
  | OtherMessage;
