export { Address } from './address.js';
export { AddressError, type AddressErrorCode } from './address-error.js';
export { MacAddress } from './mac-address.js';
export { Prefix } from './prefix.js';
export { PrefixIndex } from './prefix-index.js';
