/** When Binding Updates leave. */
import test from 'ava';
import { careOf, Desk, FIRST, wanted, wordsOf } from '../../../support/registration-desk.js';

const gaps = (times: readonly number[]): number[] =>
  times.slice(1).map((at, index) => at - (times[index] ?? 0));

test('a first registration is sent again after 1.5 s, doubling to 32 s, and then for ever (RFC 6275 section 11.8)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.idle(200_000);
  t.deepEqual(
    gaps(desk.sent.map(({ at }) => at)),
    [1500, 3000, 6000, 12_000, 24_000, 32_000, 32_000, 32_000, 32_000],
  );
});

test('a later one is sent again after 1 s, doubling to 32 s (RFC 6275 section 11.8)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.idle(470_000);
  t.is(desk.sent.length, 1);
  desk.idle(80_000);
  t.deepEqual(gaps(desk.sent.map(({ at }) => at)).slice(1), [1000, 2000, 4000, 8000, 16_000, 32_000]);
});

test('each time it has a new sequence number, modulo 65536 (RFC 6275 section 11.8)', (t) => {
  const desk = new Desk(t, { firstSequence: 0xfffe });
  desk.want(wanted(1));
  desk.idle(12_000);
  t.deepEqual(
    desk.sent.map(({ update }) => update.sequence),
    [0xfffe, 0xffff, 0, 1],
  );
});

test('all bindings share one space of sequence numbers (RFC 5648 section 4.1)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2), wanted(3));
  desk.settle();
  t.deepEqual(
    desk.sent.map(({ update }) => update.sequence),
    [FIRST, FIRST + 1, FIRST + 2],
  );
  t.is(desk.registrar.view(desk.now).sequence, FIRST + 2);
});

test('one waits for its answer before the next one leaves', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  const first = desk.take();
  t.true(desk.registrar.view(desk.now).outstanding);
  desk.time += 1499;
  t.is(desk.poll(), undefined);
  desk.answer(first);
  t.false(desk.registrar.view(desk.now).outstanding);
  t.is(wordsOf(desk.take()), '2 from 2001:db8:b::2');
});

test('an uplink that is dead holds up the others for a turn, and each has a back-off of its own', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  const answered: string[] = [];
  const end = desk.time + 100_000;
  while (desk.time < end) {
    const sent = desk.next();
    if (sent.packet.source.equals(careOf('b'))) {
      desk.answer(sent);
      answered.push(wordsOf(sent));
    }
  }
  t.deepEqual(answered, ['2 O from 2001:db8:b::2']);
  const dead = desk.sent.filter(({ packet }) => packet.source.equals(careOf('a')));
  t.deepEqual(gaps(dead.map(({ at }) => at)).slice(0, 5), [1500, 3000, 6000, 12_000, 24_000]);
  t.deepEqual(desk.words, ['1 registering 2001:db8:a::2 -', '2 registered 2001:db8:b::2 2001:db8:b::2']);
});

test('where nothing was answered last, a turn is 500 ms, and its answer counts later all the same', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(2));
  desk.settle();
  desk.want(wanted(1), wanted(2));
  desk.take();
  const second = desk.next();
  t.is(wordsOf(second), '1 from 2001:db8:a::2');
  desk.time += 100;
  desk.want(wanted(1), wanted(2, { careOf: careOf('b', 3) }));
  t.is(desk.poll(), undefined);
  const other = desk.next();
  t.is(other.at - second.at, 500);
  t.is(wordsOf(other), '2 from 2001:db8:b::3');
  t.is(desk.answer(second).outcome, 'accepted');
  t.is(desk.words[0], '1 registered 2001:db8:a::2 2001:db8:a::2');
  t.true(desk.registrar.view(desk.now).outstanding);
});

test('an answer to what was asked before, when something else was asked since, is about the past', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  const first = desk.take();
  desk.idle(1500);
  desk.want(
    wanted(1, { careOf: careOf('a', 3), priority: 7 }),
    wanted(2, { careOf: careOf('b', 4), priority: 3 }),
  );
  const second = desk.next();
  t.true(second.packet.source.equals(careOf('b', 4)));
  desk.answer(first);
  t.is(desk.view(1).state, 'updating');
  t.is(desk.view(1).registered?.toString(), '2001:db8:a::2');
  t.is(desk.view(2).registered?.toString(), '2001:db8:b::2');
});

test('what was sent from an address that is gone does not hold up anything', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  const lost = desk.take();
  desk.want(wanted(2));
  t.is(wordsOf(desk.take()), '2 O from 2001:db8:b::2');
  t.is(desk.answer(lost).outcome, 'other-destination');
});

test('in bulk: over the next address when nothing is answered over the first (RFC 6275 section 11.8)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.take();
  const second = desk.next();
  t.is(wordsOf(second), '1,2 O from 2001:db8:b::2');
  t.is(second.at - (desk.sent[0]?.at ?? 0), 1500);
  desk.answer(second);
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[1]),
    ['registered', 'registered'],
  );
});

