// How long the turns of the event loop are.
import { closeSync, openSync, readSync } from 'node:fs';

/** The longest turns of the event loop, milliseconds; each of the three may be of another turn. */
export interface HeldUp {
  /** As a clock shows it. */
  readonly wall: number;
  /** The same without what the thread waited for a processor that others had. */
  readonly withProcessor: number;
  /** That the thread was running. */
  readonly cpu: number;
}

export const NOT_HELD_UP: HeldUp = { wall: 0, withProcessor: 0, cpu: 0 };

export function longest(a: HeldUp, b: HeldUp): HeldUp {
  return {
    wall: Math.max(a.wall, b.wall),
    withProcessor: Math.max(a.withProcessor, b.withProcessor),
    cpu: Math.max(a.cpu, b.cpu),
  };
}

/**
 * Looks at the clocks about every millisecond, so that a turn is at most a millisecond shorter than what it finds. Not in
 * every turn: a loop that never rests takes a processor from the threads that it waits for, and makes garbage of its own.
 */
export class TurnWatch {
  #timer: NodeJS.Timeout | undefined;
  #file = -1;
  readonly #text = Buffer.alloc(64);
  #last = NOT_HELD_UP;
  #most = NOT_HELD_UP;

  start(): void {
    this.#file = openSync('/proc/thread-self/schedstat', 'r');
    this.#last = this.#now();
    this.#most = NOT_HELD_UP;
    this.#timer = setInterval(() => this.#look(), 1);
  }

  stop(): HeldUp {
    this.#look();
    clearInterval(this.#timer);
    closeSync(this.#file);
    return this.#most;
  }

  #look(): void {
    const now = this.#now();
    this.#most = longest(this.#most, {
      wall: now.wall - this.#last.wall,
      withProcessor: now.withProcessor - this.#last.withProcessor,
      cpu: now.cpu - this.#last.cpu,
    });
    this.#last = now;
  }

  /** Time that this thread has run and has waited to run (Documentation/scheduler/sched-stats.rst), and of the clock. */
  #now(): HeldUp {
    const length = readSync(this.#file, this.#text, 0, this.#text.length, 0);
    const [ran = 0, waited = 0] = this.#text.toString('latin1', 0, length).split(' ').map(Number);
    const wall = performance.now();
    return { wall, withProcessor: wall - waited / 1e6, cpu: ran / 1e6 };
  }
}
