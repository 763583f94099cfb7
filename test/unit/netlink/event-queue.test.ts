import test from 'ava';
import { EventQueue } from '../../../src/netlink/event-queue.js';

test('values arrive in order, whether they or the consumer come first', async (t) => {
  const queue = new EventQueue<number>(() => undefined);
  queue.push(1);
  queue.push(2);
  t.is((await queue.next()).value, 1);
  t.is((await queue.next()).value, 2);
  const [third, fourth] = [queue.next(), queue.next()];
  queue.push(3);
  queue.push(4);
  t.is((await third).value, 3);
  t.is((await fourth).value, 4);
});

test('the end comes after what is queued and is told once', async (t) => {
  let ends = 0;
  const queue = new EventQueue<number>(() => ends++);
  queue.push(1);
  queue.end();
  queue.end();
  queue.push(2);
  const seen: number[] = [];
  for await (const value of queue) seen.push(value);
  t.deepEqual(seen, [1]);
  t.is(ends, 1);
});

test('leaving the loop ends the queue', async (t) => {
  let ends = 0;
  const queue = new EventQueue<number>(() => ends++);
  queue.push(1);
  queue.push(2);
  for await (const _ of queue) break;
  t.is(ends, 1);
  t.true((await queue.next()).done);
});

test('a waiting consumer is released at the end', async (t) => {
  const queue = new EventQueue<number>(() => undefined);
  const waiting = queue.next();
  queue.end();
  t.true((await waiting).done);
});
