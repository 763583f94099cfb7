import type { Address } from '../../mobility/index.js';
import type { AuthorisedRouter, RegistrarSettings } from './settings.js';

/** What the rules of a registration look at. */
export interface RuleContext {
  readonly settings: RegistrarSettings;
  /** Of the home agent. */
  readonly agent: Address;
  readonly router: AuthorisedRouter;
  readonly isHomeAddress: (address: Address) => boolean;
  /** Whether another router has it as a care-of address. */
  readonly isTaken: (address: Address) => boolean;
  /** Whether one of `settings.homePrefixes` contains it. */
  readonly isInHomePrefix: (address: Address) => boolean;
}

/**
 * Whether an address can be a care-of address: IPv6, unicast, routable (RFC 5648 section 6.2, RFC 6275 section 9.5.1), and
 * not one that is reached through a tunnel to this router, or that is at home: neither of the home link, nor in the
 * router's own network, nor a home address, nor the home agent. Networks of other routers are allowed: routers can visit
 * them.
 */
export function isCareOf(
  address: Address,
  { agent, router, isHomeAddress, isInHomePrefix }: RuleContext,
): boolean {
  return (
    isRoutable(address) &&
    !address.equals(agent) &&
    !isHomeAddress(address) &&
    !isInHomePrefix(address) &&
    !router.prefixes.some((prefix) => prefix.contains(address))
  );
}

/** IPv6, global, and none of those that only stand for IPv4 addresses. */
export function isRoutable(address: Address): boolean {
  return address.family === 6 && address.isGlobal && address.word(0) !== 0;
}
