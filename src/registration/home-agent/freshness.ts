/** Whether a message is new: its sequence number (RFC 6275 section 9.5.1) and its timestamp (RFC 4285 section 6). */
import { ntpDifference, ntpTimestamp } from '../../mobility/index.js';
import type { RouterState } from './router-state.js';
import type { RegistrarSettings } from './settings.js';
import type { UpdateRequest } from './update-request.js';

/** Seconds by which a timestamp may differ from our clock. */
const WINDOW = 7;
const NUMBERS = 0x1_0000;

export type Stale = 'timestamp-missing' | 'timestamp-old' | 'timestamp-new' | 'replayed' | 'sequence';

/** Modulo 2^16: 32767 numbers are after the last one; it and the 32768 before it are not. */
export function isAfter(sequence: number, last: number): boolean {
  const distance = (sequence - last + NUMBERS) % NUMBERS;
  return distance > 0 && distance < NUMBERS / 2;
}

/** What keeps an authentic message from being looked at; undefined: nothing. @param real nanoseconds since 1970 */
export function staleness(
  { timestamp, sequence }: UpdateRequest,
  state: RouterState,
  authenticated: boolean,
  settings: RegistrarSettings,
  real: bigint,
): Stale | undefined {
  if (authenticated && timestamp === undefined && settings.replayProtection === 'required') {
    return 'timestamp-missing';
  }
  if (authenticated && timestamp !== undefined) {
    const apart = ntpDifference(timestamp, windowCentre(state.timestamp, ntpTimestamp(real)));
    if (apart < -WINDOW) return 'timestamp-old';
    if (apart > WINDOW) return 'timestamp-new';
    if (!isLater(timestamp, state.timestamp)) return 'replayed';
  }
  // Without bindings any number is new; where nothing else tells a repeated message from a new one, it has to.
  const counts = state.registration.bindings.length > 0 || (authenticated && timestamp === undefined);
  if (counts && state.sequence !== undefined && !isAfter(sequence, state.sequence)) return 'sequence';
  return undefined;
}

/** What a router whose timestamp was refused sets its clock by: the next one must be after the last. */
export function timestampFor(state: RouterState, real: bigint): bigint {
  const ours = ntpTimestamp(real);
  return isLater(ours, state.timestamp) || state.timestamp === undefined ? ours : state.timestamp;
}

/**
 * Our time, unless the router's last timestamp is so far ahead of it that our clock must have jumped back since. Then the
 * router goes on from there, or nothing of its would be accepted until we are there again.
 */
function windowCentre(last: bigint | undefined, ours: bigint): bigint {
  return last !== undefined && ntpDifference(last, ours) > WINDOW ? last : ours;
}

function isLater(timestamp: bigint, last: bigint | undefined): boolean {
  return last === undefined || BigInt.asIntN(64, timestamp - last) > 0n;
}
