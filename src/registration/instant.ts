/** One moment, as the caller's clocks see it. */
export interface Instant {
  /** Milliseconds of a clock that never goes back. */
  readonly monotonic: number;
  /** CLOCK_REALTIME, nanoseconds since 1970. */
  readonly real: bigint;
}
