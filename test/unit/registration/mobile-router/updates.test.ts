/** What Binding Updates say. */
import test from 'ava';
import { MacAddress, Prefix } from '../../../../src/mobility/index.js';
import { comparable } from '../../../support/mobility-messages.js';
import {
  AGENT,
  atHome,
  bidsOf,
  careOf,
  Desk,
  FIRST,
  HOME,
  PREFIX,
  wanted,
  wordsOf,
} from '../../../support/registration-desk.js';

test('a registration has A, H, R, BID with care-of address and BID-PRI, prefixes (RFC 5648 section 5.1, RFC 3963 section 5.1)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  const { packet, update } = desk.take();
  t.true(packet.source.equals(careOf('a')));
  t.true(packet.destination.equals(AGENT));
  t.true(packet.homeAddress?.equals(HOME));
  t.deepEqual(
    comparable(update),
    comparable({
      type: 'binding-update',
      sequence: FIRST,
      flags: ['acknowledge', 'home', 'mobile-router', 'overwrite'],
      lifetime: 600,
      options: [
        { type: 'binding-identifier', bid: 1, status: 0, home: false, priority: 10, careOf: careOf('a') },
        { type: 'mobile-network-prefix', prefix: PREFIX },
      ],
    }),
  );
});

test('no Alternate Care-of Address beside a Binding Identifier (RFC 5648 section 5.2)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  t.false(desk.take().update.options.some(({ type }) => type === 'alternate-care-of'));
});

test('explicit: the prefixes are in refreshes, too; implicit: in none (RFC 3963 section 5.2)', (t) => {
  for (const [prefixMode, count] of [
    ['explicit', 2],
    ['implicit', 0],
  ] as const) {
    const desk = new Desk(t, { prefixMode, prefixes: [PREFIX, Prefix.parse('2001:db8:99::/48')] });
    desk.want(wanted(1));
    const prefixes = (): number =>
      (desk.sent.at(-1)?.update.options ?? []).filter(({ type }) => type === 'mobile-network-prefix').length;
    desk.answer(desk.take());
    t.is(prefixes(), count);
    desk.next();
    t.is(prefixes(), count);
    t.is(desk.sent.length, 2);
  }
});

test('one by one: O is in the first Binding Update only (RFC 5648 section 5.9)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(2), wanted(1), wanted(3));
  desk.settle();
  t.deepEqual(desk.sent.map(wordsOf), [
    '1 O from 2001:db8:a::2',
    '2 from 2001:db8:b::2',
    '3 from 2001:db8:c::2',
  ]);
  t.deepEqual(
    desk.changes.map(({ type }) => type),
    ['registered', 'registered', 'registered'],
  );
});

test('O is in every Binding Update until one is accepted (RFC 5648 section 5.9)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.take();
  t.is(wordsOf(desk.next()), '2 O from 2001:db8:b::2');
  t.is(wordsOf(desk.next()), '1 O from 2001:db8:a::2');
  desk.answer(desk.sent.at(-1) ?? desk.take());
  t.is(wordsOf(desk.next()), '2 from 2001:db8:b::2');
});

test('without O where registrations of before may hold, until the home agent asks for it (RFC 5648 section 5.7)', (t) => {
  const desk = new Desk(t, { resumed: true });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  t.deepEqual(desk.sent.map(wordsOf), ['1 from 2001:db8:a::2', '2 from 2001:db8:b::2']);
  const refused = new Desk(t, { resumed: true });
  refused.want(wanted(1));
  refused.answer(refused.take(), { status: 165 });
  t.is(wordsOf(refused.next()), '1 O from 2001:db8:a::2');
});

test('an address that comes back while another one waits for its answer is registered again', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.want(wanted(1, { careOf: careOf('a', 9) }));
  t.is(wordsOf(desk.take()), '1 from 2001:db8:a::9');
  desk.want(wanted(1));
  const back = desk.next();
  t.is(wordsOf(back), '1 from 2001:db8:a::2');
  desk.answer(back);
  desk.settle();
  t.is(desk.sent.length, 3);
});

