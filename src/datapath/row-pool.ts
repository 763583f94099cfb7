import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { waitForReaders } from './grace.js';
import { encodeWord } from './word.js';

/**
 * The free rows of a map whose rows packets use: a row is written only while nothing points at it and
 * nothing can still be reading it. Row 0 is never handed out.
 */
export class RowPool {
  readonly map: BpfMap;
  readonly #free: number[] = [];
  #retired: number[] = [];
  #waiting: Promise<void> | undefined;

  /** @param used rows that are pointed at now */
  constructor(map: BpfMap, used: Iterable<number>) {
    this.map = map;
    const taken = new Set(used);
    for (let row = map.maxEntries - 1; row > 0; row--) {
      if (!taken.has(row)) {
        this.#free.push(row);
      }
    }
  }

  /** Writes a free row and returns its number. Waits a grace period when all are in use or fresh. */
  async write(bytes: Uint8Array): Promise<number> {
    let row = this.#free.pop();
    if (row === undefined) {
      await this.#reclaim();
      row = this.#free.pop();
    }
    if (row === undefined) {
      throw new DatapathError(
        'MAP_FULL',
        `all ${this.map.maxEntries - 1} rows of ${this.map.name} are in use`,
        'raise the matching value under "limits" in the config, then "coax down" and "coax up"',
      );
    }
    this.map.set(encodeWord(row), bytes);
    return row;
  }

  /** Gives a row back that nothing points at any more; 0 is ignored. */
  retire(row: number): void {
    if (row === 0) {
      return;
    }
    this.#retired.push(row);
    // In the background: a failure shows when rows run out and #reclaim is awaited.
    this.#reclaim().catch(() => undefined);
  }

  async #reclaim(): Promise<void> {
    // Cleared from outside: with nothing to wait for, #wait ends before its promise is assigned.
    this.#waiting ??= this.#wait().finally(() => {
      this.#waiting = undefined;
    });
    await this.#waiting;
  }

  async #wait(): Promise<void> {
    while (this.#retired.length > 0) {
      const batch = this.#retired;
      this.#retired = [];
      try {
        await waitForReaders();
      } catch (error) {
        this.#retired.push(...batch);
        throw error;
      }
      this.#free.push(...batch);
    }
  }
}
