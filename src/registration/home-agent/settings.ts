/** What a home agent lets its routers do. */
import type { Address, AuthenticationKey, Prefix } from '../../mobility/index.js';
import { RegistrationError } from '../registration-error.js';
import type { Binding, FlowBinding } from './registration.js';

/** A router that may register here. */
export interface AuthorisedRouter {
  readonly name: string;
  /** IPv6. */
  readonly homeAddress: Address;
  /** It may register these and what is in them; without MNP options all of them (RFC 3963 section 6.2). */
  readonly prefixes: readonly Prefix[];
  /** With a key every message must be authenticated, whatever `unauthenticated` says. */
  readonly key?: AuthenticationKey | undefined;
  /** Most bindings at once, 1..64. */
  readonly mostBindings: number;
}

export interface RegistrarSettings {
  /** Of routers without a key: `accepted` where something else protects the messages, such as IPsec. */
  readonly unauthenticated: 'refused' | 'accepted';
  /** Whether an authenticated message needs a timestamp (RFC 4285 section 6). */
  readonly replayProtection: 'required' | 'optional';
  /** Seconds, a multiple of 4; a longer lifetime is cut to it. */
  readonly longestLifetime: number;
  /** Several bindings in one message (status 168). */
  readonly bulk: 'accepted' | 'refused';
  /** A binding at home beside those abroad (status 169). */
  readonly homeAndForeign: 'accepted' | 'refused';
  /** Binding Identifiers at all (status 166). */
  readonly severalCareOf: 'accepted' | 'prohibited';
  /** Of the home link: no care-of address may lie in them. */
  readonly homePrefixes: readonly Prefix[];
  /** Of routers that do not register, from a file or set by hand: no other one may have them. */
  readonly fixedCareOf: readonly Address[];
  /** Most flow bindings of a router, 0..100. */
  readonly mostFlows: number;
  /**
   * The status that refuses a flow binding because packets cannot be steered as it says (RFC 6089 section 4.2); undefined:
   * they can. The flow is complete; BIDs that it had before need not be among the bindings any more.
   */
  readonly flowRefusal: (
    flow: FlowBinding,
    bindings: readonly Binding[],
    router: AuthorisedRouter,
  ) => number | undefined;
  /** Binding Refresh Requests before a binding ends. */
  readonly refreshRequests: 'sent' | 'none';
}

export const DEFAULT_SETTINGS: RegistrarSettings = {
  unauthenticated: 'refused',
  replayProtection: 'required',
  longestLifetime: 3600,
  bulk: 'accepted',
  homeAndForeign: 'accepted',
  severalCareOf: 'accepted',
  homePrefixes: [],
  fixedCareOf: [],
  mostFlows: 32,
  flowRefusal: () => undefined,
  refreshRequests: 'sent',
};

const LIFETIME_UNIT = 4;
const LONGEST_LIFETIME = 0xffff * LIFETIME_UNIT;
const MOST_BINDINGS = 64;
/** So many answers fit into one acknowledgement. */
export const MOST_FLOWS = 100;
const SHORTEST_KEY = 16;
const FIRST_SPI = 256;
const LAST_SPI = 0xffff_ffff;

/** @throws RegistrationError REGISTRATION_SETTINGS_INVALID */
export function checkSettings({ longestLifetime, mostFlows }: RegistrarSettings): void {
  if (!isWithin(longestLifetime / LIFETIME_UNIT, 1, LONGEST_LIFETIME / LIFETIME_UNIT)) {
    throw invalid(
      `the longest lifetime ${longestLifetime} is not a multiple of 4 seconds in 4..${LONGEST_LIFETIME}`,
    );
  }
  if (!isWithin(mostFlows, 0, MOST_FLOWS)) {
    throw invalid(`the number of flow bindings ${mostFlows} is not in 0..${MOST_FLOWS}`);
  }
}

/** @throws RegistrationError REGISTRATION_SETTINGS_INVALID */
export function checkRouter({ name, homeAddress, prefixes, key, mostBindings }: AuthorisedRouter): void {
  if (homeAddress.family !== 6 || !homeAddress.isGlobal) {
    throw invalid(`router ${name}: the home address ${homeAddress} is not a global IPv6 address`);
  }
  if (prefixes.some(({ family }) => family !== 6)) {
    throw invalid(`router ${name}: only IPv6 prefixes can be registered`);
  }
  if (!isWithin(mostBindings, 1, MOST_BINDINGS)) {
    throw invalid(`router ${name}: the number of bindings ${mostBindings} is not in 1..${MOST_BINDINGS}`);
  }
  if (key !== undefined && !isWithin(key.spi, FIRST_SPI, LAST_SPI)) {
    throw invalid(`router ${name}: the SPI of its key is not in ${FIRST_SPI}..${LAST_SPI}`);
  }
  if (key !== undefined && key.key.length < SHORTEST_KEY) {
    throw invalid(`router ${name}: its key is shorter than ${SHORTEST_KEY} bytes`);
  }
}

export function invalid(what: string): RegistrationError {
  return new RegistrationError('REGISTRATION_SETTINGS_INVALID', what);
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