test('what O has ended needs no removal (RFC 5648 section 6.2)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.answer(desk.take(), { status: 130 });
  desk.settle();
  desk.want(wanted(2));
  t.deepEqual(
    desk.registrar.view(desk.now).bindings.map(({ bid }) => bid),
    [2],
  );
});

test('in bulk: all BIDs in one Binding Update from the best address (RFC 5648 section 5.3)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1, { priority: 30 }), wanted(2), wanted(3, { priority: 40 }));
  desk.settle();
  t.deepEqual(desk.sent.map(wordsOf), ['1,2,3 O from 2001:db8:b::2']);
  t.deepEqual(desk.words, [
    '1 registered 2001:db8:a::2 2001:db8:a::2',
    '2 registered 2001:db8:b::2 2001:db8:b::2',
    '3 registered 2001:db8:c::2 2001:db8:c::2',
  ]);
});

test('the same list again sends nothing', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(2), wanted(1));
  t.is(desk.poll(), undefined);
  t.is(desk.sent.length, 2);
});

test('another care-of address is registered at once, and the one before stays in use until then (RFC 5648 section 5.5)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(1, { careOf: careOf('a', 3) }), wanted(2));
  t.is(desk.words[0], '1 updating 2001:db8:a::3 2001:db8:a::2');
  const sent = desk.take();
  t.is(wordsOf(sent), '1 from 2001:db8:a::3');
  t.is(desk.words[0], '1 updating 2001:db8:a::3 2001:db8:a::2');
  desk.answer(sent);
  t.is(desk.words[0], '1 registered 2001:db8:a::3 2001:db8:a::3');
});

test('another BID-PRI is registered at once (RFC 6089 section 4.1)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(1, { priority: 99 }), wanted(2));
  const { update } = desk.take();
  t.like(update.options[0], { bid: 1, priority: 99 });
});

test('a binding that is gone is de-registered over another one: lifetime 0 with its BID (RFC 5648 section 5.4)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(2));
  t.is(desk.view(1).state, 'removing');
  const sent = desk.take();
  t.is(wordsOf(sent), '1 removed from 2001:db8:b::2');
  t.like(sent.update.options[0], { bid: 1, careOf: undefined, home: false });
  t.is(sent.update.options.length, 1);
  desk.answer(sent);
  t.deepEqual(desk.words, ['2 registered 2001:db8:b::2 2001:db8:b::2']);
  t.deepEqual(desk.changes.at(-1), { type: 'removed', bid: 1 });
});

test('in bulk: bindings that are gone are de-registered in one Binding Update, others are not in it', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2), wanted(3));
  desk.settle();
  desk.want(wanted(2));
  t.is(wordsOf(desk.take()), '1,3 removed from 2001:db8:b::2');
});

test('a binding that is wanted again while it is being removed is registered again', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(2));
  const removal = desk.take();
  desk.want(wanted(1), wanted(2));
  t.is(desk.view(1).registered, undefined);
  desk.answer(removal);
  t.is(wordsOf(desk.next(1000)), '1 from 2001:db8:a::2');
});

test('a binding that may be registered, although nothing was answered, is de-registered', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.want(wanted(1), wanted(2));
  desk.take();
  desk.want(wanted(1));
  t.is(wordsOf(desk.next()), '2 removed from 2001:db8:a::2');
});

test('a binding that was never sent is just forgotten', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.want(wanted(1));
  t.deepEqual(desk.words, ['1 unregistered 2001:db8:a::2 -']);
});

test('a removal that nobody answers ends with the lifetime of the binding', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(2));
  desk.idle(590_000);
  t.is(desk.view(1).state, 'removing');
  desk.idle(10_000);
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[0]),
    ['2'],
  );
});

