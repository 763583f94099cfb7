/** One policy with its hits. */
export interface PolicyView {
  router: string;
  fid: number;
  name: string;
  /** FID-PRI, lower wins. */
  priority: number;
  /** The selector as text, `any` when it matches everything. */
  match: string;
  /** Names of the bindings, first usable one carries the packet. */
  use: string[];
  packets: number;
  bytes: number;
}
