import { setImmediate } from 'node:timers/promises';
import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { FreeNumbers } from './free-numbers.js';
import { CxPolicyKeySize, decodeCxPolicyKey, encodeCxPolicyKey } from './generated.js';
import { encodeWord } from './word.js';

/** Ids that are looked at, and rows that are written, without letting others run: some milliseconds at most. */
const LOOKED_AT_ONCE = 2048;
const WRITTEN_AT_ONCE = 512;

/** A router id and a FID as one number, which maps find faster than a text. */
const ROUTER = 2 ** 21;

/**
 * Stable numbers of policies, by which their counters survive reloads and restarts. A number that is new is in
 * the kernel after `save`, which belongs before the generation that uses it.
 */
export class PolicyIds {
  readonly #keys: BpfMap;
  readonly #counters: BpfMap;
  readonly #ids = new Map<number, number>();
  readonly #numbers: FreeNumbers;
  #unsaved: { readonly id: number; readonly router: number; readonly fid: number }[] = [];

  constructor(keys: BpfMap, counters: BpfMap) {
    this.#keys = keys;
    this.#counters = counters;
    const rows = keys.getRange(0, keys.maxEntries);
    for (let id = 1; id < keys.maxEntries; id++) {
      const { router, fid } = decodeCxPolicyKey(rows, id * CxPolicyKeySize);
      if (fid !== 0) this.#ids.set(router * ROUTER + fid, id);
    }
    this.#numbers = new FreeNumbers(keys.maxEntries, this.#ids.values());
  }

  find(router: number, fid: number): number | undefined {
    return this.#ids.get(router * ROUTER + fid);
  }

  /**
   * Id of a policy; a new one gets the lowest that is free, with its counters at zero once it is saved.
   * @throws DatapathError MAP_FULL
   */
  id(router: number, fid: number): number {
    const known = this.find(router, fid);
    if (known !== undefined) {
      return known;
    }
    const id = this.#numbers.take();
    if (id === undefined) {
      throw new DatapathError(
        'MAP_FULL',
        `all ${this.#keys.maxEntries - 1} policy ids are in use`,
        'raise limits.policies in the config, then "coax down" and "coax up"',
      );
    }
    this.#ids.set(router * ROUTER + fid, id);
    this.#unsaved.push({ id, router, fid });
    return id;
  }

  /** Writes the ids that are new, each after its counters are zero. What fails is written the next time. */
  async save(): Promise<void> {
    const zero = new Uint8Array(this.#counters.valueBytes);
    while (this.#unsaved.length > 0) {
      const some = this.#unsaved.slice(-WRITTEN_AT_ONCE);
      this.#counters.setBatch(some.map(({ id }) => [encodeWord(id), zero]));
      this.#keys.setBatch(
        some.map(({ id, router, fid }) => [encodeWord(id), encodeCxPolicyKey({ router, fid })]),
      );
      this.#unsaved.length -= some.length;
      await setImmediate();
    }
  }

  /** Frees the ids of policies that are in no generation any more. */
  async keepOnly(ids: ReadonlySet<number>): Promise<void> {
    const gone: { readonly name: number; readonly id: number }[] = [];
    let looked = 0;
    for (const [name, id] of this.#ids) {
      if (!ids.has(id)) gone.push({ name, id });
      if (++looked % LOOKED_AT_ONCE === 0) await setImmediate();
    }
    const nobody = new Uint8Array(this.#keys.valueSize);
    for (let at = 0; at < gone.length; at += WRITTEN_AT_ONCE) {
      const some = gone.slice(at, at + WRITTEN_AT_ONCE);
      this.#keys.setBatch(some.map(({ id }) => [encodeWord(id), nobody]));
      for (const { name, id } of some) {
        this.#ids.delete(name);
        this.#numbers.free(id);
      }
      await setImmediate();
    }
    this.#unsaved = this.#unsaved.filter(({ id }) => ids.has(id));
  }
}
