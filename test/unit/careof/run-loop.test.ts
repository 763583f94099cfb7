import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { RunLoop } from '../../../src/careof/run-loop.js';

/** A loop whose job notes how many of it run at a time. */
function watched(fail = false): { loop: RunLoop; most: () => number; runs: () => number } {
  let [now, most, runs] = [0, 0, 0];
  const job = async (): Promise<undefined> => {
    most = Math.max(most, ++now);
    runs += 1;
    await turn();
    now -= 1;
    if (fail) throw new Error('refused');
  };
  return { loop: new RunLoop(job, () => undefined), most: () => most, runs: () => runs };
}

test('whoever asks at the same moment, one run is under way at a time', async (t) => {
  const { loop, most, runs } = watched();
  loop.request();
  loop.request();
  const settled = Promise.all([loop.settle(), loop.settle()]);
  loop.request();
  await settled;
  await loop.rest();
  t.is(most(), 1);
  t.true(runs() >= 2);
  // All wait for the same run to end, and each wants one of its own after it.
  loop.request();
  await Promise.all([loop.settle(), loop.settle(), loop.settle()]);
  await loop.rest();
  t.is(most(), 1);
  t.true(loop.idle);
  await loop.stop();
});

test('a run that fails is told to those who wait for it and holds up nobody else', async (t) => {
  const { loop, most } = watched(true);
  const results = await Promise.allSettled([loop.settle(), loop.settle()]);
  t.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  t.is(most(), 1);
  await loop.stop();
  t.true(loop.idle);
});
