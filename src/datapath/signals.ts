import { type BpfMap, RingBuffer } from '../libbpf-ts/index.js';
import { CxSignalSize, decodeCxSignal } from './generated.js';

/** A packet with a mobility header to an address of ours. */
export interface Signal {
  /** Where it arrived. */
  readonly ifindex: number;
  /** From its IPv6 header on. */
  readonly packet: Uint8Array;
}

/** The mobility headers that the programs have taken, each once: there is one reader. */
export class Signals implements Disposable {
  readonly #ring: RingBuffer;

  constructor(map: BpfMap) {
    this.#ring = new RingBuffer(map);
  }

  /** Those that have come, at least one; undefined after `close`. */
  async next(): Promise<readonly Signal[] | undefined> {
    const { value, done } = await this.#ring.next();
    if (done || this.#ring.closed) return undefined;
    return [value, ...this.#ring.drain()].map(decode);
  }

  /** Ends a `next()` that waits. */
  close(): void {
    this.#ring.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function decode(record: Uint8Array): Signal {
  const { ifindex, length } = decodeCxSignal(record);
  return { ifindex, packet: record.subarray(CxSignalSize, CxSignalSize + length) };
}
