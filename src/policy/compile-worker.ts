/** The thread behind `PolicyCompiler`: words in, rows out, and what it built is kept for the next time. */
import { parentPort } from 'node:worker_threads';
import type { CompileRequest } from './compiler.js';
import { GenerationBuilder } from './tree/generation.js';

const builder = new GenerationBuilder();

parentPort?.on('message', ({ words, length, sizes }: CompileRequest) => {
  const result = builder.build(words.subarray(0, length), sizes);
  parentPort?.postMessage(
    result,
    'refused' in result
      ? []
      : [result.nodes, result.policies, result.policySets, result.routers].map(({ buffer }) => buffer),
  );
});
