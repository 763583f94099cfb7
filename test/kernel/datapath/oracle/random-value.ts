/** Random values that lie at the edges of what selectors ask for. */
import type { Random } from '../../../../lab/random.js';
import { Address, Prefix } from '../../../../src/net/index.js';
import type { AddressMatch, Range, Selector } from '../../../../src/policy/index.js';

/** First and last value of a field. */
export type Limits = readonly [first: number, last: number];

export const LIMITS = {
  protocol: [0, 255],
  port: [0, 65_535],
  dscp: [0, 63],
  flowLabel: [0, 0xf_ffff],
  spi: [1, 0xffff_ffff],
  icmp: [0, 255],
} as const satisfies Record<string, Limits>;

/** The third group of the last one is what a link header has where it tells IPv6, see `insideL3`. */
export const SOURCE_ROOTS = [
  '2001:db8:100::',
  '2001:db8:100:1::',
  '2001:db8:100:ffff:ffff:ffff:ffff:0',
  '2001:db8:86dd:1::',
];
export const DESTINATION_ROOTS = ['2001:db8:200::', '2400::', '2001:db8:200:8000::', '3fff:ffff:ffff:ffff::'];
const MARK_MASKS = [0xffffffff, 0xff, 0xff00, 0x80000000, 1, 0xf0f0f0f0];
const LAST_ADDRESS = (1n << 128n) - 1n;
/** Byte and word boundaries, and what lies beside them. */
const LENGTHS = [0, 1, 2, 3, 16, 31, 32, 33, 47, 48, 56, 63, 64, 65, 95, 96, 97, 112, 120, 126, 127, 128];

export function addressOf(value: bigint): Address {
  return Address.fromBytes(Buffer.from((value & LAST_ADDRESS).toString(16).padStart(32, '0'), 'hex'));
}

export function randomMark(random: Random): NonNullable<Selector['mark']> {
  const mask = random.of(MARK_MASKS);
  return { mask, value: (random.of([0, random.word(), 0x10, 0xffffffff]) & mask) >>> 0 };
}

export function randomPorts(random: Random): Range {
  const ends = [random.of([0, 1, 1023, 5000, 65_534, random.below(65_536)]), random.below(65_536)];
  const [low = 0, high = 0] = ends.sort((a, b) => a - b);
  return random.of([
    { low, high },
    { low, high: low },
    { low: 0, high },
    { low, high: 65_535 },
    { low: 0, high: 65_535 },
  ]);
}

/** Of one root, so that they nest and lie side by side. */
export function randomPrefix(random: Random, roots: readonly string[]): Prefix {
  const root = Address.parse(random.of(roots)).toBigInt();
  const length = random.of(LENGTHS);
  const flipped = length > 48 && random.chance(0.4) ? root ^ (1n << BigInt(128 - length)) : root;
  return Prefix.covering(addressOf(flipped), length);
}

export function randomRange(random: Random, [low, high]: Limits): Range {
  const anywhere = (): number => low + random.below(high - low + 1);
  const edge = (): number => random.of([low, low + 1, high - 1, high, anywhere()]);
  const [a, b] = [edge(), random.chance(0.5) ? edge() : anywhere()];
  return random.chance(0.3) ? { low: a, high: a } : { low: Math.min(a, b), high: Math.max(a, b) };
}

/** The first and the last address of a range and their neighbours outside, and some inside. */
export function addressNear(
  random: Random,
  match: AddressMatch | undefined,
  roots: readonly string[],
): bigint {
  const range = match && random.of(match.ranges);
  if (!range) return Address.parse(random.of(roots)).toBigInt() + BigInt(random.below(4));
  const first = range.low.toBigInt();
  const size = range.high.toBigInt() - first + 1n;
  const inside = first + (((BigInt(random.word()) << 96n) | (BigInt(random.word()) << 40n)) % size);
  return random.of([first, first + size - 1n, first - 1n, first + size, inside]) & LAST_ADDRESS;
}

/** Only addresses that packets may have: the rest are refused before they are classified. */
export function usableAddress(value: bigint, spare: string): Address {
  const linkScope = value <= 1n || value >> 120n === 0xffn || value >> 118n === 0xfe80n >> 6n;
  return linkScope ? Address.parse(spare) : addressOf(value);
}

/**
 * The address nearby that a packet without a link header can have in a test run: the kernel takes 14 bytes for one
 * and reads its type from what is the third group of the source.
 */
export function insideL3(value: bigint): bigint {
  return (value & ~(0xffffn << 80n)) | (0x86ddn << 80n);
}

/** At an edge of one of some ranges, or anywhere. */
export function numberNear(
  random: Random,
  ranges: readonly Range[] | undefined,
  [first, last]: Limits,
): number {
  const anywhere = first + random.below(last - first + 1);
  if (ranges === undefined || ranges.length === 0) return random.of([first, last, anywhere]);
  const { low, high } = random.of(ranges);
  return Math.min(last, Math.max(first, random.of([low, high, low - 1, high + 1, anywhere])));
}

export function markNear(random: Random, mark: Selector['mark']): number {
  const { value, mask } = mark ?? randomMark(random);
  const outside = (value | (random.word() & ~mask)) >>> 0;
  return random.of([0, value, outside, (value ^ (mask & -mask)) >>> 0, random.word()]);
}
