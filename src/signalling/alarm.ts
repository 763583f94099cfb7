/** Longest that a timer of Node can wait. */
const LONGEST_MS = 0x7fff_ffff;

/** One timer, set anew after everything that may have moved its time. It does not keep the process alive. */
export class Alarm implements Disposable {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** @param at `performance.now()`; undefined: not at all */
  set(at: number | undefined): void {
    clearTimeout(this.#timer);
    if (at === undefined) return;
    const wait = Math.min(Math.max(0, at - performance.now()), LONGEST_MS);
    this.#timer = setTimeout(this.#ring, wait).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
