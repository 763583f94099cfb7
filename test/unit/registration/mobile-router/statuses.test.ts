/** What each status of a Binding Acknowledgement leads to. */
import test from 'ava';
import {
  atHome,
  careOf,
  Desk,
  FIRST,
  HOME,
  KEY,
  wanted,
  wordsOf,
} from '../../../support/registration-desk.js';

for (const [status, rule] of [
  [0, 'RFC 6275 section 6.1.8'],
  [1, 'RFC 6275 section 6.1.8'],
  [5, 'RFC 5648 section 5.6.4'],
] as const) {
  test(`status ${status}: registered (${rule})`, (t) => {
    const desk = new Desk(t);
    desk.want(wanted(1));
    t.is(desk.answer(desk.take(), { status }).outcome, 'accepted');
    t.like(desk.view(1), { state: 'registered', status, attempts: 0 });
    t.is(desk.poll(), undefined);
  });
}

test('status 4: the status of each BID decides, 0 is accepted (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2), wanted(3));
  const reception = desk.answer(desk.take(), { status: 4, statuses: { 2: 130, 3: 1 } });
  t.is(reception.outcome, 'partly-accepted');
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[1]),
    ['registered', 'refused', 'registered'],
  );
  t.like(desk.view(2), { status: 130, statusText: 'insufficient resources' });
  t.is(desk.poll(), undefined);
  t.is(wordsOf(desk.next(30_000)), '1,2,3 from 2001:db8:a::2');
});

test('a status of a BID holds before that of the answer (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.answer(desk.take(), { status: 0, statuses: { 2: 129 } });
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[1]),
    ['registered', 'refused'],
  );
  const other = new Desk(t, { bulk: true });
  other.want(wanted(1), wanted(2));
  other.answer(other.take(), { status: 130, statuses: { 2: 1 } });
  t.deepEqual(
    other.words.map((words) => words.split(' ')[1]),
    ['refused', 'registered'],
  );
});

test('a BID that the answer does not name is refused (RFC 5648 section 6.2)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  t.is(desk.answer(desk.take(), { statuses: { 2: null } }).outcome, 'partly-accepted');
  t.like(desk.view(2), {
    state: 'refused',
    status: undefined,
    statusText: 'the answer does not name this BID',
  });
});

for (const status of [128, 129, 130, 131, 132, 134, 136, 137, 138, 139, 174, 200]) {
  test(`status ${status}: again after 30 s, then less and less often (RFC 6275 section 11.7.3)`, (t) => {
    const desk = new Desk(t);
    desk.want(wanted(1));
    const times: number[] = [];
    for (let count = 0; count < 7; count++) {
      const sent = desk.next();
      times.push(sent.at);
      t.is(desk.answer(sent, { status }).outcome, 'refused');
      t.like(desk.view(1), { state: 'refused', status });
      desk.idle(1000);
    }
    const seconds = times.slice(1).map((at, index) => (at - (times[index] ?? 0)) / 1000);
    t.deepEqual(seconds, [30, 60, 120, 240, 480, 480]);
    t.deepEqual(desk.changes[0]?.type, 'refused');
  });
}

for (const status of [140, 141, 142, 143]) {
  test(`status ${status}: again after 30 s; the other binding is not kept waiting (RFC 3963 section 5.3)`, (t) => {
    const desk = new Desk(t);
    desk.want(wanted(1), wanted(2));
    desk.answer(desk.take(), { status });
    t.is(desk.view(1).state, 'refused');
    t.is(wordsOf(desk.take()), '2 O from 2001:db8:b::2');
  });
}

test('a refusal is forgotten when something else is wanted', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.take(), { status: 130 });
  t.is(desk.poll(), undefined);
  desk.want(wanted(1, { careOf: careOf('a', 3) }));
  t.is(wordsOf(desk.take()), '1 O from 2001:db8:a::3');
});

test('a refresh that is refused leaves the registration in use while it lasts', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.answer(desk.next(), { status: 130 });
  t.is(desk.words[0], '1 refused 2001:db8:a::2 2001:db8:a::2');
});

test('accepted without a lifetime is a refusal', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.take(), { lifetime: 0 });
  t.is(desk.words[0], '1 refused 2001:db8:a::2 -');
  t.is(desk.poll(), undefined);
});

