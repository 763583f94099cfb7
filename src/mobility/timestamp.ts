/** Timestamps of the Replay Protection option (RFC 4285 section 6): those of NTP, 64 bits (RFC 5905 section 6). */

/** From 1900 to 1970. */
const SECONDS_TO_1970 = 2_208_988_800n;
const NANOSECONDS = 1_000_000_000n;
const SECOND = 1n << 32n;
/** NTP counts seconds modulo 2^32: from 2036 on with the upper bit clear (RFC 4330 section 3). */
const FIRST_ERA_BIT = 1n << 63n;
const ERA = 1n << 64n;

/** @param time CLOCK_REALTIME, nanoseconds since 1970 */
export function ntpTimestamp(time: bigint): bigint {
  const seconds = time / NANOSECONDS + SECONDS_TO_1970;
  const fraction = ((time % NANOSECONDS) * SECOND + NANOSECONDS / 2n) / NANOSECONDS;
  return BigInt.asUintN(64, seconds * SECOND + fraction);
}

/** Nanoseconds since 1970, between 1968 and 2104. */
export function timeOfNtp(timestamp: bigint): bigint {
  const whole = timestamp >= FIRST_ERA_BIT ? timestamp : timestamp + ERA;
  const seconds = whole / SECOND - SECONDS_TO_1970;
  return seconds * NANOSECONDS + ((whole % SECOND) * NANOSECONDS + SECOND / 2n) / SECOND;
}

/**
 * Seconds by which one timestamp is after another, negative before it; to compare with the window of 7 seconds
 * (RFC 4285 section 6).
 */
export function ntpDifference(timestamp: bigint, other: bigint): number {
  return Number(BigInt.asIntN(64, timestamp - other)) / Number(SECOND);
}