test('an address is trusted again a minute after its last failure', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.take();
  desk.answer(desk.next());
  desk.time += 59_000;
  desk.want(wanted(1, { priority: 11 }), wanted(2));
  desk.answer(desk.take());
  desk.time += 1000;
  desk.want(wanted(1), wanted(2));
  desk.take();
  t.deepEqual(desk.sent.slice(2).map(wordsOf), ['1,2 from 2001:db8:b::2', '1,2 from 2001:db8:a::2']);
});

test('three Binding Updates within a second and no more (MAX_UPDATE_RATE, RFC 6275 section 12)', (t) => {
  const desk = new Desk(t);
  const start = desk.time;
  for (let host = 2; host < 12; host++) {
    desk.want(wanted(1, { careOf: careOf('a', host) }));
    const sent = desk.poll();
    if (sent) desk.answer(sent);
  }
  t.is(desk.sent.length, 3);
  t.is(desk.registrar.nextEvent(), start + 1000);
  desk.time = start + 999;
  t.is(desk.poll(), undefined);
  t.is(desk.next().at, start + 1000);
});

test('a refresh comes at four fifths of the lifetime (RFC 6275 section 11.7.1)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  const refresh = desk.next();
  t.is(refresh.at - (desk.sent[0]?.at ?? 0), 480_000);
  t.is(wordsOf(refresh), '1 from 2001:db8:a::2');
  t.is(desk.view(1).lifetimeLeft, 120);
  desk.answer(refresh);
  t.is(desk.view(1).lifetimeLeft, 600);
});

test('a shorter lifetime in the answer counts from when it was asked for, a longer one does not (RFC 6275 section 11.7.3)', (t) => {
  for (const [granted, left] of [
    [100, 99],
    [600, 599],
    [10_000, 599],
  ] as const) {
    const desk = new Desk(t);
    desk.want(wanted(1));
    const sent = desk.take();
    desk.time += 1000;
    desk.answer(sent, { lifetime: granted });
    t.is(desk.view(1).lifetimeLeft, left);
    t.is(desk.next().at - sent.at, Math.min(granted, 600) * 800);
  }
});

test('without answers a registration is `unanswered`, and `lapsed` when its lifetime has ended (RFC 6275 section 11.1)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.idle(482_500);
  t.is(desk.view(1).state, 'registered');
  desk.idle(1500);
  t.is(desk.view(1).state, 'unanswered');
  t.is(desk.view(1).attempts, 3);
  desk.idle(116_000);
  t.is(desk.words[0], '1 lapsed 2001:db8:a::2 -');
  t.deepEqual(desk.changes.at(-1), { type: 'lapsed', bid: 1 });
  desk.answer(desk.next());
  t.is(desk.view(1).state, 'registered');
  t.is(desk.view(1).attempts, 0);
});

const identifier = (bid: number) =>
  ({ type: 'binding-identifier', bid, status: 0, home: false, priority: 0, careOf: undefined }) as const;

test('a Binding Refresh Request with a BID has that one refreshed (RFC 5648 section 5.8)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.time += 60_000;
  const request = { type: 'binding-refresh-request', options: [identifier(2)] } as const;
  t.is(desk.receiveMessage(request).outcome, 'refresh-requested');
  t.is(wordsOf(desk.take()), '2 from 2001:db8:b::2');
  t.is(desk.answer(desk.sent.at(-1) ?? desk.take()).outcome, 'accepted');
  t.is(desk.poll(), undefined);
});

test('a Binding Refresh Request without a BID has all refreshed (RFC 6275 section 11.7.4)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.time += 60_000;
  desk.receiveMessage({ type: 'binding-refresh-request', options: [] });
  desk.settle();
  t.is(desk.sent.length, 4);
});

test('requests for refreshes have one in 10 s: anybody could send them', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  const start = desk.time;
  while (desk.time < start + 60_000) {
    desk.receiveMessage({ type: 'binding-refresh-request', options: [] });
    const sent = desk.poll();
    if (sent) desk.answer(sent);
    desk.time += 100;
  }
  t.is(desk.sent.length, 6);
});

test('a Binding Error of status 1 about the home address has all refreshed (RFC 6275 section 9.3.3)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.time += 60_000;
  const error = { type: 'binding-error', status: 1, homeAddress: careOf('e'), options: [] } as const;
  t.is(desk.receiveMessage(error).outcome, 'other-destination');
  t.is(desk.poll(), undefined);
  t.is(
    desk.receiveMessage({ ...error, homeAddress: desk.sent[0]?.packet.homeAddress ?? careOf('e') }).outcome,
    'binding-error',
  );
  t.is(wordsOf(desk.take()), '1 from 2001:db8:a::2');
});

test('a registration that is acknowledged after its removal was sent is not there', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.want(wanted(1), wanted(2, { careOf: careOf('a') }), wanted(3));
  const first = desk.take();
  t.is(wordsOf(first), '2 from 2001:db8:a::2');
  desk.idle(1000);
  desk.want(wanted(1), wanted(3));
  desk.answer(desk.next());
  const removal = desk.next();
  t.is(wordsOf(removal), '2 removed from 2001:db8:c::2');
  desk.answer(first);
  t.is(desk.view(2).registered, undefined);
  desk.answer(removal);
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[0]),
    ['1', '3'],
  );
});
