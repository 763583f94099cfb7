/** What statuses of Binding Acknowledgements mean for what is sent next. */
import { FIRST_REFUSAL } from '../../mobility/index.js';

/**
 * - `accepted`
 * - `unknown-here`: not the home agent of this node, or the BID that was to be removed is not there
 * - `sequence`: the sequence number in the answer was the last one
 * - `clock`: the time in the answer is the right one
 * - `unauthenticated`: the home agent wants authentication or replay protection, or another key
 * - `malformed`: the same must not be sent again
 * - `plain-binding-exists`: O is missing
 * - `multiple-prohibited`: only one binding
 * - `care-of-unknown`: the home agent does not know the BID
 * - `bulk-prohibited`: one binding for each Binding Update
 * - `home-prohibited`: not at home and abroad at once
 * - `refused`: any other; later it may be accepted
 */
export type StatusVerdict =
  | 'accepted'
  | 'unknown-here'
  | 'sequence'
  | 'clock'
  | 'unauthenticated'
  | 'malformed'
  | 'plain-binding-exists'
  | 'multiple-prohibited'
  | 'care-of-unknown'
  | 'bulk-prohibited'
  | 'home-prohibited'
  | 'refused';

const VERDICTS: Readonly<Record<number, StatusVerdict>> = {
  133: 'unknown-here',
  135: 'sequence',
  144: 'clock',
  145: 'unauthenticated',
  146: 'unauthenticated',
  164: 'malformed',
  165: 'plain-binding-exists',
  166: 'multiple-prohibited',
  167: 'care-of-unknown',
  168: 'bulk-prohibited',
  169: 'home-prohibited',
};

export function verdictOf(status: number): StatusVerdict {
  return status < FIRST_REFUSAL ? 'accepted' : (VERDICTS[status] ?? 'refused');
}

/**
 * The status of one binding (RFC 5648 section 5.7).
 * @param own of its Binding Identifier option in the answer; 0: that of the answer holds
 */
export function bindingStatus(answer: number, own: number): number {
  return own === 0 ? answer : own;
}
