/** One policy with its hits. */
export interface PolicyView {
  router: string;
  fid: number;
  /** FID on the wire of a flow binding that the router has registered (RFC 6089); null: the policy is in the file. */
  registeredFid: number | null;
  name: string;
  /** FID-PRI, lower wins. */
  priority: number;
  /** The selector as text, `any` when it matches everything. */
  match: string;
  /** What it does as text, such as `use lte, wifi` or `balance lte:3 wifi:1 otherwise drop`. */
  action: string;
  kind: 'use' | 'balance' | 'copy' | 'drop' | 'bypass';
  /** In order of preference with `use`; empty with `drop` and `bypass`. */
  bindings: PolicyBindingView[];
  /** What holds while none of the bindings is usable. */
  otherwise: 'next' | 'drop' | 'default';
  /** FIDs by which the home agent is told of it (RFC 6089); empty where it is not. */
  flows: number[];
  /** Why the home agent is not told of it although policies are registered, or what it does otherwise; else null. */
  remark: string | null;
  packets: number;
  bytes: number;
}

/** A binding that a policy names. */
export interface PolicyBindingView {
  name: string;
  /** Its part of the flows with `balance`, else null. */
  weight: number | null;
}
