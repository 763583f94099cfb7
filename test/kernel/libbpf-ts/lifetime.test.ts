import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { patient } from '../../../lab/patience.js';

interface Counts {
  before: number;
  forgotten: number;
  after: number;
  threadMaps: number;
  afterThread: number;
  afterRounds: number;
  afterLoads: number;
}

test.serial('no descriptor stays: forgotten handles, threads, thousands of rounds', (t) => {
  const worker = fileURLToPath(new URL('./lifetime-worker.js', import.meta.url));
  const output = execFileSync(process.execPath, ['--expose-gc', '--enable-source-maps', worker], {
    encoding: 'utf8',
    timeout: patient(60_000),
  });
  const counts = JSON.parse(output) as Counts;
  t.true(counts.forgotten > counts.before + 50, 'the test forgets nothing');
  t.is(counts.after, counts.before);
  t.is(counts.threadMaps, 9);
  t.is(counts.afterThread, counts.before);
  t.is(counts.afterRounds, counts.before);
  t.is(counts.afterLoads, counts.before);
});

test.serial('a program that only waits for a closed ring ends by itself', (t) => {
  const index = new URL('../../../src/libbpf-ts/index.js', import.meta.url).href;
  const source = `
    import { BpfMap, RingBuffer } from ${JSON.stringify(index)};
    const map = BpfMap.create({ type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 });
    globalThis.ring = new RingBuffer(map);
    console.log('idle');
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    timeout: patient(10_000),
  });
  t.is(output, 'idle\n');
});
