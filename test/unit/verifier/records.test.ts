import test from 'ava';
import {
  findJumps,
  MOST_INSTRUCTIONS,
  nearestSeries,
  type ProgramCosts,
  readRecords,
  seriesOf,
} from '../../kernel/datapath/verifier/records.js';

const costs = (instructions: number): ProgramCosts => ({ p: { instructions, stack: '8' } });
const records = { '6.6': costs(2_000), '6.12': costs(1_000) };

test('the series of a kernel is its first two numbers', (t) => {
  t.is(seriesOf('6.18.44-amd64'), '6.18');
  t.is(seriesOf('7.0-rc1'), '7.0');
  t.throws(() => seriesOf('unknown'), { message: /not the release of a kernel/ });
});

test('a kernel is compared with its own record, else with the nearest older one', (t) => {
  t.is(nearestSeries('6.12', records), '6.12');
  t.is(nearestSeries('6.18', records), '6.12');
  t.is(nearestSeries('6.9', records), '6.6');
  t.is(nearestSeries('10.1', records), '6.12');
  t.is(nearestSeries('6.1', records), '6.6', 'of older ones there is none');
  t.throws(() => nearestSeries('6.1', {}), { message: /make record-verifier/ });
});

test('a tenth more is too much on the same series, half more on another', (t) => {
  t.deepEqual(findJumps('6.12', costs(1_100), records), []);
  t.regex(
    findJumps('6.12', costs(1_101), records).join(),
    /p: 1101 .* over 1000 .* 10 %.*make record-verifier/,
  );
  t.deepEqual(findJumps('6.18', costs(1_500), records), []);
  t.is(findJumps('6.18', costs(1_501), records).length, 1);
  t.deepEqual(findJumps('6.12', costs(10), records), [], 'fewer are welcome');
});

test('what is not recorded and what is over the limit is told', (t) => {
  t.regex(findJumps('6.12', { q: { instructions: 1, stack: '8' } }, records).join(), /q: not recorded/);
  const large = { '6.12': costs(MOST_INSTRUCTIONS) };
  t.regex(findJumps('6.12', costs(MOST_INSTRUCTIONS + 1), large).join(), /over 500000/);
});

test('everything that is recorded is below the limit', (t) => {
  for (const [series, programs] of Object.entries(readRecords())) {
    t.deepEqual(findJumps(series, programs, readRecords()), []);
  }
});
