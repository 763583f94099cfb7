/** How many packets left one hook for one reason; rows that were never hit are left out. */
export interface ReasonView {
  /** Lower case with dashes, such as `uplink`. */
  hook: string;
  /** Lower case with dashes, such as `drop-outer-source`. */
  reason: string;
  packets: number;
  bytes: number;
}
