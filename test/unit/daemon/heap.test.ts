import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';

const heap = new URL('../../../src/daemon/heap.js', import.meta.url).href;

/** A process that starts a thread and then makes many objects that stay; answers how large its young space became, MB. */
async function youngSpace(begin: string): Promise<number> {
  const script = `
    import { once } from 'node:events';
    import { getHeapSpaceStatistics } from 'node:v8';
    import { Worker } from 'node:worker_threads';
    ${begin}
    await once(new Worker('', { eval: true }), 'exit');
    globalThis.kept = Array.from({ length: 400_000 }, (_, at) => ({ at, list: [at] }));
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  return Number(stdout) / 1e6;
}

test('the space for new objects stays small, also after a thread was started', async (t) => {
  const kept = await youngSpace(
    `const { keepCollectionsShort } = await import(${JSON.stringify(heap)}); keepCollectionsShort();`,
  );
  const usual = await youngSpace('');
  t.true(kept <= 8.5, `${kept} MB`);
  t.true(usual > 2 * kept, `${usual} MB without it, ${kept} MB with it`);
});
