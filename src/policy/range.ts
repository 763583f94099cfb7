/** Fields that are numbers: what each is called, what it may be, and its text. */
import { DSCP_NAMES, ICMP_TYPE_NAMES, isExtensionHeader, PROTOCOL_NAMES } from './number-names.js';
import { invalid } from './policy-error.js';
import type { Range, Selector } from './selector.js';

/** The fields of a selector that are ranges of numbers. */
export type RangeKey =
  | 'protocol'
  | 'sourcePort'
  | 'destinationPort'
  | 'dscp'
  | 'flowLabel'
  | 'spi'
  | 'icmpType'
  | 'icmpCode';

type RangeWord =
  | 'protocol'
  | 'source-port'
  | 'destination-port'
  | 'dscp'
  | 'flow-label'
  | 'spi'
  | 'icmp-type'
  | 'icmp-code';

interface RangeField {
  /** Its keyword in texts and in the configuration file. */
  readonly word: RangeWord;
  /** What one value is, with its article. */
  readonly what: string;
  readonly low: number;
  readonly high: number;
  readonly names: ReadonlyMap<string, number>;
  /** Numbers are shown in hexadecimal. */
  readonly hex: boolean;
}

const NO_NAMES: ReadonlyMap<string, number> = new Map();
const PORT = { what: 'a port', low: 0, high: 0xffff, names: NO_NAMES, hex: false };

/** In the order in which a selector's text has them. */
export const RANGE_FIELDS: Readonly<Record<RangeKey, RangeField>> = {
  protocol: { word: 'protocol', what: 'a protocol', low: 0, high: 255, names: PROTOCOL_NAMES, hex: false },
  sourcePort: { word: 'source-port', ...PORT },
  destinationPort: { word: 'destination-port', ...PORT },
  dscp: { word: 'dscp', what: 'a DSCP', low: 0, high: 63, names: DSCP_NAMES, hex: false },
  flowLabel: {
    word: 'flow-label',
    what: 'a flow label',
    low: 0,
    high: 0xf_ffff,
    names: NO_NAMES,
    hex: true,
  },
  spi: { word: 'spi', what: 'an SPI', low: 1, high: 0xffff_ffff, names: NO_NAMES, hex: true },
  icmpType: {
    word: 'icmp-type',
    what: 'an ICMPv6 type',
    low: 0,
    high: 255,
    names: ICMP_TYPE_NAMES,
    hex: false,
  },
  icmpCode: { word: 'icmp-code', what: 'an ICMPv6 code', low: 0, high: 255, names: NO_NAMES, hex: false },
};

/** The keys of {@link RANGE_FIELDS} in their order. */
export const RANGE_KEYS = Object.keys(RANGE_FIELDS) as RangeKey[];

/** What a field's value may be, in words, for hints and documentation. */
export function rangeForm(key: RangeKey): string {
  const { names, low, high, hex } = RANGE_FIELDS[key];
  // An extension header has a name, so that it can be refused by it.
  const words = [...names]
    .filter(([, one]) => key !== 'protocol' || !isExtensionHeader(one))
    .map(([name]) => name);
  return [
    ...(words.length > 0 ? [`${words.join(', ')} or a number`] : ['NUMBER']),
    `or LOW-HIGH, each from ${digits(low, hex)} to ${digits(high, hex)}`,
  ].join(' ');
}

/**
 * Reads one value of a field: a number (decimal or 0x hexadecimal), a name, or `LOW-HIGH` of these.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseRange(key: RangeKey, value: string | number): Range {
  const field = RANGE_FIELDS[key];
  const single = parseOne(field, value);
  if (single !== undefined) return Object.freeze({ low: single, high: single });
  if (key === 'spi' && /^(0|0x0+)$/.test(String(value))) {
    throw invalid(value, 'an SPI that is ever on the wire', 'write a number from 0x1 to 0xffffffff');
  }
  const range = typeof value === 'string' ? parseEnds(field, value) : undefined;
  if (range === undefined) throw invalid(value, field.what, `write ${rangeForm(key)}`);
  if (range.low > range.high) {
    throw invalid(
      value,
      'a range that starts below its end',
      `write ${formatRange(key, { low: range.high, high: range.low })}`,
    );
  }
  return Object.freeze(range);
}

/**
 * Reads one value or a list of values of a field.
 * @throws PolicyError SELECTOR_INVALID
 */
export function parseRanges(
  key: RangeKey,
  values: string | number | readonly (string | number)[],
): readonly Range[] {
  const list = typeof values === 'object' ? values : [values];
  if (list.length === 0) throw invalid('', `${RANGE_FIELDS[key].what} or a range`, `write ${rangeForm(key)}`);
  return joinRanges(list.map((value) => parseRange(key, value)));
}

/** Sorts ranges and joins those that overlap or touch. */
export function joinRanges(ranges: readonly Range[]): readonly Range[] {
  const joined: { low: number; high: number }[] = [];
  for (const { low, high } of [...ranges].sort((a, b) => a.low - b.low)) {
    const last = joined.at(-1);
    if (last !== undefined && low <= last.high + 1) last.high = Math.max(last.high, high);
    else joined.push({ low, high });
  }
  return Object.freeze(joined.map((range) => Object.freeze(range)));
}

/** `udp`, `5000-5010`, `0x10`: a name where a single number has one. */
export function formatRange(key: RangeKey, { low, high }: Range): string {
  const { names, hex } = RANGE_FIELDS[key];
  if (low !== high) return `${digits(low, hex)}-${digits(high, hex)}`;
  for (const [name, number] of names) if (number === low) return name;
  return digits(low, hex);
}

/** The texts of a field's ranges, in order. */
export function formatRanges(key: RangeKey, ranges: readonly Range[]): string[] {
  return ranges.map((range) => formatRange(key, range));
}

/** Whether a field's ranges hold a number; undefined is a wildcard. */
export function holds(ranges: Selector[RangeKey], number: number): boolean {
  return ranges === undefined || ranges.some(({ low, high }) => low <= number && number <= high);
}

function parseOne({ names, low, high }: RangeField, value: string | number): number | undefined {
  const named = typeof value === 'string' ? names.get(value) : undefined;
  if (named !== undefined) return named;
  if (typeof value === 'string' && !/^(0x[\da-f]{1,8}|\d{1,10})$/i.test(value)) return undefined;
  const number = Number(value);
  return Number.isInteger(number) && number >= low && number <= high ? number : undefined;
}

/** Names may have dashes, too, so each dash is tried. */
function parseEnds(field: RangeField, text: string): { low: number; high: number } | undefined {
  for (let at = text.indexOf('-'); at >= 0; at = text.indexOf('-', at + 1)) {
    const low = parseOne(field, text.slice(0, at));
    const high = parseOne(field, text.slice(at + 1));
    if (low !== undefined && high !== undefined) return { low, high };
  }
  return undefined;
}

function digits(value: number, hex: boolean): string {
  return hex ? `0x${value.toString(16)}` : String(value);
}
