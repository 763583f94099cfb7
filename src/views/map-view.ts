/** One of our maps. */
export interface MapView {
  name: string;
  /** The kernel's name of the kind: `array`, `percpu_array`, `hash`, `lpm_trie`, ... */
  type: string;
  /** C text of the key's and the value's type, or `N bytes` without BTF. */
  key: string;
  value: string;
  /** Rows in use; for arrays the rows that are not all zero. */
  entries: number;
  maxEntries: number;
  /** One sentence: what a row means. */
  meaning: string;
}

/** A decoded key or value: addresses as text, 64-bit numbers as bigint, bytes without a type as bytes. */
export type MapValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly MapValue[]
  | { readonly [field: string]: MapValue };

/** One row; the value of a per-CPU map is the sum over its CPUs. */
export interface MapRow {
  key: MapValue;
  value: MapValue;
}

/** All rows of one map. The kernel gives no consistent view of a map that changes meanwhile. */
export interface MapDump extends MapView {
  rows: MapRow[];
}