test('status 133: a binding that was to be removed is gone (RFC 5648 section 6.2)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(2));
  desk.answer(desk.take(), { status: 133 });
  t.deepEqual(desk.words, ['2 registered 2001:db8:b::2 2001:db8:b::2']);
});

test('status 133: a registration is not there any more, and is asked for again after 30 s (RFC 6275 section 11.7.3)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.answer(desk.next(), { status: 133 });
  t.is(desk.words[0], '1 refused 2001:db8:a::2 -');
  t.is(wordsOf(desk.next(30_000)), '1 from 2001:db8:a::2');
});

test('a removal that is refused is asked again after 30 s', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(2));
  const sent = desk.take();
  desk.answer(sent, { status: 128 });
  t.is(desk.view(1).state, 'removing');
  const again = desk.next();
  t.is(again.at - sent.at, 30_000);
  t.is(wordsOf(again), '1 removed from 2001:db8:b::2');
});

test('status 135: the number in the answer was the last one, the next one leaves at once (RFC 6275 section 11.7.3)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  t.is(desk.answer(desk.take(), { status: 135, sequence: 5000 }).outcome, 'sequence-adopted');
  const sent = desk.take();
  t.is(sent.update.sequence, 5001);
  t.is(wordsOf(sent), '1 O from 2001:db8:a::2');
  t.is(desk.answer(sent).outcome, 'accepted');
});

test('status 135: numbers that are not ahead are about packets that came late or twice (RFC 6275 section 9.5.1)', (t) => {
  for (const [sequence, adopted] of [
    [FIRST, false],
    [FIRST - 1, false],
    [(FIRST + 0x8001) & 0xffff, false],
    [FIRST + 0x8000, true],
    [FIRST + 1, true],
  ] as const) {
    const desk = new Desk(t);
    desk.want(wanted(1));
    const { outcome } = desk.answer(desk.take(), { status: 135, sequence });
    t.is(outcome, adopted ? 'sequence-adopted' : 'old-sequence', `${sequence}`);
    t.is(desk.poll()?.update.sequence, adopted ? sequence + 1 : undefined);
  }
});

test('status 135: a number that was used since is not gone back to', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  const slow = desk.take();
  desk.idle(1500);
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2, { careOf: careOf('b', 3) }));
  const fast = desk.next();
  t.is(wordsOf(fast), '2 from 2001:db8:b::3');
  desk.answer(fast);
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2, { careOf: careOf('b', 4) }));
  const faster = desk.next();
  desk.answer(slow, { status: 135, sequence: fast.update.sequence });
  t.is(desk.registrar.view(desk.now).sequence, faster.update.sequence);
});

test('status 135 again and again: two answers are followed at once, then there is a pause', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  const start = desk.time;
  while (desk.time < start + 20_000) {
    const sent = desk.next();
    desk.answer(sent, { status: 135, sequence: (sent.update.sequence + 100) & 0xffff });
  }
  t.true(desk.sent.length >= 5 && desk.sent.length <= 8, `${desk.sent.length} sent`);
});

test('status 144: the time of the home agent, and again at once (RFC 4285 section 6)', (t) => {
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1));
  const sent = desk.take();
  const stamp = sent.update.options.find((option) => option.type === 'replay-protection')?.timestamp ?? 0n;
  const hour = 3600n << 32n;
  t.is(desk.answer(sent, { status: 144, timestamp: stamp + hour }).outcome, 'clock-adopted');
  t.is(desk.registrar.view(desk.now).clockOffset, 3600);
  const again = desk.take();
  t.is(again.update.options.find((option) => option.type === 'replay-protection')?.timestamp, stamp + hour);
  t.is(desk.answer(again).outcome, 'accepted');
});

test('status 144 without authentication or without a time is a refusal (RFC 4285 section 6)', (t) => {
  const bare = new Desk(t);
  bare.want(wanted(1));
  t.is(bare.answer(bare.take(), { status: 144, timestamp: 1n << 40n }).outcome, 'refused');
  t.is(bare.registrar.view(bare.now).clockOffset, 0);
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1));
  t.is(desk.answer(desk.take(), { status: 144, timestamp: undefined }).outcome, 'refused');
  t.is(desk.poll(), undefined);
});

