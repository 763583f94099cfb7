export { type EspPair, MOST_PAIRS, makeEspKeys, readEspKeys } from './esp-keys.js';
export { KeyError } from './key-error.js';
export { makeRegistrationKey, readRegistrationKey } from './registration-key.js';
export { UsedPairs } from './used-pairs.js';
export { readWireguardKey } from './wireguard-keys.js';
