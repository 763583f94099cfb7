import test from 'ava';
import { Reading } from '../../../src/careof/reading.js';

test('what changes while it is read is read after that, once; the same again is no change', async (t) => {
  let reads = 0;
  let changes = 0;
  const reading = new Reading<number[]>(
    async () => {
      reads++;
      await undefined;
      if (reads === 1) for (let time = 0; time < 3; time++) void reading.refresh();
      return [7];
    },
    [],
    () => {
      changes++;
    },
  );
  t.deepEqual(reading.value, []);
  await reading.refresh();
  t.deepEqual([reading.value, reads, changes], [[7], 2, 1]);
});

test('a failure is what there is until it is read again', async (t) => {
  let fails = true;
  const reading = new Reading<string>(
    async () => {
      if (fails) throw new Error('not now');
      return 'rules';
    },
    'nothing',
    () => undefined,
  );
  await reading.refresh();
  t.like(reading.value, { message: 'not now' });
  fails = false;
  await reading.refresh();
  t.is(reading.value, 'rules');
});

test('after its end nobody is called', async (t) => {
  const reading = new Reading<string>(
    async () => {
      reading.stop();
      return 'late';
    },
    'nothing',
    () => t.fail(),
  );
  await reading.refresh();
  t.is(reading.value, 'nothing');
});
