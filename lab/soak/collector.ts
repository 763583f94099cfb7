// Loaded into the daemons of the soak (`node --import`): on SIGUSR2 it collects all garbage and writes what is left
// to the file that LAB_MEMORY names. What a daemon holds is judged, not when V8 chose to collect.
import { renameSync, writeFileSync } from 'node:fs';

/** What a process holds after a full collection, bytes. */
export interface Held {
  /** Objects and buffers that JavaScript can reach. */
  readonly live: number;
  /** Resident memory beside the heap of JavaScript: code, stacks, and what native code allocates. */
  readonly native: number;
  readonly resident: number;
}

function held(): Held {
  // What has finalizers is gone only after the second.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  return { live: heapUsed + external, native: rss - heapTotal, resident: rss };
}

const file = process.env.LAB_MEMORY;
if (file !== undefined) {
  process.on('SIGUSR2', () => {
    try {
      writeFileSync(`${file}.new`, JSON.stringify(held()));
      renameSync(`${file}.new`, file);
    } catch {
      // no descriptors left: the lab asks again
    }
  });
}
