/** Which prefixes a Binding Update puts into use (RFC 3963 section 6.2). */
import type { Address, Prefix } from '../../mobility/index.js';
import type { Registration } from './registration.js';
import type { AuthorisedRouter } from './settings.js';
import { Status } from './status.js';
import type { UpdateRequest } from './update-request.js';

type Networks = Pick<Registration, 'mobileRouter' | 'prefixes' | 'implicit'>;

/** All prefixes or none: a status refuses the message. */
export function networksOf(
  request: UpdateRequest,
  router: AuthorisedRouter,
  agent: Address,
): Networks | number {
  const { mobileRouter, prefixes } = request;
  if (!mobileRouter) return { mobileRouter, prefixes: [], implicit: false };
  if (prefixes.length === 0) {
    if (router.prefixes.length === 0) return Status.NO_FORWARDING;
    return { mobileRouter, prefixes: router.prefixes, implicit: true };
  }
  if (!prefixes.every((prefix) => isNetwork(prefix, agent))) return Status.INVALID_PREFIX;
  if (!prefixes.every((prefix) => isAuthorised(prefix, router))) return Status.PREFIX_NOT_AUTHORISED;
  return { mobileRouter, prefixes, implicit: false };
}

export function isAuthorised(prefix: Prefix, router: AuthorisedRouter): boolean {
  return router.prefixes.some((authorised) => authorised.contains(prefix));
}

/** Whether anybody's mobile network can have it; the default prefix begins with an address that nobody has. */
function isNetwork(prefix: Prefix, agent: Address): boolean {
  return prefix.address.isGlobal && !prefix.contains(agent);
}