test('at home and abroad: H, lifetime, the home address as care-of address and source (RFC 5648 section 5.6.3)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), atHome(2, 20));
  desk.answer(desk.take());
  const { packet, update } = desk.take();
  t.true(packet.source.equals(HOME));
  t.is(packet.homeAddress, undefined);
  t.is(update.lifetime, 600);
  const [option] = update.options;
  t.like(option, { bid: 2, home: true });
  t.true(option?.type === 'binding-identifier' && option.careOf?.equals(HOME));
  desk.answer(desk.sent.at(-1) ?? desk.take());
  t.is(desk.words[1], `2 registered ${HOME} ${HOME}`);
});

test('at home: where the router is on the link, and again when that has changed (RFC 5648 section 5.6.3)', (t) => {
  const desk = new Desk(t);
  const here = (mac: string) => ({ ...atHome(2), linkAddress: MacAddress.parse(mac) });
  const said = () => {
    const { update } = desk.take();
    return update.options.flatMap((one) =>
      one.type === 'link-layer-address' ? [`${one.code} ${one.mac}`] : [],
    );
  };
  desk.want(here('02:00:00:00:00:01'));
  t.deepEqual(said(), ['2 02:00:00:00:00:01']);
  desk.answer(desk.sent.at(-1) ?? desk.take());
  desk.want(here('02:00:00:00:00:01'));
  desk.settle();
  t.is(desk.sent.length, 1, 'the same again is nothing new');
  desk.want(here('02:00:00:00:00:02'));
  t.deepEqual(said(), ['2 02:00:00:00:00:02']);
});

test('leaving home: the same BID with H clear (RFC 5648 section 5.6.5)', (t) => {
  const desk = new Desk(t);
  desk.want(atHome(2));
  desk.settle();
  desk.want(wanted(2));
  const sent = desk.take();
  t.is(wordsOf(sent), '2 from 2001:db8:b::2');
  t.like(sent.update.options[0], { home: false });
});

test('shutdown: lifetime 0 without Binding Identifiers (RFC 5648 section 5.4)', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.registrar.shutdown(desk.now);
  const sent = desk.take();
  t.is(wordsOf(sent), 'plain removed from 2001:db8:a::2');
  t.deepEqual(sent.update.options, []);
  t.is(desk.registrar.view(desk.now).phase, 'closing');
  desk.answer(sent);
  t.deepEqual(desk.changes.at(-1), { type: 'closed', answered: true });
  t.is(desk.registrar.view(desk.now).phase, 'closed');
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[3]),
    ['-', '-'],
  );
  t.is(desk.registrar.nextEvent(), undefined);
  desk.want(wanted(1, { careOf: careOf('a', 9) }));
  t.is(desk.poll(), undefined);
});

test('shutdown: four Binding Updates without an answer, over each address in turn, are the end', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.registrar.shutdown(desk.now);
  const sent = desk.idle(100_000);
  t.is(sent.length, 4);
  t.deepEqual([...new Set(sent.map(wordsOf))].sort(), [
    'plain removed from 2001:db8:a::2',
    'plain removed from 2001:db8:b::2',
  ]);
  t.deepEqual(desk.changes.at(-1), { type: 'closed', answered: false });
});

test('shutdown: a refusal is asked again, 133 is the end', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.registrar.shutdown(desk.now);
  t.is(desk.answer(desk.take(), { status: 130 }).outcome, 'refused');
  t.is(desk.poll(), undefined);
  t.is(desk.answer(desk.next(), { status: 133 }).outcome, 'accepted');
  t.is(desk.registrar.view(desk.now).phase, 'closed');
});

test('shutdown: nothing was sent yet, or there is no address: nothing is sent', (t) => {
  const fresh = new Desk(t);
  fresh.want(wanted(1));
  fresh.registrar.shutdown(fresh.now);
  t.is(fresh.registrar.nextEvent(), fresh.time);
  t.is(fresh.poll(), undefined);
  t.is(fresh.registrar.view(fresh.now).phase, 'closed');
  const bare = new Desk(t);
  bare.want(wanted(1));
  bare.settle();
  bare.want();
  bare.registrar.shutdown(bare.now);
  t.is(bare.poll(), undefined);
  t.is(bare.registrar.view(bare.now).phase, 'closed');
});

