import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { RowPool } from './row-pool.js';
import { decodeWord, encodeWord } from './word.js';

const toKey = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const toBytes = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'latin1'));

/** What a sync did. */
export interface SyncResult {
  added: number;
  changed: number;
  removed: number;
}

/** A hash map whose values are numbers of immutable rows in a second map. */
export class RowMap {
  readonly #index: BpfMap;
  readonly #pool: RowPool;

  constructor(index: BpfMap, rows: BpfMap) {
    this.#index = index;
    this.#pool = new RowPool(
      rows,
      index.readAll().map(([, value]) => decodeWord(value)),
    );
  }

  /** Current content, read from the kernel: encoded key -> row number and row. @param among what is read of it */
  #read(among?: Iterable<Uint8Array>): Map<string, { row: number; bytes: Uint8Array }> {
    const current = new Map<string, { row: number; bytes: Uint8Array }>();
    const entries =
      among === undefined
        ? this.#index.readAll()
        : [...among].map((key) => [key, this.#index.get(key)] as const);
    for (const [key, value] of entries) {
      if (value === undefined) continue;
      const row = decodeWord(value);
      const bytes = this.#pool.map.get(encodeWord(row));
      if (bytes) {
        current.set(toKey(key), { row, bytes });
      }
    }
    return current;
  }

  /** All rows that are pointed at. */
  rows(): Uint8Array[] {
    return [...this.#read().values()].map(({ bytes }) => bytes);
  }

  /**
   * Makes the content equal to `desired`, with as few writes as that takes: additions first, removals last,
   * unless there is no room to do it in this order.
   * @param stay of a row that is not desired: for how long it should stay (any unit); 0 or less: not at all.
   *   When there is no room, those with the least time left go first
   * @param among the keys that this is about, where that is not all: what else there is stays as it is, whatever it is
   * @throws DatapathError MAP_FULL when `desired` alone does not fit; nothing is changed then
   */
  async sync(
    desired: Iterable<readonly [Uint8Array, Uint8Array]>,
    stay: (row: Uint8Array) => number = () => 0,
    among?: Iterable<Uint8Array>,
  ): Promise<SyncResult> {
    const current = this.#read(among);
    const result = { added: 0, changed: 0, removed: 0 };
    const wanted = new Map([...desired].map(([key, bytes]) => [toKey(key), bytes]));
    const capacity = this.#index.maxEntries;
    if (wanted.size > capacity) {
      throw new DatapathError(
        'MAP_FULL',
        `${wanted.size} rows do not fit into ${this.#index.name}, which holds ${capacity}`,
        'raise the matching value under "limits" in the config, then "coax down" and "coax up"',
      );
    }
    const added = [...wanted.keys()].filter((key) => !current.has(key)).length;
    const leaving = [...current]
      .filter(([key]) => !wanted.has(key))
      .map(([key, { row, bytes }]) => ({ key, row, stay: stay(bytes) }))
      .sort((a, b) => a.stay - b.stay);
    const remove = (item: { key: string; row: number }): void => {
      this.#index.delete(toBytes(item.key));
      this.#pool.retire(item.row);
      result.removed += 1;
    };
    for (let excess = current.size + added - capacity; excess > 0; excess--) {
      const item = leaving.shift();
      if (item) {
        remove(item);
      }
    }
    for (const [key, bytes] of wanted) {
      const old = current.get(key);
      if (old && Buffer.compare(old.bytes, bytes) === 0) {
        continue;
      }
      const row = await this.#pool.write(bytes);
      try {
        this.#index.set(toBytes(key), encodeWord(row));
      } catch (error) {
        this.#pool.retire(row);
        throw error;
      }
      this.#pool.retire(old?.row ?? 0);
      result[old ? 'changed' : 'added'] += 1;
    }
    for (const item of leaving.filter(({ stay: left }) => left <= 0)) {
      remove(item);
    }
    return result;
  }
}
