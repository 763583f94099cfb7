/** Whether a message is its router's (RFC 4285 section 5.1), at a bounded cost. */
import { type MobilityPacket, verifyAuthentication } from '../../mobility/index.js';
import type { RouterState } from './router-state.js';
import type { RegistrarSettings } from './settings.js';
import { Suspicion, slotOf } from './suspicion.js';

export type Authenticity =
  | 'authenticated'
  /** The router has no key, and need not have one. */
  | 'trusted'
  | 'authentication-missing'
  | 'authentication-wrong'
  | 'key-unknown'
  | 'authentication-limit';

/**
 * The value is computed only where SPI and router fit, and only as long as not too many were wrong: see `Suspicion`.
 * @param salt see `slotOf`
 * @param now monotonic milliseconds
 * @throws MobilityError when the header cannot be decoded up to its options
 */
export function authenticate(
  packet: MobilityPacket,
  state: RouterState,
  settings: RegistrarSettings,
  salt: number,
  now: number,
): Authenticity {
  const { key, homeAddress } = state.router;
  const parties = { careOf: packet.source, homeAddress };
  const slot = suspicionSlot(packet, state, salt);
  const isAdmitted = state.suspicion?.admits(slot, now) ?? true;
  let isKnown = false;
  const verdict = verifyAuthentication(packet.header, parties, (spi) => {
    isKnown = spi === key?.spi;
    return isKnown && isAdmitted ? key?.key : undefined;
  });
  switch (verdict) {
    case 'valid':
      return 'authenticated';
    case 'missing':
      return key === undefined && settings.unauthenticated === 'accepted'
        ? 'trusted'
        : 'authentication-missing';
    case 'key-unknown':
      return isKnown ? 'authentication-limit' : 'key-unknown';
    case 'misplaced':
      return 'authentication-wrong';
    case 'wrong':
      suspect(packet, state, salt, now);
      return 'authentication-wrong';
  }
}

/** Counts a message that cost its examination and was forged, or authentic but not new. */
export function suspect(packet: MobilityPacket, state: RouterState, salt: number, now: number): void {
  state.suspicion ??= new Suspicion();
  state.suspicion.count(suspicionSlot(packet, state, salt), now);
}

function suspicionSlot({ source }: MobilityPacket, { registration }: RouterState, salt: number): number {
  return slotOf(
    source,
    registration.bindings.some(({ careOf }) => careOf.equals(source)),
    salt,
  );
}