test('sixteen bindings, sixteen prefixes and a key fit into one packet of 1280 bytes', (t) => {
  const prefixes = Array.from({ length: 16 }, (_, at) => Prefix.parse(`2001:db8:${100 + at}::/48`));
  const desk = new Desk(t, { bulk: true, prefixes });
  desk.want(...Array.from({ length: 16 }, (_, at) => wanted(at + 1, { priority: at + 1 })));
  const sent = desk.take();
  t.is(bidsOf(sent).length, 16);
  t.true(sent.bytes.length <= 1280, `${sent.bytes.length}`);
});

test('in bulk: the address follows BID-PRI', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2));
  desk.settle();
  desk.want(wanted(1, { priority: 20 }), wanted(2, { priority: 10 }));
  t.is(wordsOf(desk.take()), '1,2 from 2001:db8:b::2');
});

test('two bindings with one care-of address have the better BID-PRI of the two', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(
    wanted(1, { priority: 15 }),
    wanted(2, { careOf: careOf('b') }),
    wanted(3, { careOf: careOf('b'), priority: 5 }),
  );
  t.is(wordsOf(desk.take()), '1,2,3 O from 2001:db8:b::2');
});

test('a removal is acknowledged late, when it was sent again over another address', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1), wanted(2), wanted(3));
  desk.settle();
  desk.time += 2000;
  desk.want(wanted(2), wanted(3));
  const first = desk.take();
  const second = desk.next();
  t.deepEqual([first, second].map(wordsOf), ['1 removed from 2001:db8:b::2', '1 removed from 2001:db8:c::2']);
  desk.answer(first);
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[0]),
    ['2', '3'],
  );
  t.is(desk.answer(second, { status: 133 }).outcome, 'accepted');
});

test('an answer to a removal that names no BID counts; one that names another one does not (RFC 5648 section 6.2)', (t) => {
  const desk = new Desk(t, { bulk: true });
  desk.want(wanted(1), wanted(2), wanted(3));
  desk.settle();
  desk.want(wanted(3));
  desk.answer(desk.take(), { statuses: { 1: null } });
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[0]),
    ['1', '3'],
  );
  t.is(desk.registrar.view(desk.now).mode, 'multiple');
  t.is(desk.answer(desk.next(), { identifiers: false }).outcome, 'accepted');
  t.deepEqual(
    desk.words.map((words) => words.split(' ')[0]),
    ['3'],
  );
  t.is(desk.registrar.view(desk.now).mode, 'multiple');
});

test('what ends between two polls is told by the next one', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.time += 600_000;
  desk.want(wanted(1));
  t.is(desk.registrar.nextEvent(), desk.time);
  desk.poll();
  t.deepEqual(desk.changes.at(-1), { type: 'lapsed', bid: 1 });
});

test('shutdown twice is one', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.settle();
  desk.registrar.shutdown(desk.now);
  desk.take();
  desk.registrar.shutdown(desk.now);
  t.is(desk.poll(), undefined);
});

test('an address that comes back is not registered before that is answered: the other one may be', (t) => {
  const desk = new Desk(t);
  desk.want(wanted(1));
  desk.answer(desk.take());
  t.is(desk.view(1).state, 'registered');
  // The home agent has the other address; its answers are lost.
  const other = wanted(1, { careOf: careOf('a', 5) });
  desk.want(other);
  desk.take();
  desk.next();
  desk.want(wanted(1));
  const [first, second] = [desk.take(), desk.next()];
  for (const sent of [first, second]) t.true(sent.packet.source.equals(careOf('a')));
  t.not(desk.view(1).state, 'registered', 'it was sent twice, and may have been lost twice');
  desk.answer(second);
  t.is(desk.view(1).state, 'registered');
  t.is(desk.idle(10_000).length, 0);
});
