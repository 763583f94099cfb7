import test from 'ava';
import { StreamScore } from '../../../lab/traffic.js';

test('nothing received is nothing lost', (t) => {
  t.deepEqual(new StreamScore().report(), {
    received: 0,
    lost: 0,
    duplicates: 0,
    reordered: 0,
    largestGapMs: 0,
    gapBefore: -1,
    first: -1,
    last: -1,
  });
});

test('loss, duplicates, order and the largest gap are told apart', (t) => {
  const score = new StreamScore();
  const arrivals: [number, number][] = [
    [3, 10],
    [4, 11],
    [6, 12],
    [5, 13],
    [4, 14],
    [9, 40.5],
  ];
  for (const [sequence, time] of arrivals) score.arrived(sequence, time);
  t.deepEqual(score.report(), {
    received: 5,
    lost: 2,
    duplicates: 1,
    reordered: 1,
    largestGapMs: 27.5,
    gapBefore: 9,
    first: 3,
    last: 9,
  });
});
