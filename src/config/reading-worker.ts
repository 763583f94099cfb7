/** The thread behind `readConfig`: reads and checks a file as `loadConfig` does, and sends what came of it. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError } from './config-error.js';
import type { Reading, ReadingRequest } from './config-reader.js';
import { loadConfig } from './load.js';
import { toPieces } from './pieces.js';

async function read({ path }: ReadingRequest): Promise<Reading> {
  try {
    return { config: await loadConfig(path), refused: undefined };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code, problems, cause } = error;
    const because =
      cause instanceof Error
        ? { message: cause.message, code: (cause as NodeJS.ErrnoException).code }
        : undefined;
    return { config: undefined, refused: { code, problems, because } };
  }
}

const port = parentPort;
if (port !== null) {
  for (const piece of toPieces(await read(workerData as ReadingRequest))) {
    port.postMessage(piece);
    await once(port, 'message');
  }
}
