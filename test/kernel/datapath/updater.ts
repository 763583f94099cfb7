/** A child process that writes the maps of a test while its packets run. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MapName } from '../../../src/datapath/map-catalogue.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import type { TestDatapath } from './test-datapath.js';

/** Pins maps where the child finds them by their names; `folder` is in a bpf file system. */
export function shareMaps(datapath: TestDatapath, folder: string, names: readonly MapName[]): void {
  for (const name of names) {
    datapath.object.maps.get(name).pin(join(folder, name));
  }
}

/** In the child: a map that the test has pinned. */
export function sharedMap(folder: string, name: MapName): BpfMap {
  return BpfMap.fromPin(join(folder, name));
}

/** In the child: takes one step after the other, numbered from 0, until the test says stop; then it says how many. */
export async function stepUntilStopped(step: (number: number) => Promise<void>): Promise<void> {
  let stopped = false;
  process.once('message', () => {
    stopped = true;
  });
  let steps = 0;
  while (!stopped) {
    await step(steps);
    steps += 1;
    if (steps === 1) {
      process.send?.('started');
    }
    // A step that waits for nothing would never let the message in.
    await turn();
  }
  process.send?.(steps, () => process.disconnect());
}

/** The child as the test sees it. */
export class Updater implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit');
  }

  /** Starts a module of this folder; resolves when it has taken its first step. */
  static async start(worker: string, parameters: readonly string[]): Promise<Updater> {
    const child = fork(fileURLToPath(new URL(worker, import.meta.url)), parameters);
    const updater = new Updater(child);
    await updater.#message();
    return updater;
  }

  async #message(): Promise<unknown> {
    const ended = this.#exit.then(() => {
      throw new Error('the updater ended without an answer');
    });
    const [message] = (await Promise.race([once(this.#child, 'message'), ended])) as [unknown];
    return message;
  }

  /** Ends it; answers how many steps it took. */
  async stop(): Promise<number> {
    const answer = this.#message();
    this.#child.send('stop');
    const steps = Number(await answer);
    await this.#exit;
    return steps;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await this.#exit;
    }
  }
}
