import { setFlagsFromString } from 'node:v8';

/** Room that threads begin with for what they make new, MiB; their limits may allow less. */
const YOUNG_IN_THREADS_MB = 16;

/** What the space for new objects grows by when much of what is in it stays. */
let growth = 2;

/**
 * Makes the garbage collector stop the event loop often and for a short time, not seldom and long: of what a
 * configuration of many policies makes nearly all stays, and the longer the collector waits, the more of it must it move
 * at once. For that the space for new objects is kept at the size it has, about a megabyte, so that this is to be called
 * before anything large is loaded. Threads that are started later have as much room as ever: nobody waits for them.
 */
export function keepCollectionsShort(): void {
  growth = 1;
  setFlagsFromString(`--min-semi-space-size=${YOUNG_IN_THREADS_MB}`);
  // With so little to do, waiting until a helper gets a processor would take longer than doing it.
  setFlagsFromString('--no-parallel-scavenge');
  setGrowth();
  // A thread that starts sets the flag, which is the whole process's, back to what it was.
  process.on('worker', (worker) => worker.once('online', setGrowth));
}

/**
 * Lets that space grow from now on, for a home agent that mobile routers register with: it throws away megabytes with each
 * hundred messages, and what it keeps would be looked through with each of them.
 */
export function allowLongCollections(): void {
  growth = 2;
  setGrowth();
}

function setGrowth(): void {
  setFlagsFromString(`--semi-space-growth-factor=${growth}`);
}
