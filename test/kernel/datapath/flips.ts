/** A child process that flips between two policy tables while packets run. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The number of the pair to flip, or that it is enough for now or for good. */
export type FlipsOrder = number | 'pause' | 'stop';

export interface FlipsReport {
  /** Flips since the last order. */
  readonly flips: number;
}

export class Flips implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit');
  }

  /** @param folder where the maps are pinned; @param file the pairs of generations, serialized */
  static async start(folder: string, file: string): Promise<Flips> {
    const module = fileURLToPath(new URL('./flips-worker.js', import.meta.url));
    const flips = new Flips(fork(module, [folder, file]));
    await flips.#report();
    return flips;
  }

  async #report(): Promise<FlipsReport> {
    const ended = this.#exit.then(() => {
      throw new Error('the process that flips policy tables ended without an answer');
    });
    const [report] = (await Promise.race([once(this.#child, 'message'), ended])) as [FlipsReport];
    return report;
  }

  /** Resolves when packets follow the first table of that pair; the flips go on until `pause`. */
  async begin(pair: number): Promise<void> {
    const report = this.#report();
    this.#child.send(pair);
    await report;
  }

  /** Answers how many flips there were since `begin`. */
  async pause(): Promise<number> {
    const report = this.#report();
    this.#child.send('pause');
    return (await report).flips;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.send('stop');
    await this.#exit;
  }
}
