/** The programs as the verifier sees them: a limit of a million instructions is not met by surprise. */
import { release } from 'node:os';
import test from 'ava';
import { measureCosts } from './verifier/costs.js';
import { findJumps, nearestSeries, readRecords, seriesOf } from './verifier/records.js';

test.serial('no program takes the verifier much longer than recorded', async (t) => {
  const series = seriesOf(release());
  const records = readRecords();
  const costs = await measureCosts();
  t.log(`kernel ${series}, compared with ${nearestSeries(series, records)}`);
  for (const [program, { instructions, stack }] of Object.entries(costs)) {
    t.log(`${program}: ${instructions}, stack ${stack}`);
    t.true(instructions > 0, `${program} was not verified`);
  }
  t.true(Object.keys(costs).length >= 2 * 9);
  t.deepEqual(findJumps(series, costs, records), []);
});
