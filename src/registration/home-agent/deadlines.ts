import type { RouterState } from './router-state.js';

/** The routers by when something of theirs is due: a binary heap, in which each knows its place. */
export class Deadlines {
  readonly #heap: RouterState[] = [];

  get first(): RouterState | undefined {
    return this.#heap[0];
  }

  /** @param wake monotonic milliseconds; Infinity: nothing is due */
  set(state: RouterState, wake: number): void {
    state.wake = wake;
    if (wake === Number.POSITIVE_INFINITY) {
      this.remove(state);
      return;
    }
    if (state.place < 0) {
      state.place = this.#heap.length;
      this.#heap.push(state);
    }
    this.#up(state);
    this.#down(state);
  }

  remove(state: RouterState): void {
    if (state.place < 0) return;
    const { place } = state;
    const last = this.#heap.pop() as RouterState;
    state.place = -1;
    if (last === state) return;
    this.#put(last, place);
    this.#up(last);
    this.#down(last);
  }

  #up(state: RouterState): void {
    while (state.place > 0) {
      const parent = this.#heap[(state.place - 1) >> 1] as RouterState;
      if (parent.wake <= state.wake) return;
      this.#swap(parent, state);
    }
  }

  #down(state: RouterState): void {
    for (;;) {
      const left = this.#heap[2 * state.place + 1];
      const right = this.#heap[2 * state.place + 2];
      const child = right !== undefined && left !== undefined && right.wake < left.wake ? right : left;
      if (child === undefined || child.wake >= state.wake) return;
      this.#swap(state, child);
    }
  }

  #swap(one: RouterState, other: RouterState): void {
    const { place } = one;
    this.#put(one, other.place);
    this.#put(other, place);
  }

  #put(state: RouterState, place: number): void {
    this.#heap[place] = state;
    state.place = place;
  }
}
