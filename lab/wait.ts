// Waiting for conditions: nothing in the lab sleeps for a fixed time.
import { setTimeout as delay } from 'node:timers/promises';
import { patient } from './patience.js';

export interface WaitOptions {
  /** Milliseconds until giving up; 5 s when left out. */
  readonly timeout?: number;
  /** Names the condition in the error. */
  readonly what: string;
  /** Milliseconds between two looks, at first; 10 when left out. */
  readonly interval?: number;
}

/** A condition that did not come true in time. */
class WaitTimeoutError extends Error {
  readonly code = 'WAIT_TIMEOUT';

  constructor(what: string, timeout: number, options?: ErrorOptions) {
    super(`waited ${timeout} ms for ${what}, in vain`, options);
    this.name = 'WaitTimeoutError';
  }
}

/** A look may be late by that part of the wait, and by that many milliseconds: many looks cost more than they tell. */
const LATE = 0.1;
const LATEST = 200;

type Falsy = false | null | undefined | 0 | '';

/**
 * Asks `condition` until it answers something truthy and returns that. An error it throws counts as
 * "not yet" and becomes the cause of the time-out.
 * @throws WaitTimeoutError
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, Falsy>> {
  const timeout = patient(options.timeout ?? 5_000);
  const start = performance.now();
  let cause: unknown;
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer as Exclude<T, Falsy>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const waited = performance.now() - start;
    if (waited >= timeout) {
      throw new WaitTimeoutError(options.what, timeout, cause === undefined ? undefined : { cause });
    }
    await delay(Math.max(options.interval ?? 10, Math.min(waited * LATE, LATEST)));
  }
}

/** Something that changes now and then, and those who wait for one of its changes. */
export class Changes {
  readonly #watchers = new Set<() => void>();

  /** Lets everybody who waits look again. */
  notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /**
   * The first answer of `look` that is not undefined, asked now and after every change; an error that
   * it throws ends the wait.
   * @throws WaitTimeoutError
   */
  async wait<T>(look: () => T | undefined, options: WaitOptions): Promise<T> {
    const timeout = patient(options.timeout ?? 5_000);
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        act();
      };
      const watcher = (): void => {
        try {
          const answer = look();
          if (answer !== undefined) settle(() => resolve(answer));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const timer = setTimeout(
        () => settle(() => reject(new WaitTimeoutError(options.what, timeout))),
        timeout,
      );
      this.#watchers.add(watcher);
      watcher();
    });
  }
}
