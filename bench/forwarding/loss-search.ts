// The highest rate at which nothing is lost.

/** What was offered in one trial, and what of it was lost. */
export interface Offered {
  /** Packets a second that were really sent. */
  readonly rate: number;
  readonly lost: number;
}

/** Trials are over when the bounds are so near, as a part of the upper one. */
const NEAR = 0.01;

/**
 * Halves the range between a rate that lost and one that did not, for so many trials at most.
 * @param first a trial with as much as goes
 * @returns packets a second; 0 when every trial lost some
 */
export async function highestWithoutLoss(
  first: Offered,
  offer: (rate: number) => Promise<Offered>,
  trials: number,
): Promise<number> {
  if (first.lost === 0) return first.rate;
  let [good, bad] = [0, first.rate];
  for (let trial = 0; trial < trials && bad - good > NEAR * bad; trial++) {
    const wanted = (good + bad) / 2;
    const { rate, lost } = await offer(wanted);
    // One that could not be offered says nothing about higher ones.
    if (lost === 0 && rate > good) good = Math.min(rate, bad);
    else bad = wanted;
  }
  return good;
}
