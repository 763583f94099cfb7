import test from 'ava';
import { netRatio, percentile, ratio, summarize } from '../../../bench/forwarding/statistics.js';

test('the median is the middle, or between the two in the middle', (t) => {
  t.deepEqual(summarize([3, 1, 2]), { median: 2, min: 1, max: 3 });
  t.deepEqual(summarize([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  t.deepEqual(summarize([7]), { median: 7, min: 7, max: 7 });
  t.throws(() => summarize([]), { instanceOf: RangeError });
});

test('a ratio is taken in each round', (t) => {
  // A slow round slows both: the medians of the columns alone would say 30 / 20.
  t.is(ratio([10, 30, 60], [5, 20, 30]), 2);
});

test('the net ratio takes the time of the generator off both', (t) => {
  // 1/4 - 1/8 = 1/8 and 1/2 - 1/8 = 3/8 of a time unit.
  t.is(netRatio([4], [2], [8]), 3);
  t.true(Number.isNaN(netRatio([8], [2], [8])));
  t.true(Number.isNaN(netRatio([4], [2], [])));
  // Who has another CPU than the generator did not pay: 1/8 and 1/2.
  t.is(netRatio([4], [2], [8], 'a'), 4);
});

test('a percentile is a value that was there', (t) => {
  const values = Array.from({ length: 1000 }, (_, at) => 1000 - at);
  t.is(percentile(values, 0.5), 500);
  t.is(percentile(values, 0.99), 990);
  t.is(percentile(values, 1), 1000);
  t.is(percentile([5], 0.99), 5);
});
