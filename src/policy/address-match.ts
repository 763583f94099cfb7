/** Addresses in selectors: prefixes, ranges and the names of sets. */
import { Address, AddressError, Prefix } from '../net/index.js';
import { invalid, PolicyError } from './policy-error.js';
import type { AddressMatch, AddressRange } from './selector.js';

/** What may stand where addresses are: some addresses, or the name of a set of them. */
export type AddressTerm = AddressRange | { readonly set: string };

const FORM = 'write ADDRESS, ADDRESS/LENGTH, LOW-HIGH or "@SET", for example 2001:db8:1::/64';

/**
 * Reads an address, a prefix, `LOW-HIGH` or `@SET`.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseAddressTerm(value: string): AddressTerm {
  if (!value.startsWith('@')) return parseAddressRange(value);
  const set = value.slice(1);
  if (!isSetName(set)) throw invalid(value, 'the name of a set', 'write "@NAME" with a name from sets:');
  return Object.freeze({ set });
}

/** Whether a set may be called so: a letter, then up to 63 letters, digits, `-`, `_` or `.`. */
export function isSetName(name: string): boolean {
  return /^[A-Za-z][\w.-]{0,63}$/.test(name);
}

/**
 * Reads an address, a prefix or `LOW-HIGH`.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseAddressRange(value: string): AddressRange {
  const dash = value.indexOf('-');
  if (dash < 0) return rangeOf(parsePrefix(value));
  const [low, high] = [parseEnd(value, value.slice(0, dash)), parseEnd(value, value.slice(dash + 1))];
  if (low.compare(high) > 0)
    throw invalid(value, 'a range that starts below its end', `write ${high}-${low}`);
  return Object.freeze({ low, high });
}

/**
 * Reads one value or a list of values where addresses are.
 * @param sets the named sets that may be used
 * @throws PolicyError SELECTOR_INVALID, also when there is no such set
 */
export function parseAddressMatch(
  values: string | readonly string[],
  sets: ReadonlyMap<string, readonly AddressRange[]> = new Map(),
): AddressMatch {
  const terms = (typeof values === 'string' ? [values] : values).map(parseAddressTerm);
  return resolveTerms(terms, (name) => {
    const ranges = sets.get(name);
    if (ranges === undefined) throw invalid(`@${name}`, 'a set there is', 'add it to sets:');
    return ranges;
  });
}

/** The addresses that some terms stand for; the name is kept when it is the only one. */
export function resolveTerms(
  terms: readonly AddressTerm[],
  find: (set: string) => readonly AddressRange[],
): AddressMatch {
  const [first] = terms;
  if (terms.length === 1 && first !== undefined && 'set' in first) {
    return Object.freeze({ set: first.set, ranges: find(first.set) });
  }
  const ranges = terms.flatMap((term) => ('set' in term ? find(term.set) : [term]));
  return Object.freeze({ set: undefined, ranges: joinAddressRanges(ranges) });
}

/** The match for exactly the addresses of a prefix. */
export function matchOfPrefix(prefix: Prefix): AddressMatch {
  return Object.freeze({ set: undefined, ranges: Object.freeze([rangeOf(prefix)]) });
}

/** Sorts ranges and joins those that overlap or touch. */
export function joinAddressRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const joined: { low: Address; high: Address }[] = [];
  for (const { low, high } of [...ranges].sort((a, b) => a.low.compare(b.low))) {
    const last = joined.at(-1);
    if (last === undefined || low.toBigInt() > last.high.toBigInt() + 1n) joined.push({ low, high });
    else if (high.compare(last.high) > 0) last.high = high;
  }
  return Object.freeze(joined.map((range) => Object.freeze(range)));
}

/** `2001:db8::1`, `2001:db8::/64` where the range is one prefix, else `LOW-HIGH`. */
export function formatAddressRange({ low, high }: AddressRange): string {
  if (low.equals(high)) return low.toString();
  const size = high.toBigInt() - low.toBigInt() + 1n;
  const isPower = (size & (size - 1n)) === 0n;
  if (!isPower || low.toBigInt() % size !== 0n) return `${low}-${high}`;
  return `${low}/${128 - (size.toString(2).length - 1)}`;
}

/** The texts of a match: the name of its set, or its ranges in order. */
export function formatAddressMatch({ set, ranges }: AddressMatch): string[] {
  return set === undefined ? ranges.map(formatAddressRange) : [`@${set}`];
}

function rangeOf(prefix: Prefix): AddressRange {
  const low = prefix.address;
  if (prefix.isHost) return Object.freeze({ low, high: low });
  const bytes = low.toBytes();
  const whole = prefix.length >> 3;
  const inside = 0xff >> (prefix.length & 7);
  bytes.fill(0xff, whole + 1);
  bytes[whole] = (bytes[whole] as number) | inside;
  return Object.freeze({ low, high: Address.fromBytes(bytes) });
}

function parsePrefix(value: string): Prefix {
  let prefix: Prefix;
  try {
    prefix = value.includes('/') ? Prefix.parse(value) : Prefix.host(Address.parse(value));
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    if (error.code === 'PREFIX_HOST_BITS') throw hostBits(value);
    throw invalid(value, 'an IPv6 address, prefix or range', FORM);
  }
  if (prefix.family !== 6)
    throw invalid(value, 'an IPv6 prefix', 'IPv4 is not carried, write an IPv6 prefix');
  return prefix;
}

function parseEnd(range: string, text: string): Address {
  let address: Address;
  try {
    address = Address.parse(text.trim());
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw invalid(range, 'a range of IPv6 addresses', 'write LOW-HIGH, for example 2001:db8::1-2001:db8::ff');
  }
  if (address.family !== 6)
    throw invalid(range, 'a range of IPv6 addresses', 'IPv4 is not carried, write IPv6');
  return address;
}

function hostBits(value: string): PolicyError {
  const [address = '', length] = value.split('/');
  const right = Prefix.covering(Address.parse(address), Number(length));
  return new PolicyError(
    'SELECTOR_INVALID',
    `${JSON.stringify(value)} has host bits set`,
    `write ${right}, or ${address} for the one address`,
  );
}
