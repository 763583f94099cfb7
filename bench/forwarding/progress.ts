// Says what goes on, one line for each step on standard error, and ends everything in order when it is told to.

/** Somebody wants the benchmark to end. */
class InterruptedError extends Error {
  readonly code = 'BENCH_INTERRUPTED';
}

export class Progress {
  readonly #began = performance.now();
  #signal: NodeJS.Signals | undefined;

  /** @throws InterruptedError as `check` */
  say(line: string): void {
    this.check();
    this.tell(line);
  }

  /** As `say`, whatever has happened. */
  tell(line: string): void {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1);
    process.stderr.write(`${seconds.padStart(6)} s  ${line}\n`);
  }

  /** Whether a signal came. */
  get interrupted(): boolean {
    return this.#signal !== undefined;
  }

  /** Between two steps: everybody cleans up behind themselves then. @throws InterruptedError */
  check(): void {
    if (this.#signal !== undefined) throw new InterruptedError(`ended by ${this.#signal}`);
  }

  /** The first signal ends the step that is done now and removes all labs, the second one ends at once. */
  endOn(...signals: readonly NodeJS.Signals[]): void {
    for (const signal of signals) {
      process.on(signal, () => {
        if (this.#signal !== undefined) process.exit(1);
        this.#signal = signal;
        this.tell(`${signal}: removing the labs, once more to leave them to the next run`);
      });
    }
  }
}
