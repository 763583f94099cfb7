// When the kernel does not say that nobody reads any more: another way is taken, and nothing is reused.
import test, { type ExecutionContext } from 'ava';
import { waitForReaders } from '../../../src/datapath/grace.js';
import { RowPool } from '../../../src/datapath/row-pool.js';
import { encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';
import { addon } from '../../../src/native/addon.js';
import { anyPolicy, rowsOf } from '../../support/policies.js';
import { GenerationMaps } from './generation-maps.js';

/** Lets waiting fail until the function it answers is called, or the test ends. */
function failing(t: ExecutionContext, error: Error): () => void {
  const native = addon();
  const { gracePeriod } = native;
  const restore = (): void => {
    native.gracePeriod = gracePeriod;
  };
  native.gracePeriod = () => Promise.reject(error);
  t.teardown(restore);
  return restore;
}

const array = (valueSize: number, maxEntries: number): BpfMap =>
  BpfMap.create({ type: 'array', keySize: 4, valueSize, maxEntries });

test.serial('a kernel without membarrier (nohz_full) waits by an outer map', async (t) => {
  failing(t, Object.assign(new Error('refused'), { errno: 22, operation: 'membarrier', messages: [] }));
  await t.notThrowsAsync(waitForReaders());
});

test.serial('a wait that failed does not spoil the next activation', async (t) => {
  using maps = new GenerationMaps({ blocks: 1, policies: 2, routers: 2 });
  const { table } = maps;
  const generation = (fid: number) => rowsOf([{ ...anyPolicy, fid }]);
  t.is(await table.activate(generation(1)), 1);
  const restore = failing(t, new Error('no memory'));
  // The wait behind it begins in here and fails; nobody may write the spare slot on the strength of it.
  t.is(await table.activate(generation(2)), 2);
  await t.throwsAsync(table.activate(generation(3)), { message: 'no memory' });
  t.true(await table.isActive(generation(2)));
  restore();
  t.is(await table.activate(generation(3)), 3);
});

test.serial('rows wait in vain, and are free after the next wait that works', async (t) => {
  using rows = array(4, 2);
  const pool = new RowPool(rows, []);
  const row = await pool.write(encodeWord(1));
  const restore = failing(t, new Error('no memory'));
  pool.retire(row);
  await t.throwsAsync(pool.write(encodeWord(2)), { message: 'no memory' });
  t.deepEqual(rows.get(encodeWord(row)), encodeWord(1), 'not written as long as somebody may read it');
  restore();
  t.is(await pool.write(encodeWord(2)), row);
});
