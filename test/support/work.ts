/** How much is done where more only means more certain. */

const share = Number(process.env.TEST_WORK || '1');
if (!(share > 0 && share <= 1)) {
  throw new RangeError(`TEST_WORK=${process.env.TEST_WORK} is not a share above 0 and up to 1`);
}

/** That many tries, or the share TEST_WORK of them where every try is emulated; `least` say something still. */
export function tries(count: number, least = 1): number {
  return Math.min(count, Math.max(least, Math.round(count * share)));
}
