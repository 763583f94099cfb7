// Rounds become a median with its least and most, and pairs of rounds a ratio.

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError without values */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('nothing to summarize');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] as number;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Median of a / b, each pair from one round, so that what slows the machine slows both. */
export function ratio(a: readonly number[], b: readonly number[]): number {
  return summarize(pairs(a, b).map(([one, other]) => one / other)).median;
}

/**
 * The same for rates of which the time of a third one for each packet, the generator's, is taken off. Not a number
 * where one of them is no slower than the generator alone.
 * @param paid whose time has that of the generator in it
 */
export function netRatio(
  a: readonly number[],
  b: readonly number[],
  generator: readonly number[],
  paid: 'both' | 'a' = 'both',
): number {
  const net = pairs(a, b).map(([one, other], round) => {
    const own = 1 / (generator[round] ?? Number.NaN);
    const [first, second] = [1 / one - own, 1 / other - (paid === 'both' ? own : 0)];
    return first > 0 && second > 0 ? second / first : Number.NaN;
  });
  return net.some(Number.isNaN) ? Number.NaN : summarize(net).median;
}

function pairs(a: readonly number[], b: readonly number[]): [number, number][] {
  return a.slice(0, b.length).map((value, round) => [value, b[round] as number]);
}

/** The value below which the given part of all values is, 0.99 for p99. @throws RangeError without values */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new RangeError('nothing to summarize');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] as number;
}
