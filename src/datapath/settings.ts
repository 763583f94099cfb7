import type { BpfMap } from '../libbpf-ts/index.js';
import type { CxSetting } from './generated.js';
import { decodeWord, encodeWord } from './word.js';

/** The words of cx_settings; each is read and written on its own. */
export class Settings {
  readonly #map: BpfMap;

  constructor(map: BpfMap) {
    this.#map = map;
  }

  get(setting: CxSetting): number {
    return decodeWord(this.#map.get(encodeWord(setting)) ?? encodeWord(0));
  }

  /** Writes a word if it differs. */
  set(setting: CxSetting, value: number): void {
    if (this.get(setting) !== value) {
      this.#map.set(encodeWord(setting), encodeWord(value));
    }
  }
}
