/** Home agents that know one binding only, or no mobile routers. */
import test from 'ava';
import {
  atHome,
  careOf,
  Desk,
  flow,
  HOME,
  PREFIX,
  wanted,
  wordsOf,
} from '../../../support/registration-desk.js';

const PLAIN = { identifiers: false };

test('an answer without Binding Identifiers: one binding without BID from then on (RFC 5648 section 5.7)', (t) => {
  for (const bulk of [false, true]) {
    const desk = new Desk(t, { bulk });
    desk.want(wanted(1), wanted(2));
    t.is(desk.answer(desk.take(), PLAIN).outcome, 'not-multiple');
    t.like(desk.registrar.view(desk.now), { mode: 'single', singleReason: 'not-supported' });
    const { update, packet } = desk.take();
    t.deepEqual(update.flags, ['acknowledge', 'home', 'mobile-router']);
    t.deepEqual(
      update.options.map(({ type }) => type),
      ['mobile-network-prefix', 'alternate-care-of'],
    );
    t.true(
      update.options.some(
        (option) => option.type === 'mobile-network-prefix' && option.prefix.equals(PREFIX),
      ),
    );
    t.true(
      update.options.some(
        (option) => option.type === 'alternate-care-of' && option.address.equals(careOf('a')),
      ),
    );
    t.true(packet.source.equals(careOf('a')));
    t.is(desk.answer(desk.sent.at(-1) ?? desk.take()).outcome, 'accepted');
    t.deepEqual(desk.words, ['1 registered 2001:db8:a::2 2001:db8:a::2', '2 standby 2001:db8:b::2 -']);
  }
});

test('a refusal without Binding Identifiers says nothing of several care-of addresses', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  t.is(desk.answer(desk.take(), { ...PLAIN, status: 130 }).outcome, 'refused');
  t.is(desk.registrar.view(desk.now).mode, 'multiple');
});

/** After the plain registration of BID 1 is accepted. */
function single(t: ConstructorParameters<typeof Desk>[0]): Desk {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.answer(desk.take(), PLAIN);
  desk.answer(desk.take());
  desk.time += 10_000;
  return desk;
}

test('one binding: when it is gone the next one takes its place, without a removal (RFC 3963 section 5.1)', (t) => {
  const desk = single(t);
  desk.want(wanted(2));
  const sent = desk.take();
  t.is(wordsOf(sent), 'plain from 2001:db8:b::2');
  t.is(desk.view(1).state, 'removing');
  desk.answer(sent);
  t.deepEqual(desk.words, ['2 registered 2001:db8:b::2 2001:db8:b::2']);
});

test('one binding: a better one takes its place', (t) => {
  const desk = single(t);
  desk.want(wanted(1), wanted(2), wanted(3, { priority: 1 }));
  t.is(wordsOf(desk.take()), 'plain from 2001:db8:c::2');
});

test('one binding: three Binding Updates without an answer, then another one is tried', (t) => {
  const desk = single(t);
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  t.deepEqual([desk.next(), desk.next(), desk.next(), desk.next()].map(wordsOf), [
    'plain from 2001:db8:a::3',
    'plain from 2001:db8:a::3',
    'plain from 2001:db8:a::3',
    'plain from 2001:db8:b::2',
  ]);
  desk.answer(desk.sent.at(-1) ?? desk.take());
  t.deepEqual(desk.words, ['1 standby 2001:db8:a::3 -', '2 registered 2001:db8:b::2 2001:db8:b::2']);
});

test('one binding: it is refreshed, and a refusal waits', (t) => {
  const desk = single(t);
  const refresh = desk.next();
  t.is(refresh.at - (desk.sent[1]?.at ?? 0), 480_000);
  desk.answer(refresh, { status: 128 });
  t.is(desk.view(1).state, 'refused');
  const again = desk.next();
  t.is(again.at - refresh.at, 30_000);
  desk.answer(again, { status: 166 });
  t.is(desk.view(1).state, 'refused');
  t.is(desk.poll(), undefined);
});

test('one binding: at home there is none, lifetime 0 from the home address (RFC 6275 section 11.5.5)', (t) => {
  const desk = single(t);
  desk.want(wanted(1), wanted(2), atHome(3, 1));
  const sent = desk.take();
  t.is(wordsOf(sent), `plain removed from ${HOME}`);
  t.deepEqual(sent.update.options, []);
  desk.answer(sent, { flags: [] });
  t.like(desk.view(3), { state: 'registered', lifetimeLeft: Number.POSITIVE_INFINITY });
  t.deepEqual(desk.words.slice(0, 2), ['1 standby 2001:db8:a::2 -', '2 standby 2001:db8:b::2 -']);
  t.deepEqual(desk.idle(1_000_000), []);
  desk.want(wanted(1), wanted(2));
  t.is(wordsOf(desk.take()), 'plain from 2001:db8:a::2');
});

