/**
 * How often something may happen: `burst` times at once and then once in `interval` milliseconds. All there is to
 * remember is one number, the time by which what has happened would be due at an even pace; at first -Infinity.
 */
export interface Pace {
  readonly interval: number;
  readonly burst: number;
}

export function admits(due: number, now: number, { interval, burst }: Pace): boolean {
  return due <= now + (burst - 1) * interval;
}

/** The number after one more. */
export function afterOneMore(due: number, now: number, { interval }: Pace): number {
  return Math.max(due, now) + interval;
}
