// Every host has its turn, and none is asked too often.
import test from 'ava';
import { ProbeTurns } from '../../../src/careof/managed-neighbours.js';

test('few are all asked within the rounds, each once', (t) => {
  const turns = new ProbeTurns(3, 64);
  const hosts = [1, 2, 3, 4, 5, 6, 7];
  const asked = [turns.take(hosts), turns.take(hosts), turns.take(hosts)];
  t.deepEqual(new Set(asked.flat()), new Set(hosts));
  t.true(asked.every((each) => each.length === 3));
});

test('of many no more than the bound are asked at once, and all in the end', (t) => {
  const turns = new ProbeTurns(3, 4);
  const hosts = Array.from({ length: 30 }, (_, at) => at);
  const asked = new Set<number>();
  for (let round = 0; round < 8; round++) {
    const now = turns.take(hosts);
    t.is(now.length, 4);
    for (const host of now) asked.add(host);
  }
  t.is(asked.size, hosts.length);
});

test('nobody is asked where nobody is, and a list that became shorter is no harm', (t) => {
  const turns = new ProbeTurns(3, 64);
  t.deepEqual(turns.take([]), []);
  turns.take([1, 2, 3, 4, 5, 6]);
  turns.take([1, 2, 3, 4, 5, 6]);
  t.deepEqual(turns.take([9]), [9]);
  t.deepEqual(turns.take([9]), [9]);
});
