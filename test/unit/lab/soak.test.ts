import test from 'ava';
import { Random } from '../../../lab/random.js';
import { countWithin } from '../../../lab/soak/account.js';
import { type Curve, growthOf } from '../../../lab/soak/memory.js';
import { describeSoak, isFlawless } from '../../../lab/soak/result.js';
import { StreamScore } from '../../../lab/traffic.js';

const MB = 1024 * 1024;

/** A daemon as measured: it warms up by 1.8 MB, and a burst now and then is seen before it is over. */
function curve(events: number, leak: { live?: number; native?: number } = {}): Curve {
  const random = new Random(events);
  return Array.from({ length: events }, (_, i) => {
    const burst = random.chance(0.1) ? random.below(6 * MB) : 0;
    const live = 19.6 * MB + 1.8 * MB * (1 - Math.exp(-i / 25)) + random.below(100 * 1024);
    return {
      live: live + burst + i * (leak.live ?? 0),
      native: 55 * MB + random.below(MB) + 3 * burst + i * (leak.native ?? 0),
      resident: 0,
    };
  });
}

test('a daemon that warms up is flat, however short or long it was looked at', (t) => {
  for (const events of [1, 5, 20, 40, 100, 600]) t.is(growthOf(curve(events)), undefined, `${events} events`);
});

test('half an hour finds 10 KB that are lost with each event, in JavaScript and beside it', (t) => {
  const leak = 10 * 1024;
  t.regex(growthOf(curve(600, { live: leak })) ?? '', /^live memory grew by \d+ KB in \d+ events$/);
  t.regex(growthOf(curve(600, { native: leak })) ?? '', /^native memory grew by/);
});

test('a minute finds a large leak', (t) => {
  t.regex(growthOf(curve(40, { live: 300 * 1024 })) ?? '', /^live memory/);
});

test('losses belong to a cut only where their numbers are within it', (t) => {
  const missing = [
    [3, 5],
    [9, 9],
  ] as const;
  t.is(countWithin(missing, [0, 10]), 4);
  t.is(countWithin(missing, [4, 9]), 2);
  t.is(countWithin(missing, [6, 9]), 0);
  t.is(countWithin(missing, [9, 10]), 1);
});

test('the numbers that never came, the last ones too', (t) => {
  const score = new StreamScore();
  for (const [i, sequence] of [0, 1, 4, 3, 6].entries()) score.arrived(sequence, i);
  t.deepEqual(score.missing(9), [
    [2, 2],
    [5, 5],
    [7, 8],
  ]);
  t.deepEqual(score.missing(2), []);
});

test('the last line, and what makes a run fail', (t) => {
  const tally = { kills: 1, flaps: 2, upgrades: 3, reloads: 4, overruns: 5, cuts: 6, faults: 7 };
  const none = new Map<string, never>();
  const result = { minutes: 5, seed: 1, tally, events: none, notRun: none, packets: 9, holdings: [] };
  const good = { ...result, lost: 0, lostOnCutLinks: 8, torn: 0, leaks: [] };
  t.is(
    describeSoak(good),
    'soak: 5 min, 1 kills, 2 flaps, 3 upgrades, 9 packets, 0 lost, 0 torn, leaks none',
  );
  t.true(isFlawless(good));
  t.false(isFlawless({ ...good, lost: 1 }));
  t.false(isFlawless({ ...good, torn: 1 }));
  t.false(isFlawless({ ...good, leaks: ['one more map'] }));
});
