import { Address } from '../net/index.js';
import { NetlinkError } from './errors.js';

/**
 * A whole number from 0 to `max`, or undefined where none is given; the codec would cut off what is more.
 * @throws NetlinkError NETLINK_ARGUMENT
 */
export function checkedNumber<T extends number | undefined>(what: string, value: T, max: number): T {
  if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= max)) {
    throw new NetlinkError(
      'NETLINK_ARGUMENT',
      `The ${what} must be a whole number from 0 to ${max}: ${value}`,
    );
  }
  return value;
}

/**
 * An address of IPv6, or undefined where none is given.
 * @throws NetlinkError NETLINK_ARGUMENT for one of IPv4; AddressError for text that is no address
 */
export function checkedAddress6(what: string, value: Address | string | undefined): Address | undefined {
  if (value === undefined) return undefined;
  const address = Address.from(value);
  if (address.family !== 6) {
    throw new NetlinkError('NETLINK_ARGUMENT', `The ${what} must be an address of IPv6: ${address}`);
  }
  return address;
}
