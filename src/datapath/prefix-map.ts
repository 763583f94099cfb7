import type { BpfMap } from '../libbpf-ts/index.js';
import type { Prefix } from '../net/index.js';
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

  /** Makes the content equal to `desired`; returns the number of writes. */
  sync(desired: readonly { prefix: Prefix; router: number }[]): number {
    const current = this.read();
    let writes = 0;
    for (const { prefix, router } of desired) {
      const text = prefix.toString();
      if (current.get(text) !== router) {
        this.#map.set(this.#key(prefix.address.toString(), prefix.length), encodeWord(router));
        writes += 1;
      }
      current.delete(text);
    }
    for (const text of current.keys()) {
      const [address = '::', length = '0'] = text.split('/');
      this.#map.delete(this.#key(address, Number(length)));
      writes += 1;
    }
    return writes;
  }

  #key(address: string, prefixLength: number): Uint8Array {
    return encodeCxPrefixKey({ address, prefixLength });
  }
}