for (const status of [145, 146]) {
  test(`status ${status}: nothing for 300 s (RFC 4285 sections 5 and 6)`, (t) => {
    const desk = new Desk(t);
    desk.want(wanted(1), wanted(2));
    const sent = desk.take();
    desk.answer(sent, { status });
    t.like(desk.view(1), { state: 'refused', status });
    t.is(desk.next().at - sent.at, 300_000);
  });
}

test('status 164: the same is not sent again, something else is (RFC 5648 section 6.2)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.take(), { status: 164 });
  t.deepEqual(desk.idle(3_599_000), []);
  desk.want(wanted(1, { careOf: careOf('a', 3) }));
  t.is(wordsOf(desk.take()), '1 O from 2001:db8:a::3');
});

test('status 165: the next one has O, and all others are registered after it (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  desk.answer(desk.take(), { status: 165 });
  const sent = desk.next(1000);
  t.is(wordsOf(sent), '1 O from 2001:db8:a::3');
  desk.answer(sent);
  t.is(desk.view(2).registered, undefined);
  t.is(wordsOf(desk.next()), '2 from 2001:db8:b::2');
});

test('status 165 although O was set is a refusal', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.take(), { status: 165 });
  t.is(desk.poll(), undefined);
  t.is(desk.view(1).state, 'refused');
});

test('status 166: one binding without BID from then on, the best one (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1, { priority: 50 }), wanted(2));
  desk.answer(desk.take(), { status: 166 });
  t.like(desk.registrar.view(desk.now), { mode: 'single', singleReason: 'prohibited', bulk: false });
  const sent = desk.take();
  t.is(wordsOf(sent), 'plain from 2001:db8:b::2');
  desk.answer(sent);
  t.deepEqual(desk.words, ['1 standby 2001:db8:a::2 -', '2 registered 2001:db8:b::2 2001:db8:b::2']);
});

test('status 167: again with the care-of address, and the other bindings, too (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.time += 60_000;
  desk.want(wanted(1, { priority: 11 }), wanted(2));
  desk.answer(desk.take(), { status: 4, statuses: { 1: 167 } });
  t.is(desk.view(1).registered, undefined);
  const again = desk.take();
  t.is(wordsOf(again), '1 from 2001:db8:a::2');
  const [option] = again.update.options;
  t.true(option?.type === 'binding-identifier' && option.careOf?.equals(careOf('a')));
  // Once more is a refusal.
  desk.answer(again, { status: 4, statuses: { 1: 167 } });
  t.is(desk.view(1).state, 'refused');
  t.is(wordsOf(desk.take()), '2 from 2001:db8:b::2');
});

test('status 168: nothing is registered, and one by one from then on (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.answer(desk.next(), { status: 168 });
  t.false(desk.registrar.view(desk.now).bulk);
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[3]),
    ['-', '-'],
  );
  desk.settle();
  t.deepEqual(desk.sent.slice(2).map(wordsOf), ['1 from 2001:db8:a::2', '2 from 2001:db8:b::2']);
});

test('status 168: in bulk again after an hour', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.answer(desk.take(), { status: 168 });
  desk.settle();
  desk.idle(3_600_000);
  t.true(desk.registrar.view(desk.now).bulk);
});

test('status 168 to a removal: one by one, and the bindings are not forgotten', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2), wanted(3));
  desk.settle();
  desk.want(wanted(3));
  desk.answer(desk.take(), { status: 168 });
  t.is(wordsOf(desk.take()), '1 removed from 2001:db8:c::2');
  t.is(desk.view(3).state, 'registered');
});

test('status 168 to a single binding is a refusal', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1));
  desk.answer(desk.take(), { status: 168 });
  t.is(desk.view(1).state, 'refused');
  t.true(desk.registrar.view(desk.now).bulk);
});

test('status 169: without the home binding from then on (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), atHome(2, 20));
  desk.answer(desk.take(), { status: 169 });
  t.is(desk.view(2).state, 'refused');
  const sent = desk.take();
  t.is(wordsOf(sent), '1 O from 2001:db8:a::2');
  desk.answer(sent);
  t.deepEqual(desk.idle(300_000), []);
  // Without another one abroad it is not prohibited.
  desk.want(atHome(2, 20));
  t.true(desk.sent.length === 2);
  t.is(wordsOf(desk.take()), `2 from ${HOME}`);
});

