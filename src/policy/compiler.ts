import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type CompiledGeneration, finish } from './compile.js';
import { type CompileContext, writeGeneration } from './generation-words.js';
import type { RouterPolicySet } from './policy.js';
import type { GenerationRows, Refusal, TableSizes } from './tree/generation.js';

/** What the worker is asked. */
export interface CompileRequest {
  readonly words: Uint32Array<ArrayBuffer>;
  /** How many of them count. */
  readonly length: number;
  readonly sizes: TableSizes;
}

/** Room for new objects in the thread, MiB; it is taken only as far as it is used. */
const YOUNG_MB = 64;

/** How long the event loop is held up in one piece, milliseconds. */
const AT_ONCE_MS = 2;

/**
 * Compiles policies in a thread of its own, which remembers what it made: of the next generation only what
 * changed is made anew. One compilation at a time.
 */
export class PolicyCompiler {
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** As `compileGeneration`. */
  compile(routers: readonly RouterPolicySet[], context: CompileContext): Promise<CompiledGeneration> {
    const result = this.#last.then(() => this.#compile(routers, context));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #compile(routers: readonly RouterPolicySet[], context: CompileContext): Promise<CompiledGeneration> {
    // What the caller did in this turn is not this one's time.
    await setImmediate();
    const writing = writeGeneration(routers, context);
    let since = performance.now();
    let step = writing.next();
    while (!step.done) {
      if (performance.now() - since > AT_ONCE_MS) {
        await setImmediate();
        since = performance.now();
      }
      step = writing.next();
    }
    const { words, length } = step.value.words;
    const rows = await this.#ask({ words, length, sizes: { nodes: context.limits.nodes } });
    return finish(routers, step.value, rows);
  }

  #ask(request: CompileRequest): Promise<GenerationRows | Refusal> {
    const worker = this.#worker ?? start();
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        worker.off('message', answered).off('error', failed);
        worker.unref();
      };
      const answered = (rows: GenerationRows | Refusal): void => {
        settle();
        resolve(rows);
      };
      const failed = (error: Error): void => {
        settle();
        this.#worker = undefined;
        reject(error);
      };
      worker.on('message', answered).on('error', failed);
      worker.ref();
      worker.postMessage(request, [request.words.buffer]);
    });
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}

function start(): Worker {
  const worker = new Worker(new URL('./compile-worker.js', import.meta.url), {
    // Trees stay: with more room for what is new, less of them is copied again and again.
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  // It keeps the process alive only while it works.
  worker.unref();
  return worker;
}
