import type { BpfMap } from '../libbpf-ts/index.js';
import type { Prefix } from '../net/index.js';
import { DatapathError } from './datapath-error.js';
import { decodeCxPrefixKey, encodeCxPrefixKey } from './generated.js';
import { decodeWord, encodeWord } from './word.js';

/** A longest-prefix map from prefix to router id. */
export class PrefixMap {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  /** Content as text prefix -> router id. */
  read(): Map<string, number> {
    const content = new Map<string, number>();
    for (const [key, value] of this.#map.readAll()) {
      const { address, prefixLength } = decodeCxPrefixKey(key);
      content.set(`${address}/${prefixLength}`, decodeWord(value));
    }
    return content;
  }

  /**
   * Makes the content equal to `desired`; returns the number of writes. Additions come first, removals last,
   * unless there is no room to do it in this order.
   * @throws DatapathError MAP_FULL when `desired` does not fit; nothing is changed then
   */
  sync(desired: readonly { prefix: Prefix; router: number }[]): number {
    const wanted = new Map(desired.map(({ prefix, router }) => [prefix.toString(), router]));
    const capacity = this.#map.maxEntries;
    if (wanted.size > capacity) {
      throw new DatapathError(
        'MAP_FULL',
        `${wanted.size} prefixes do not fit into ${this.#map.name}, which holds ${capacity}`,
        'raise limits.routes or limits.prefixes in the config, then "coax down" and "coax up"',
      );
    }
    const current = this.read();
    const stale = [...current.keys()].filter((text) => !wanted.has(text));
    const writes = [...wanted].filter(([text, router]) => current.get(text) !== router);
    const added = writes.filter(([text]) => !current.has(text)).length;
    const excess = Math.max(0, current.size + added - capacity);
    for (const text of stale.slice(0, excess)) {
      this.#map.delete(this.#key(text));
    }
    for (const [text, router] of writes) {
      this.#map.set(this.#key(text), encodeWord(router));
    }
    for (const text of stale.slice(excess)) {
      this.#map.delete(this.#key(text));
    }
    return stale.length + writes.length;
  }

  /**
   * Makes the content what `desired` says for its prefixes, and takes those of `gone` out; all others stay.
   * @returns the number of writes
   * @throws BpfError E2BIG when there is no room: `sync` says what to do about it
   */
  update(desired: readonly { prefix: Prefix; router: number }[], gone: readonly Prefix[]): number {
    for (const { prefix, router } of desired) this.#map.set(this.#key(prefix.toString()), encodeWord(router));
    for (const prefix of gone) this.#map.delete(this.#key(prefix.toString()));
    return desired.length + gone.length;
  }

  #key(text: string): Uint8Array {
    const [address = '::', length = '0'] = text.split('/');
    return encodeCxPrefixKey({ address, prefixLength: Number(length) });
  }
}
