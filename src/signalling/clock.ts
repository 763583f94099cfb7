import type { Instant } from '../registration/index.js';

const NANOSECONDS_A_MILLISECOND = 1_000_000n;

/** This moment. */
export function now(): Instant {
  return { monotonic: performance.now(), real: BigInt(Date.now()) * NANOSECONDS_A_MILLISECOND };
}
