// When packets came to a sink: its row of struct bench_stamps.
import { BpfMap } from '../../src/libbpf-ts/index.js';

export interface Stamps {
  /** CLOCK_MONOTONIC, ns. */
  readonly last: bigint;
  /** First packet with a source that the one before it did not have. */
  readonly changed: bigint;
  /** The one before it. */
  readonly before: bigint;
  readonly changes: number;
}

const ROW = new Uint8Array(4);
const ROW_BYTES = 32;

export class StampedSink implements Disposable {
  readonly #map: BpfMap;

  /** @param pin of the sink */
  constructor(pin: string) {
    this.#map = BpfMap.fromPin(`${pin}-stamps`);
  }

  read(): Stamps {
    const bytes = this.#map.get(ROW)?.slice() ?? new Uint8Array(ROW_BYTES);
    const [last = 0n, changed = 0n, before = 0n] = new BigUint64Array(bytes.buffer, 0, 3);
    const [changes = 0] = new Uint32Array(bytes.buffer, 24, 1);
    return { last, changed, before, changes };
  }

  /** The next packet counts as one with another source. */
  forget(): void {
    this.#map.set(ROW, new Uint8Array(ROW_BYTES));
  }

  [Symbol.dispose](): void {
    this.#map.close();
  }
}
