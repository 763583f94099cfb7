import test from 'ava';
import { highestWithoutLoss } from '../../../bench/forwarding/loss-search.js';

/** Something that forwards so many a second and loses the rest. */
function forwarder(limit: number): {
  offer: (rate: number) => Promise<{ rate: number; lost: number }>;
  asked: number[];
} {
  const asked: number[] = [];
  return {
    asked,
    offer: async (rate) => {
      asked.push(rate);
      return { rate, lost: Math.max(0, rate - limit) };
    },
  };
}

test('what lost nothing at full speed is not searched', async (t) => {
  const { offer, asked } = forwarder(100);
  t.is(await highestWithoutLoss({ rate: 90, lost: 0 }, offer, 5), 90);
  t.deepEqual(asked, []);
});

test('the search ends near the limit, from below', async (t) => {
  const { offer, asked } = forwarder(700);
  const found = await highestWithoutLoss({ rate: 1000, lost: 300 }, offer, 20);
  t.true(found <= 700 && found > 690, String(found));
  t.true(asked.length < 10);
});

test('the search is bounded, and 0 means that every trial lost some', async (t) => {
  const { offer, asked } = forwarder(0);
  t.is(await highestWithoutLoss({ rate: 1000, lost: 1000 }, offer, 4), 0);
  t.deepEqual(asked, [500, 250, 125, 62.5]);
});

test('a rate that could not be offered does not count for more than what was sent', async (t) => {
  const found = await highestWithoutLoss({ rate: 1000, lost: 1 }, async () => ({ rate: 300, lost: 0 }), 3);
  t.is(found, 300);
});
