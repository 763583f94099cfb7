import { setFlagsFromString } from 'node:v8';

/** Room that threads begin with for what they make new, MiB; their limits may allow less. */
const YOUNG_IN_THREADS_MB = 16;

/**
 * Makes the garbage collector stop the event loop often and for a short time, not seldom and long: of what a
 * configuration of many policies makes nearly all stays, and the longer the collector waits, the more of it must it move
 * at once. For that the space for new objects is kept at the size it has, about a megabyte, so that this is to be called
 * before anything large is loaded. Threads that are started later have as much room as ever: nobody waits for them.
 */
export function keepCollectionsShort(): void {
  setFlagsFromString(`--min-semi-space-size=${YOUNG_IN_THREADS_MB}`);
  // With so little to do, waiting until a helper gets a processor would take longer than doing it.
  setFlagsFromString('--no-parallel-scavenge');
  keepSize();
  // A thread that starts sets the flag, which is the whole process's, back to what it was.
  process.on('worker', (worker) => worker.once('online', keepSize));
}

function keepSize(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
