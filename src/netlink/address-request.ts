import { Address } from '../net/index.js';
import { AF, IFA, IFA_F } from './constants.js';
import { addressHeader, encodeLifetimes } from './interface-address.js';
import type { Mode } from './mode.js';

export interface AddressId {
  ifindex: number;
  address: Address | string;
  prefixLength: number;
}

export interface AddressSpec extends AddressId {
  /** No duplicate address detection: usable at once. */
  noDad?: boolean | undefined;
  /** Do not make the prefix's on-link route. */
  noPrefixRoute?: boolean | undefined;
  optimistic?: boolean | undefined;
  homeAddress?: boolean | undefined;
  /** Seconds, default for ever */
  preferredLifetime?: number | undefined;
  /** Seconds, default for ever */
  validLifetime?: number | undefined;
  /** IFAPROT_* */
  protocol?: number | undefined;
  mode?: Mode | undefined;
}

function writer(id: AddressId) {
  const address = Address.from(id.address);
  return addressHeader(address.family === 4 ? AF.INET : AF.INET6, id.prefixLength, 0, id.ifindex)
    .attributeAddress(IFA.LOCAL, address)
    .attributeAddress(IFA.ADDRESS, address);
}

export function newAddressBody(spec: AddressSpec): Uint8Array {
  const flags =
    (spec.noDad ? IFA_F.NODAD : 0) |
    (spec.noPrefixRoute ? IFA_F.NOPREFIXROUTE : 0) |
    (spec.optimistic ? IFA_F.OPTIMISTIC : 0) |
    (spec.homeAddress ? IFA_F.HOMEADDRESS : 0);
  const valid = spec.validLifetime ?? Number.POSITIVE_INFINITY;
  return writer(spec)
    .attributeU32(IFA.FLAGS, flags)
    .attribute(IFA.CACHEINFO, encodeLifetimes(spec.preferredLifetime ?? valid, valid))
    .attributeU8(IFA.PROTO, spec.protocol)
    .finish();
}

export function deleteAddressBody(id: AddressId): Uint8Array {
  return writer(id).finish();
}

export function describeAddress(id: AddressId): string {
  return `address ${id.address}/${id.prefixLength} dev ${id.ifindex}`;
}
