// Loaded into the daemon before anything else (`--import`, with `--expose-gc`): at SIGUSR2 it collects garbage and writes
// what memory is left in use beside its configuration file, NAME.memory.
import { renameSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  process.on('SIGUSR2', () => {
    globalThis.gc?.();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const file = `${process.argv[process.argv.indexOf('--config') + 1]}.memory`;
    writeFileSync(`${file}.new`, JSON.stringify({ rss, heapUsed, arrayBuffers }));
    renameSync(`${file}.new`, file);
  });
}
