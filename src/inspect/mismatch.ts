/** Why a selector does not match a packet, field by field, in words. */
import type { Address } from '../net/index.js';
import {
  type AddressMatch,
  formatAddressMatch,
  formatAddressRange,
  formatMark,
  formatRange,
  formatRanges,
  holds,
  isWithinCgroup,
  type Packet,
  RANGE_FIELDS,
  RANGE_KEYS,
  type RangeKey,
  type Selector,
} from '../policy/index.js';

/** A field that a packet has otherwise than a selector asks for. */
export interface Mismatch {
  /** Its keyword. */
  readonly field: string;
  /** What the packet has; null when it has none. */
  readonly packet: string | null;
  /** What is asked for. */
  readonly required: string;
  /** Both in one sentence. */
  readonly text: string;
}

/** Values of a list that are named before "and N more". */
const MOST_NAMED = 4;

/**
 * Every field of a selector that does not fit; none when all do.
 * @param markKnown false: a mark that is asked for is left open
 */
export function mismatches(selector: Selector, packet: Packet, markKnown: boolean): Mismatch[] {
  const { mark } = selector;
  const found: (Mismatch | undefined)[] = [
    ofAddress('source', selector.source, packet.source),
    ofAddress('destination', selector.destination, packet.destination),
    ...RANGE_KEYS.map((key) => ofRange(key, selector, packet[key])),
    ofName('interface', selector.interface, packet.interface, (name, asked) => name === asked),
    ofName('cgroup', selector.cgroup, packet.cgroup, isWithinCgroup),
  ];
  const seen = packet.mark ?? 0;
  if (markKnown && mark !== undefined && (seen & mark.mask) >>> 0 !== mark.value) {
    found.push(describe('mark', hex(seen), formatMark(mark), 'is not'));
  }
  return found.filter((one) => one !== undefined);
}

function ofAddress(field: string, asked: AddressMatch | undefined, address: Address): Mismatch | undefined {
  const number = address.toBigInt();
  if (asked?.ranges.some(({ low, high }) => low.toBigInt() <= number && number <= high.toBigInt()) ?? true) {
    return undefined;
  }
  const [only] = asked?.ranges ?? [];
  const required = named(asked === undefined ? [] : formatAddressMatch(asked));
  const value = address.toString();
  if (asked?.ranges.length === 1 && only !== undefined && formatAddressRange(only).includes('/')) {
    const bit = firstDifference(number, only.low.toBigInt());
    const text = `${field} ${value} differs from ${required} at bit ${bit}`;
    return { field, packet: value, required, text };
  }
  return describe(field, value, required, asked?.ranges.length === 1 ? 'is not' : 'is none of');
}

/** Bits are counted from the left, from 0. */
function firstDifference(a: bigint, b: bigint): number {
  return 128 - (a ^ b).toString(2).length;
}

function ofRange(key: RangeKey, selector: Selector, value: number | undefined): Mismatch | undefined {
  const asked = selector[key];
  if (asked === undefined || (value !== undefined && holds(asked, value))) return undefined;
  const { word } = RANGE_FIELDS[key];
  const required = named(formatRanges(key, asked));
  const several = asked.length > 1 || asked.some(({ low, high }) => low !== high);
  if (value === undefined) return absent(word, required);
  return describe(
    word,
    formatRange(key, { low: value, high: value }),
    required,
    several ? 'is not in' : 'is not',
  );
}

function ofName(
  field: string,
  asked: readonly string[] | undefined,
  value: string | undefined,
  fits: (value: string, asked: string) => boolean,
): Mismatch | undefined {
  if (asked === undefined || (value !== undefined && asked.some((one) => fits(value, one)))) return undefined;
  const required = named(asked);
  return value === undefined
    ? absent(field, required)
    : describe(field, value, required, asked.length === 1 ? 'is not' : 'is none of');
}

function absent(field: string, required: string): Mismatch {
  return { field, packet: null, required, text: `the packet has no ${field}; ${required} is asked for` };
}

function describe(field: string, packet: string, required: string, verb: string): Mismatch {
  return { field, packet, required, text: `${field} ${packet} ${verb} ${required}` };
}

function named(texts: readonly string[]): string {
  const more = texts.length - MOST_NAMED;
  const first = texts.slice(0, MOST_NAMED).join(', ');
  return more > 0 ? `${first} and ${more} more` : first;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
