import type { BpfMap } from '../libbpf-ts/index.js';
import { CxSignalBudgetSize } from './generated.js';
import { decodeWord, encodeWord } from './word.js';

/**
 * The mobility SPIs of the keys that registrations are authenticated with. Messages that name one of them have a budget
 * for each on their way to the daemon, which strangers who have not seen any cannot use up.
 */
export class SignalKeys {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  /** Those that find no room in the map have the budget of their source only. Returns the number of writes. */
  sync(spis: readonly number[]): number {
    const wanted = new Set(spis.slice(0, this.#map.maxEntries));
    const current = new Set(this.#map.readAll().map(([key]) => decodeWord(key)));
    const stale = [...current].filter((spi) => !wanted.has(spi));
    const missing = [...wanted].filter((spi) => !current.has(spi));
    for (const spi of stale) this.#map.delete(encodeWord(spi));
    for (const spi of missing) this.#map.set(encodeWord(spi), new Uint8Array(CxSignalBudgetSize));
    return stale.length + missing.length;
  }
}
