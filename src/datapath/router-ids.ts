import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import { FreeNumbers } from './free-numbers.js';
import { decodeCxRouterKey, encodeCxRouterKey } from './generated.js';
import { decodeWord, encodeWord } from './word.js';

/** Stable numbers of routers by home address, so that a reordered config changes nobody's bindings. */
export class RouterIds {
  readonly #keys: BpfMap;
  readonly #ids = new Map<string, number>();
  readonly #numbers: FreeNumbers;

  constructor(keys: BpfMap) {
    this.#keys = keys;
    for (const [key, value] of keys.readAll()) {
      const { homeAddress } = decodeCxRouterKey(value);
      if (homeAddress !== '::') {
        this.#ids.set(homeAddress, decodeWord(key));
      }
    }
    this.#numbers = new FreeNumbers(keys.maxEntries, this.#ids.values());
  }

  id(homeAddress: string): number {
    const known = this.#ids.get(homeAddress);
    if (known !== undefined) {
      return known;
    }
    const id = this.#numbers.take();
    if (id === undefined) {
      throw new DatapathError(
        'MAP_FULL',
        `all ${this.#keys.maxEntries - 1} router ids are in use`,
        'raise limits.routers in the config, then "coax down" and "coax up"',
      );
    }
    try {
      this.#keys.set(encodeWord(id), encodeCxRouterKey({ homeAddress }));
    } catch (error) {
      this.#numbers.free(id);
      throw error;
    }
    this.#ids.set(homeAddress, id);
    return id;
  }

  /** Home address of a router. */
  homeAddress(id: number): string | undefined {
    return [...this.#ids].find(([, each]) => each === id)?.[0];
  }

  /** Frees the ids of routers that are gone. */
  keepOnly(homeAddresses: ReadonlySet<string>): void {
    for (const [homeAddress, id] of this.#ids) {
      if (!homeAddresses.has(homeAddress)) {
        this.#keys.set(encodeWord(id), new Uint8Array(this.#keys.valueSize));
        this.#ids.delete(homeAddress);
        this.#numbers.free(id);
      }
    }
  }
}
