/**
 * What classification costs: `make bench-classify`.
 *
 *   CLASSBENCH=DIR  measures the sets of that folder instead of those that are made here
 *   --json          prints one object and nothing else
 *   --rounds=N      rounds of each set, at least 5
 *   --routers=N     mobile routers of the home agent, 0 leaves it out
 *   --only=TEXT     sets whose name has it
 *   --changes=N,N   sizes of the sets of which one policy after the other is changed, 0 leaves it out
 */
import { keepCollectionsShort } from '../../src/daemon/heap.js';

// As the daemon does it: before anything else is loaded.
keepCollectionsShort();
await import('./run.js');
