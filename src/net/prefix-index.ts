import type { Address } from './address.js';
import type { Prefix } from './prefix.js';

/** Values by prefix: what covers an address is found with one look for each length that there is. */
export class PrefixIndex<T> {
  /** Longest first. */
  readonly #lengths: { readonly length: number; readonly values: Map<string, T> }[] = [];

  /** Of prefixes that are the same the first one counts. */
  constructor(entries: Iterable<readonly [Prefix, T]>) {
    const byLength = new Map<number, Map<string, T>>();
    for (const [{ address, length }, value] of entries) {
      const values = byLength.get(length) ?? new Map<string, T>();
      byLength.set(length, values);
      if (!values.has(address.key)) values.set(address.key, value);
    }
    for (const [length, values] of [...byLength].sort(([a], [b]) => b - a)) {
      this.#lengths.push({ length, values });
    }
  }

  /** The value of the longest prefix that contains all of an address or a prefix; undefined where none does. */
  find(wanted: Address | Prefix): T | undefined {
    const [address, most] = 'bits' in wanted ? [wanted, wanted.bits] : [wanted.address, wanted.length];
    for (const { length, values } of this.#lengths) {
      if (length > most) continue;
      const value = values.get(address.masked(length).key);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
