import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { decodeCxSpiKey, encodeCxSpiKey } from './generated.js';
import { encodeWord } from './word.js';

/** Where packets of one ESP tunnel of ours come to. */
export interface OwnSpi {
  /** Outer destination, canonical text. */
  readonly local: string;
  readonly spi: number;
}

/** The SPIs that protect bindings of ours: ESP that carries one has to come from an accepted address. */
export class SpiSet {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  /**
   * Makes the content equal to `desired`; returns the number of writes.
   * @throws DatapathError MAP_FULL when `desired` does not fit; nothing is changed then
   */
  sync(desired: readonly OwnSpi[]): number {
    if (desired.length > this.#map.maxEntries) {
      throw new DatapathError(
        'MAP_FULL',
        `${desired.length} SPIs do not fit into ${this.#map.name}, which holds ${this.#map.maxEntries}`,
        'give fewer pairs of keys to a binding, or raise limits.bindings in the config, then "coax down" and "coax up"',
      );
    }
    const name = ({ local, spi }: OwnSpi): string => `${local} ${spi}`;
    const wanted = new Map(desired.map((one) => [name(one), one]));
    const current = new Map(
      this.#map.readAll().map(([key]): [string, Uint8Array] => [name(decodeCxSpiKey(key)), key]),
    );
    const stale = [...current].filter(([text]) => !wanted.has(text));
    const missing = [...wanted].filter(([text]) => !current.has(text));
    for (const [, key] of stale) this.#map.delete(key);
    for (const [, one] of missing) this.#map.set(encodeCxSpiKey(one), encodeWord(1));
    return stale.length + missing.length;
  }
}