test('status 169 to a binding abroad alone is a refusal', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.take(), { status: 169 });
  t.is(desk.view(1).state, 'refused');
});

test('status 144 twice: each moves the clock from where it was; it may go back (RFC 4285 section 6)', (t) => {
  const desk = new Desk(t, { key: KEY });
  desk.want(wanted(1));
  const stampOf = ({ update }: ReturnType<Desk['take']>): bigint =>
    update.options.find((option) => option.type === 'replay-protection')?.timestamp ?? 0n;
  const hour = 3600n << 32n;
  const first = desk.take();
  desk.answer(first, { status: 144, timestamp: stampOf(first) - hour });
  const second = desk.take();
  t.is(stampOf(second), stampOf(first) - hour);
  desk.answer(second, { status: 144, timestamp: stampOf(second) - hour });
  t.is(desk.registrar.view(desk.now).clockOffset, -7200);
});

test('a refusal after an acceptance waits 30 s again', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.next(), { status: 130 });
  desk.answer(desk.next(), { status: 130 });
  desk.answer(desk.next());
  const sent = desk.next();
  desk.answer(sent, { status: 130 });
  t.is(desk.next().at - sent.at, 30_000);
});

test('status 164 to a whole bulk registration: one by one, and only the bad one is held (RFC 5648 section 6.2)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.answer(desk.take(), { status: 164 });
  t.false(desk.registrar.view(desk.now).bulk);
  const first = desk.take();
  t.is(wordsOf(first), '1 O from 2001:db8:a::2');
  desk.answer(first, { status: 164 });
  desk.answer(desk.take());
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[1]),
    ['refused', 'registered'],
  );
});

test('status 164 of one BID in bulk holds that one (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.answer(desk.take(), { status: 4, statuses: { 1: 164 } });
  t.true(desk.registrar.view(desk.now).bulk);
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[1]),
    ['refused', 'registered'],
  );
  t.is(wordsOf(desk.next()), '2 from 2001:db8:a::2');
});

test('with O, a binding that is refused is not there any more, whatever was there before (RFC 5648 section 6.2)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.time += 2000;
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  desk.answer(desk.take(), { status: 165 });
  desk.answer(desk.take(), { status: 4, statuses: { 1: 130 } });
  t.is(desk.words[0], '1 refused 2001:db8:a::3 -');
  t.deepEqual(
    desk.changes.slice(-2).map(({ type }) => type),
    ['refused', 'removed'],
  );
});

for (const status of [165, 166, 167, 168, 169]) {
  test(`status ${status} again and again is a refusal in the end: nothing goes on for ever`, (t) => {
    const desk = new Desk(t, { bulk: true });
    desk.want(wanted(1), atHome(2, 20), wanted(3));
    const end = desk.time + 25_000;
    while (desk.time < end) {
      const sent = desk.poll();
      if (sent) desk.answer(sent, { status });
      else desk.time = Math.min(end, Math.max(desk.registrar.nextEvent() ?? end, desk.time));
    }
    t.true(desk.sent.length >= 1 && desk.sent.length <= 8, `${desk.sent.length} sent`);
  });
}

test('status 169 of the bindings abroad: the one at home is given up (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), atHome(2, 20));
  desk.answer(desk.take(), { status: 4, statuses: { 1: 169, 2: 169 } });
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[1]),
    ['unregistered', 'refused'],
  );
  t.is(wordsOf(desk.take()), '1 from 2001:db8:a::2');
});

test('a binding that lapsed once and was taken away later did not lapse again', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.idle(600_000);
  t.is(desk.view(1).state, 'lapsed');
  desk.answer(desk.next());
  desk.want(wanted(1), wanted(2));
  desk.answer(desk.next(), { status: 165 });
  const sent = desk.next();
  t.is(wordsOf(sent), '2 O from 2001:db8:b::2');
  desk.answer(sent);
  t.is(desk.view(1).state, 'unregistered');
});
