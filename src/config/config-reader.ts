import { stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Config } from './config.js';
import { ConfigError, type ConfigErrorCode, type ConfigProblem } from './config-error.js';
import { loadConfig } from './load.js';
import { FromPieces, type Piece } from './pieces.js';

/** What the thread is told. */
export interface ReadingRequest {
  readonly path: string;
}

/** What the thread answers: one of the two. */
export interface Reading {
  readonly config: Config | undefined;
  readonly refused:
    | {
        readonly code: ConfigErrorCode;
        readonly problems: readonly ConfigProblem[];
        readonly because: { readonly message: string; readonly code: string | undefined } | undefined;
      }
    | undefined;
}

export interface ReadingOptions {
  /** Ends the reading; the promise is rejected with its reason. */
  readonly signal?: AbortSignal;
  /** Most memory for what the thread keeps, MiB. */
  readonly memoryMb?: number;
  /** Files of fewer bytes are read here: that takes less time than to start a thread. */
  readonly smallBytes?: number;
}

/** Some milliseconds of work. */
const SMALL_BYTES = 8192;

/** Enough for a file of the largest size that is read (100,000 policies, 9 MB, took 1.5 GB), but not all of a small machine. */
const MEMORY_MB = Math.min(3072, Math.floor(totalmem() / 2 ** 21));
/** Room for new objects in the thread, MiB: nearly all that reading makes stays until its end. */
const YOUNG_MB = 64;

/**
 * Reads a configuration file as `loadConfig` does, unless it is small in a thread of its own that ends with it: the event
 * loop turns meanwhile. What the thread made comes in pieces, the next one when the loop has turned after the one before.
 * @throws ConfigError as `loadConfig`; CONFIG_READING_ENDED when the thread ends without an answer, so for want of memory
 */
export async function readConfig(path: string, options: ReadingOptions = {}): Promise<Config> {
  const { signal, memoryMb = MEMORY_MB, smallBytes = SMALL_BYTES } = options;
  signal?.throwIfAborted();
  const isSmall = await isSmaller(path, smallBytes);
  signal?.throwIfAborted();
  if (isSmall) return loadConfig(path);
  const request: ReadingRequest = { path };
  let worker: Worker;
  try {
    worker = new Worker(new URL('./reading-worker.js', import.meta.url), {
      workerData: request,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: YOUNG_MB },
    });
  } catch (error) {
    throw endedBy(error as Error, path, memoryMb);
  }
  try {
    return configOf((await receive(worker, path, memoryMb, signal)) as Reading);
  } finally {
    await worker.terminate();
  }
}

async function isSmaller(path: string, bytes: number): Promise<boolean> {
  try {
    return (await stat(path)).size < bytes;
  } catch {
    // Who reads it says what is wrong.
    return true;
  }
}

function receive(
  worker: Worker,
  path: string,
  memoryMb: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const made = new FromPieces();
  let onAbort = (): void => undefined;
  const answer = new Promise<unknown>((resolve, reject) => {
    const take = async (piece: Piece): Promise<void> => {
      made.add(piece);
      if (made.isComplete) {
        resolve(made.value);
        return;
      }
      // Others first: a port gives all that has come in one turn of the loop.
      await setImmediate();
      worker.postMessage(null);
    };
    worker.on('message', (piece: Piece) => void take(piece).catch(reject));
    worker.on('error', (error) => reject(endedBy(error, path, memoryMb)));
    worker.on('exit', (code) => reject(ended(path, `ended with code ${code} before it was done`)));
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort);
  });
  return answer.finally(() => signal?.removeEventListener('abort', onAbort));
}

/** What a thread's error means; one that is no shortage is a fault of ours and stays as it is. */
function endedBy(error: Error, path: string, memoryMb: number): Error {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ERR_WORKER_OUT_OF_MEMORY':
      return ended(path, `needs more than ${memoryMb} MiB of memory`, error);
    case 'ERR_WORKER_INIT_FAILED':
      return ended(path, `cannot be started (${error.message})`, error);
    default:
      return error;
  }
}

function ended(file: string, why: string, cause?: unknown): ConfigError {
  const problem = {
    file,
    line: 0,
    column: 0,
    path: '',
    message: `the thread that reads it ${why}`,
    hint: 'write fewer policies or routers, or give the daemon more memory and open files (LimitNOFILE=)',
  };
  return new ConfigError('CONFIG_READING_ENDED', [problem], { cause });
}

function configOf({ config, refused }: Reading): Config {
  if (config !== undefined) return config;
  if (refused === undefined) throw new Error('The thread answered neither a configuration nor an error');
  const { code, problems, because } = refused;
  const cause = because && Object.assign(new Error(because.message), because.code && { code: because.code });
  throw new ConfigError(code, problems, { cause });
}