test('several bindings are tried again after an hour, with O (RFC 5648 section 5.9)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  const asked = desk.take();
  desk.answer(asked, PLAIN);
  desk.answer(desk.take());
  for (;;) {
    const sent = desk.next();
    if (!wordsOf(sent).startsWith('plain')) break;
    desk.answer(sent);
  }
  const sent = desk.sent.at(-1) ?? asked;
  t.is(sent.at - asked.at, 3_600_000);
  t.is(wordsOf(sent), '1 O from 2001:db8:a::2');
  desk.answer(sent);
  desk.answer(desk.take());
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[1]),
    ['registered', 'registered'],
  );
  t.is(desk.registrar.view(desk.now).mode, 'multiple');
});

test('an answer without R: the home agent does not serve mobile routers, everything is removed (RFC 3963 section 5.3)', (t) => {
  for (const status of [0, 1, 4, 5]) {
    const desk = new Desk(t);
    desk.want(wanted(1), wanted(2));
    const asked = desk.take();
    t.is(desk.answer(asked, { status, flags: [] }).outcome, 'not-mobile-router');
    t.is(desk.registrar.view(desk.now).mode, 'not-mobile-router');
    const sent = desk.take();
    t.is(wordsOf(sent), 'plain removed from 2001:db8:a::2');
    t.is(desk.answer(sent, { flags: [] }).outcome, 'accepted');
    const again = desk.next();
    t.is(again.at - asked.at, 3_600_000);
    t.is(wordsOf(again), '1 O from 2001:db8:a::2');
  }
});

test('without R: the removals of one time do not count for the next', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  for (let round = 0; round < 3; round++) {
    desk.answer(desk.next(), { flags: [] });
    desk.next();
    const removal = desk.next();
    t.is(wordsOf(removal), 'plain removed from 2001:db8:a::2');
    desk.answer(removal, { flags: [] });
  }
});

test('one binding without BID: flows at the home agent have ended (RFC 6089 section 5.3.3)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.registrar.setFlows([flow(1, [1])], desk.now);
  desk.want(wanted(1));
  desk.settle();
  desk.answer(desk.next(), { status: 166 });
  desk.answer(desk.take());
  t.is(desk.registrar.view(desk.now).flows[0]?.state, 'waiting');
});

test('one binding without BID: another one that was sent and not answered may have taken its place', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.answer(desk.next(), { status: 166 });
  desk.settle();
  desk.want(wanted(2));
  t.is(wordsOf(desk.take()), 'plain from 2001:db8:b::2');
  desk.want(wanted(1), wanted(2));
  t.is(wordsOf(desk.next()), 'plain from 2001:db8:a::2');
});

test('without R: four removals without an answer are enough', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.take(), { flags: [] });
  t.is(desk.idle(3_000_000).length, 4);
});

test('a refusal without R is a refusal, and so is an answer to a removal (RFC 3963 section 5.3)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  t.is(desk.answer(desk.take(), { status: 130, flags: [] }).outcome, 'refused');
  desk.settle();
  desk.answer(desk.next());
  desk.want(wanted(2));
  t.is(desk.answer(desk.next(), { flags: [] }).outcome, 'accepted');
  t.is(desk.registrar.view(desk.now).mode, 'multiple');
});

test('several bindings after status 166: an hour later again, with O, as there is a plain one (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.answer(desk.next(), { status: 166 });
  const from = desk.time;
  for (;;) {
    const sent = desk.next();
    if (!wordsOf(sent).startsWith('plain')) {
      t.is(wordsOf(sent), '1,2 O from 2001:db8:a::2');
      t.is(sent.at - from, 3_600_000);
      break;
    }
    desk.answer(sent);
  }
});

test('without R after a registration: an hour later again, with O', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.answer(desk.next(), { flags: [] });
  t.deepEqual(desk.words, ['1 unregistered 2001:db8:a::2 -']);
  desk.answer(desk.take(), { flags: [] });
  t.is(wordsOf(desk.next()), '1 O from 2001:db8:a::2');
});
