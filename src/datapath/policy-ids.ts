import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { decodeCxPolicyKey, encodeCxPolicyKey } from './generated.js';
import { decodeWord, encodeWord } from './word.js';

/** Stable numbers of policies, by which their counters survive reloads and restarts. */
export class PolicyIds {
  readonly #keys: BpfMap;
  readonly #counters: BpfMap;
  readonly #ids = new Map<string, number>();

  constructor(keys: BpfMap, counters: BpfMap) {
    this.#keys = keys;
    this.#counters = counters;
    for (const [key, value] of keys.readAll()) {
      const { router, fid } = decodeCxPolicyKey(value);
      if (fid !== 0) {
        this.#ids.set(`${router}/${fid}`, decodeWord(key));
      }
    }
  }

  find(router: number, fid: number): number | undefined {
    return this.#ids.get(`${router}/${fid}`);
  }

  /** Id of a policy; a new one gets a free id with its counters at zero. */
  id(router: number, fid: number): number {
    const known = this.find(router, fid);
    if (known !== undefined) {
      return known;
    }
    const taken = new Set(this.#ids.values());
    for (let id = 1; id < this.#keys.maxEntries; id++) {
      if (!taken.has(id)) {
        const key = encodeWord(id);
        this.#counters.set(key, new Uint8Array(this.#counters.valueBytes));
        this.#keys.set(key, encodeCxPolicyKey({ router, fid }));
        this.#ids.set(`${router}/${fid}`, id);
        return id;
      }
    }
    throw new DatapathError(
      'MAP_FULL',
      `all ${this.#keys.maxEntries - 1} policy ids are in use`,
      'raise limits.policies in the config, then "coax down" and "coax up"',
    );
  }

  /** Frees the ids of policies that are in no generation any more. */
  keepOnly(ids: ReadonlySet<number>): void {
    for (const [name, id] of this.#ids) {
      if (!ids.has(id)) {
        this.#keys.set(encodeWord(id), new Uint8Array(this.#keys.valueSize));
        this.#ids.delete(name);
      }
    }
  }
}
