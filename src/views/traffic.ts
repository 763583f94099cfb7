/** A pair of counters; numbers are exact up to 2^53. */
export interface Traffic {
  packets: number;
  bytes: number;
}
