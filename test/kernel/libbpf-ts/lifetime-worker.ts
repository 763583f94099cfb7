/** Run with --expose-gc: forgets handles and prints how many descriptors are open before and after. */

import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { BpfMap, BpfObject, RingBuffer } from '../../../src/libbpf-ts/index.js';
import { loadSample, openDescriptors, SAMPLE_OBJECT } from './support.js';

const collect = (globalThis as unknown as { gc: () => void }).gc;

/** Collects until no more than `wanted` descriptors are open; gives up after a second. */
async function settle(wanted = 0): Promise<void> {
  const end = performance.now() + (wanted === 0 ? 50 : 1000);
  do {
    collect();
    await turn();
  } while (openDescriptors() > wanted && performance.now() < end);
}

async function forget(): Promise<void> {
  for (let i = 0; i < 50; i++) BpfMap.create({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 });
  BpfObject.open(SAMPLE_OBJECT);
  const live = await loadSample();
  const ring = new RingBuffer(live.maps.get('events'));
  ring.drain();
}

/** The addon in a thread that ends while a ring is being waited for. */
async function inThread(): Promise<number> {
  const source = `
    const { BpfObject, RingBuffer } = await import(${JSON.stringify(new URL('../../../src/libbpf-ts/index.js', import.meta.url).href)});
    const live = await BpfObject.open(${JSON.stringify(SAMPLE_OBJECT)}).load();
    const ring = new RingBuffer(live.maps.get('events'));
    void ring.next();
    const { parentPort } = await import('node:worker_threads');
    parentPort.postMessage(live.maps.size);
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const size = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  return size;
}

// What a process opens once, for its first thread too, is not what is counted.
await new Promise((resolve) => new Worker('', { eval: true }).once('exit', resolve));
await loadSample().then((live) => live.close());
await settle();
const before = openDescriptors();
await forget();
const forgotten = openDescriptors();
await settle(before);
const after = openDescriptors();
const threadMaps = await inThread();
await settle(before);
const afterThread = openDescriptors();
for (let i = 0; i < 2000; i++) {
  using map = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
  using _twin = map.dup();
}
const afterRounds = openDescriptors();
for (let i = 0; i < 50; i++) {
  const live = await loadSample();
  const ring = new RingBuffer(live.maps.get('events'));
  ring.close();
  live.close();
}
await settle(before);
console.log(
  JSON.stringify({
    before,
    forgotten,
    after,
    threadMaps,
    afterThread,
    afterRounds,
    afterLoads: openDescriptors(),
  }),
);
