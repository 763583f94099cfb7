/** Values of `match:` that may be one or a list. */
import {
  isExtensionHeader,
  PolicyError,
  parseAddressTerm,
  parseCgroup,
  parseRange,
  RANGE_FIELDS,
  type Range,
  type RangeKey,
  rangeForm,
} from '../policy/index.js';
import { oneOrMore, readInterfaceName } from './values.js';

/** Numbers, ranges and names of one field. */
export function numbers(key: RangeKey) {
  return oneOrMore(`${RANGE_FIELDS[key].what} or a range`, rangeForm(key), (value): Range => {
    const range = parseRange(key, value);
    if (key === 'protocol' && range.low === range.high && isExtensionHeader(range.low)) {
      throw new PolicyError(
        'SELECTOR_INVALID',
        `${value} is an extension header, packets are known by the protocol behind it`,
        'write the protocol that follows it',
      );
    }
    return range;
  });
}

/** Addresses, prefixes, ranges of addresses and names of sets. */
export function addresses() {
  return oneOrMore(
    'an IPv6 address, prefix or range',
    'ADDRESS, ADDRESS/LENGTH, LOW-HIGH or "@SET"',
    (value) => parseAddressTerm(String(value)),
  );
}

/** Names of interfaces. */
export function interfaces() {
  return oneOrMore('an interface name', 'the name of an interface', (value) =>
    readInterfaceName(String(value)),
  );
}

/** Paths of cgroups. */
export function cgroups() {
  return oneOrMore('the path of a cgroup', 'the absolute path of a cgroup', (value) =>
    parseCgroup(String(value)),
  );
}
