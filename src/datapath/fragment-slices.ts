import type { BpfMap } from '../libbpf-ts/index.js';
import { CX_FRAGMENT_SLICES } from './generated.js';
import { decodeWord, encodeWord } from './word.js';

/**
 * Which part of the fragment table each ingress interface has, so that a flood of fragments at one does not push
 * out what the others left. Part 0 is for what has none of its own.
 */
export class FragmentSlices {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  /** ifindex -> slice. */
  read(): Map<number, number> {
    return new Map([...this.#map.readAll()].map(([key, value]) => [decodeWord(key), decodeWord(value)]));
  }

  /**
   * Gives each of these interfaces a slice, those that have one keep it; returns the number of writes. The ones
   * after the fifteenth share; those that find no room in the map are left to slice 0.
   */
  sync(ifindexes: readonly number[]): number {
    const current = this.read();
    const wanted = new Set(ifindexes);
    const gone = [...current.keys()].filter((ifindex) => !wanted.has(ifindex));
    for (const ifindex of gone) {
      this.#map.delete(encodeWord(ifindex));
      current.delete(ifindex);
    }
    const room = this.#map.maxEntries - current.size;
    const added = [...wanted].filter((ifindex) => !current.has(ifindex)).slice(0, room);
    for (const ifindex of added) {
      const slice = leastUsed([...current.values()]);
      this.#map.set(encodeWord(ifindex), encodeWord(slice));
      current.set(ifindex, slice);
    }
    return gone.length + added.length;
  }
}

/** Of the slices 1 and up. */
function leastUsed(taken: readonly number[]): number {
  const uses = Array.from({ length: CX_FRAGMENT_SLICES - 1 }, (_, at) => ({
    slice: at + 1,
    count: taken.filter((slice) => slice === at + 1).length,
  }));
  return uses.reduce((best, each) => (each.count < best.count ? each : best)).slice;
}
