import { addon, type NativeRingBuffer } from '../native/addon.js';
import { ArgumentError, ClosedError, native } from './errors.js';
import type { BpfMap } from './map.js';

export interface RingBufferOptions {
  /** Ends the iteration with the signal's reason. */
  signal?: AbortSignal;
}

/** How many records one wake-up takes at most, so that a flood cannot starve the event loop. */
const BATCH = 1024;

/**
 * The records of a map of type ringbuf, in order, each once: a ring has one reader. Records are taken only as fast as
 * they are asked for; when the ring is full BPF programs fail to reserve, which is theirs to count. Waiting for a record
 * keeps the process alive, an idle reader does not.
 */
export class RingBuffer implements AsyncIterableIterator<Uint8Array>, Disposable {
  #native: NativeRingBuffer | undefined;
  #records: Uint8Array[] = [];
  #next = 0;
  readonly #signal: AbortSignal | undefined;
  #wake: (() => void) | undefined;
  /** Calls of next() are answered one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  /** The map may be closed afterwards. */
  constructor(map: BpfMap, options: RingBufferOptions = {}) {
    if (map.type !== 'ringbuf') throw new ArgumentError('map', 'a map of type ringbuf', map.type);
    const RingBufferClass = addon().RingBuffer;
    this.#native = native(() => new RingBufferClass(map.fd), { operation: `read ring buffer '${map.name}'` });
    this.#signal = options.signal;
  }

  get closed(): boolean {
    return this.#native === undefined;
  }

  /** What is there now, without waiting. @throws ClosedError */
  drain(): Uint8Array[] {
    if (this.#native === undefined) throw new ClosedError('ring buffer');
    const records = this.#records.slice(this.#next);
    this.#records = [];
    this.#next = 0;
    for (;;) {
      const more = this.#native.drain(BATCH);
      records.push(...more);
      if (more.length < BATCH) return records;
    }
  }

  /** Done after close(); rejects with the signal's reason after an abort. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const result = this.#turn.then(() => this.#take());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Ends a `for await`: the ring is closed. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** A waiting next() ends with done. */
  close(): void {
    this.#native?.close();
    this.#native = undefined;
    this.#records = [];
    this.#next = 0;
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #take(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const handle = this.#native;
      if (handle === undefined) return { done: true, value: undefined };
      if (this.#signal?.aborted === true) {
        this.close();
        throw this.#signal.reason;
      }
      if (this.#next === this.#records.length) {
        this.#records = native(() => handle.drain(BATCH));
        this.#next = 0;
      }
      const value = this.#records[this.#next];
      if (value !== undefined) {
        this.#next++;
        return { done: false, value };
      }
      await this.#readable(handle);
    }
  }

  /** Resolves when there is something to read, the signal fires or the ring is closed. */
  async #readable(handle: NativeRingBuffer): Promise<void> {
    const wake = (): void => this.#wake?.();
    this.#signal?.addEventListener('abort', wake);
    try {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        native(() => handle.wait(resolve));
      });
    } finally {
      this.#wake = undefined;
      this.#signal?.removeEventListener('abort', wake);
      if (this.#native !== undefined) handle.cancel();
    }
  }
}
