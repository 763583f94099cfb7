/** What came of a packet that was received, and what has changed. */
import { type Address, bindingStatusText } from '../../mobility/index.js';
import type { OutgoingPacket } from './binding-update.js';

/** Why a packet changed nothing. */
export const IGNORED_TEXTS = {
  'wrong-checksum': 'the checksum is wrong (RFC 6275 section 9.2)',
  'other-source': 'it is not from the home agent',
  'other-destination': 'it is not for the home address, or came to an address that nothing was sent from',
  malformed: 'it cannot be decoded',
  'other-message': 'messages of this type are not for a mobile router',
  'nothing-asked': 'no Binding Update waits for an answer',
  'other-sequence': 'its sequence number is not that of the Binding Update (RFC 6275 section 11.7.3)',
  'old-sequence': 'it is about a Binding Update that came late or twice: its number was used before',
  unauthenticated: 'it has no authentication (RFC 4285 section 5)',
  'wrong-authentication':
    'its authentication is not of this key, or not of this message (RFC 4285 section 5.1)',
  'other-timestamp': 'its timestamp is not that of the Binding Update (RFC 4285 section 6)',
} as const;

export type IgnoredReason = keyof typeof IGNORED_TEXTS;

/** Outcomes of packets that were understood. */
export const OUTCOME_TEXTS = {
  accepted: 'the home agent has accepted everything in the Binding Update',
  'partly-accepted': 'the home agent has accepted some of the Binding Update',
  refused: 'the home agent has refused the Binding Update',
  'sequence-adopted': 'the sequence number of the home agent is used from now on (RFC 6275 section 11.7.3)',
  'clock-adopted': 'the time of the home agent is used from now on (RFC 4285 section 6)',
  'not-multiple': 'the home agent does not know several care-of addresses (RFC 5648 section 5.7)',
  'not-mobile-router': 'the home agent does not serve mobile routers (RFC 3963 section 5.3)',
  'refresh-requested': 'the home agent asks for a refresh (RFC 5648 section 5.8)',
  'binding-error': 'the home agent has no binding, or does not know Binding Updates (RFC 6275 section 9.3.3)',
} as const;

export type Outcome = keyof typeof OUTCOME_TEXTS;

export type RegistrationChange =
  | { readonly type: 'registered'; readonly bid: number; readonly careOf: Address }
  | {
      readonly type: 'refused';
      readonly bid: number;
      readonly status: number | undefined;
      readonly text: string;
    }
  | { readonly type: 'removed'; readonly bid: number }
  | { readonly type: 'lapsed'; readonly bid: number }
  | { readonly type: 'closed'; readonly answered: boolean };

/** What a poll brings. */
export interface Poll {
  readonly packets: readonly OutgoingPacket[];
  /** What has ended meanwhile, and was not told by `receive`. */
  readonly changes: readonly RegistrationChange[];
}

export interface Reception {
  /** For counters. */
  readonly outcome: Outcome | IgnoredReason;
  readonly text: string;
  /** Of the answer; also of one that was ignored, where it could be read: nobody may have vouched for it. */
  readonly status: number | undefined;
  readonly changes: readonly RegistrationChange[];
}

export function ignored(reason: IgnoredReason, status?: number): Reception {
  const claimed = status === undefined ? '' : `; it says status ${status}: ${bindingStatusText(status)}`;
  return { outcome: reason, text: IGNORED_TEXTS[reason] + claimed, status, changes: [] };
}

export function understood(
  outcome: Outcome,
  changes: readonly RegistrationChange[],
  status?: number,
): Reception {
  const said = status === undefined ? '' : `; status ${status}: ${bindingStatusText(status)}`;
  return { outcome, text: OUTCOME_TEXTS[outcome] + said, status, changes };
}

/** What a status says of a binding; undefined: the answer does not name its BID. */
export function statusText(status: number | undefined): string {
  return status === undefined ? 'the answer does not name this BID' : bindingStatusText(status);
}
