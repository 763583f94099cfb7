import type { BpfMap } from '../libbpf-ts/index.js';
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

  /** Current content, read from the kernel: encoded key -> row number and row. */
  #read(): Map<string, { row: number; bytes: Uint8Array }> {
    const current = new Map<string, { row: number; bytes: Uint8Array }>();
    for (const [key, value] of this.#index.readAll()) {
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
   * Makes the content equal to `desired`, with as few writes as that takes: additions first, removals last.
   * @param keep what is not desired but must stay for now
   */
  async sync(
    desired: Iterable<readonly [Uint8Array, Uint8Array]>,
    keep: (row: Uint8Array) => boolean = () => false,
  ): Promise<SyncResult> {
    const current = this.#read();
    const result = { added: 0, changed: 0, removed: 0 };
    for (const [key, bytes] of desired) {
      const text = toKey(key);
      const old = current.get(text);
      current.delete(text);
      if (old && Buffer.compare(old.bytes, bytes) === 0) {
        continue;
      }
      const row = await this.#pool.write(bytes);
      this.#index.set(key, encodeWord(row));
      this.#pool.retire(old?.row ?? 0);
      result[old ? 'changed' : 'added'] += 1;
    }
    for (const [text, { row, bytes }] of current) {
      if (!keep(bytes)) {
        this.#index.delete(toBytes(text));
        this.#pool.retire(row);
        result.removed += 1;
      }
    }
    return result;
  }
}
