import test from 'ava';
import { Address, MacAddress } from '../../../../src/mobility/index.js';
import {
  A,
  B,
  bid,
  C,
  changesOf,
  HOME,
  NETWORK,
  ROUTER,
  TestAgent,
} from '../../../support/home-registration.js';

const OVERWRITE = ['acknowledge', 'home', 'mobile-router', 'overwrite'] as const;
const AT_HOME = { home: true } as const;
const D = Address.parse('2001:db8:d::2');
const OTHER = {
  ...ROUTER,
  name: 'tram',
  homeAddress: Address.parse('2001:db8:ffff::78'),
  prefixes: [NETWORK],
};

test('RFC 5648 section 6.2: several bindings in one message, each with its BID in the answer', (t) => {
  const agent = new TestAgent();
  const { reply, changes } = agent.send({ options: [bid(9, B, { priority: 3 }), bid(1, A)] });
  t.is(reply?.status, 0);
  t.deepEqual(reply?.bids, [
    [9, 0],
    [1, 0],
  ]);
  t.deepEqual(changesOf({ changes }).slice(0, 2), [`binding-added 1 ${A}`, `binding-added 9 ${B}`]);
  t.is(agent.registrar.registration(HOME)?.bindings[1]?.priority, 3);
});

test('RFC 5648 section 6.2: a BID with another address or priority is changed, others stay', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A), bid(2, B)] });
  t.deepEqual(changesOf(agent.send({ options: [bid(1, C)] })), [`binding-changed 1 ${A} > ${C}`]);
  t.deepEqual(changesOf(agent.send({ options: [bid(2, B, { priority: 7 })] })), [
    `binding-changed 2 ${B} > ${B}`,
  ]);
  t.deepEqual(agent.bindings(), [`1 ${C}`, `2 ${B}`]);
});

test('RFC 5648 section 6.2: a BID without address is refreshed if it is known, 167 if not', (t) => {
  const agent = new TestAgent();
  t.is(agent.send({ options: [bid(1)] }).reply?.status, 167);
  agent.send({ options: [bid(1, A)], lifetime: 20 });
  t.is(agent.send({ options: [bid(1)], lifetime: 40, source: B }).reply?.status, 0);
  t.like(agent.registrar.registration(HOME)?.bindings[0], {
    lifetime: 40,
    end: agent.now.monotonic + 40_000,
  });
  t.deepEqual(agent.bindings(), [`1 ${A}`]);
});

test('RFC 5648 section 6.2: a binding that has ended is not known, though nobody removed it yet', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A)], lifetime: 20 });
  agent.wait(20);
  const { reply, changes } = agent.send({ options: [bid(1)] });
  t.is(reply?.status, 167);
  t.deepEqual(changesOf({ changes }), [`binding-removed 1 ${A}`, 'prefixes-changed']);
});

test('RFC 5648 section 6.2: 4 when some are refused, each option with its status; the others are registered', (t) => {
  const agent = new TestAgent();
  const { reply, outcome } = agent.send({
    options: [bid(1, A), bid(2), bid(3, Address.parse('fe80::1')), bid(4, B)],
  });
  t.is(outcome, 'partly-registered');
  t.like(reply?.message, { status: 4, lifetime: 60 });
  t.deepEqual(reply?.bids, [
    [1, 0],
    [2, 167],
    [3, 164],
    [4, 0],
  ]);
  t.deepEqual(agent.bindings(), [`1 ${A}`, `4 ${B}`]);
});

test('RFC 5648 section 6.2: all refused for one reason is that status, for several 128 beside theirs', (t) => {
  const agent = new TestAgent();
  const same = agent.send({ options: [bid(1), bid(2)] });
  t.is(same.reply?.status, 167);
  t.deepEqual(same.reply?.bids, [
    [1, 0],
    [2, 0],
  ]);
  const several = agent.send({ options: [bid(1), bid(2, Address.parse('fe80::1'))] });
  t.like(several.reply?.message, { status: 128, lifetime: 0 });
  t.deepEqual(several.reply?.bids, [
    [1, 167],
    [2, 164],
  ]);
  t.deepEqual(agent.bindings(), []);
});

test('RFC 5648 section 6.2: a care-of address that is none draws 164 for its option', (t) => {
  const agent = new TestAgent();
  // IPv4 care-of addresses are not supported (RFC 5648 section 8).
  for (const text of ['fe80::1', 'ff0e::1', '::1', '192.0.2.1', '2001:db8:77::1', String(HOME)]) {
    t.is(agent.send({ options: [bid(1, Address.parse(text))] }).reply?.status, 164, text);
  }
  t.deepEqual(agent.bindings(), []);
});

test('RFC 5648 section 6.2: an option of a length that it cannot have, BID 0 or a BID twice refuse all with 164', (t) => {
  const agent = new TestAgent({ unauthenticated: 'accepted' }, [
    { name: 'bus', homeAddress: HOME, prefixes: [], mostBindings: 3 },
  ]);
  const flags = ['acknowledge', 'home'] as const;
  const damaged = (...data: number[]) => {
    agent.wait(1);
    const option = { type: 'other', number: 200, data: Uint8Array.from(data) } as const;
    const packet = agent.packet({ key: null, timestamp: null, flags, options: [option, bid(2, A)] });
    packet.header[12] = 35;
    return agent.take(packet).reply;
  };
  for (const data of [[0, 1], [0, 1, 0, 0, 0], new Array<number>(12).fill(1), [0, 0, 0, 0]]) {
    const reply = damaged(...data);
    t.is(reply?.status, 164, `${data}`);
    t.deepEqual(reply?.bids, [[2, 0]]);
  }
  t.is(damaged(0, 1, 0, 0)?.status, 4);
  t.is(agent.send({ key: null, flags, options: [bid(3, A), bid(3, B)] }).reply?.status, 164);
  t.deepEqual(agent.bindings(), [`2 ${A}`]);
});

test('RFC 5648 section 6.2: O removes all bindings, then registers', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A), bid(2, B)] });
  const { changes, reply } = agent.send({ flags: OVERWRITE, options: [bid(3, C)] });
  t.is(reply?.status, 0);
  t.deepEqual(changesOf({ changes }), [
    `binding-removed 1 ${A}`,
    `binding-removed 2 ${B}`,
    `binding-added 3 ${C}`,
  ]);
  // What is gone is not known.
  t.is(agent.send({ flags: OVERWRITE, options: [bid(3), bid(4, A)] }).reply?.status, 4);
  t.deepEqual(agent.bindings(), [`4 ${A}`]);
});

test('a message with O that is refused removes nothing', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A)] });
  t.is(agent.send({ flags: OVERWRITE, options: [bid(2)] }).reply?.status, 167);
  t.deepEqual(agent.bindings(), [`1 ${A}`]);
});

test('RFC 5648 section 6.2: 165 for a BID beside a binding without one, unless O is set', (t) => {
  const agent = new TestAgent();
  agent.send();
  const { reply, outcome } = agent.send({ options: [bid(1, B)] });
  t.is(reply?.status, 165);
  t.deepEqual(reply?.bids, [[1, 0]]);
  t.is(outcome, 'plain-binding-exists');
  t.deepEqual(agent.bindings(), [`0 ${A}`]);
  t.is(agent.send({ flags: OVERWRITE, options: [bid(1, B)] }).reply?.status, 0);
  t.deepEqual(agent.bindings(), [`1 ${B}`]);
});

test('RFC 5648 section 6.2: a message without BID replaces all, and removes all', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A), bid(2, B)] });
  const { changes, reply } = agent.send({ source: C });
  t.deepEqual(reply?.bids, []);
  t.deepEqual(changesOf({ changes }), [
    `binding-removed 1 ${A}`,
    `binding-removed 2 ${B}`,
    `binding-added 0 ${C}`,
  ]);
  agent.send({ flags: OVERWRITE, options: [bid(1, A), bid(2, B)] });
  agent.send({ lifetime: 0 });
  t.deepEqual(agent.bindings(), []);
});

test('RFC 5648 section 6.2: lifetime 0 removes the BIDs that are named, 133 for one that is not known; O does not count', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A), bid(2, B), bid(3, C)] });
  const some = agent.send({ lifetime: 0, flags: OVERWRITE, options: [bid(1), bid(7)] });
  t.is(some.outcome, 'deregistered');
  t.like(some.reply?.message, { status: 4, lifetime: 0 });
  t.deepEqual(some.reply?.bids, [
    [1, 0],
    [7, 133],
  ]);
  t.deepEqual(changesOf(some), [`binding-removed 1 ${A}`]);
  t.is(agent.send({ lifetime: 0, options: [bid(7)] }).outcome, 'no-binding');
  t.deepEqual(agent.bindings(), [`2 ${B}`, `3 ${C}`]);
  const last = agent.send({ lifetime: 0, options: [bid(2), bid(3)] });
  t.is(last.reply?.status, 0);
  t.deepEqual(changesOf(last).at(-1), 'prefixes-changed');
});

test('RFC 5648 section 6.2: 168 where bulk registration is refused, one binding alone is not', (t) => {
  const agent = new TestAgent({ bulk: 'refused' });
  const { reply } = agent.send({ options: [bid(1, A), bid(2, B)] });
  t.is(reply?.status, 168);
  t.deepEqual(reply?.bids, [
    [1, 0],
    [2, 0],
  ]);
  t.is(agent.send({ options: [bid(1, A)] }).reply?.status, 0);
  t.is(agent.send({ options: [bid(2, B)] }).reply?.status, 0);
  t.deepEqual(agent.bindings(), [`1 ${A}`, `2 ${B}`]);
});

test('RFC 5648 section 6.2: 166 where several care-of addresses are prohibited, a plain binding is not', (t) => {
  const agent = new TestAgent({ severalCareOf: 'prohibited' });
  t.is(agent.send({ options: [bid(1, A)] }).reply?.status, 166);
  t.is(agent.send().reply?.status, 0);
});

test('a router has no more bindings than it may: 130 for the next', (t) => {
  const agent = new TestAgent();
  const { reply } = agent.send({ options: [1, 2, 3, 4].map((number) => bid(number, A)) });
  t.deepEqual(reply?.bids.at(-1), [4, 130]);
  t.is(agent.send({ options: [bid(4, B)] }).reply?.status, 130);
  t.is(agent.send({ options: [bid(3, B)] }).reply?.status, 0);
  const many = Array.from({ length: 129 }, (_, at) => bid(at + 1));
  t.is(agent.send({ options: many }).reply?.status, 164);
  t.is(agent.send({ options: many.slice(1) }).reply?.bids.length, 128);
});

test('RFC 5648 section 6.3: a binding at home beside those abroad is answered with 5', (t) => {
  const agent = new TestAgent();
  const both = agent.send({ options: [bid(1, A), bid(2, HOME, AT_HOME)] });
  t.is(both.reply?.status, 5);
  t.is(both.outcome, 'registered');
  t.deepEqual(both.reply?.bids, [
    [1, 0],
    [2, 0],
  ]);
  t.deepEqual(agent.bindings(), [`1 ${A}`, `2 ${HOME}`]);
  t.is(agent.send({ options: [bid(2)] }).reply?.status, 5);
  t.is(agent.send({ options: [bid(1)] }).reply?.status, 0);
});

test('RFC 5648 section 5.6.3: H is for the home address as care-of address, and for one binding', (t) => {
  const agent = new TestAgent();
  t.is(agent.send({ options: [bid(1, A, AT_HOME)] }).reply?.status, 164);
  t.is(agent.send({ options: [bid(1, undefined, AT_HOME)] }).reply?.status, 167);
  agent.send({ options: [bid(1, A), bid(2, HOME, AT_HOME)] });
  t.is(agent.send({ options: [bid(1, undefined, AT_HOME)] }).reply?.status, 164);
  t.is(agent.send({ options: [bid(3, HOME, AT_HOME)] }).reply?.status, 164);
  // RFC 5648 section 5.6.5: leaving home.
  t.deepEqual(changesOf(agent.send({ options: [bid(2, B)] })), [`binding-changed 2 ${HOME} > ${B}`]);
  t.is(agent.send({ options: [bid(1, HOME, AT_HOME)] }).reply?.status, 5);
});

test('RFC 5648 section 5.6.3: with H the home address is a care-of address, no end of the registration', (t) => {
  const agent = new TestAgent();
  const message = { source: HOME, homeAddress: undefined, options: [bid(1, HOME, AT_HOME)] };
  const { reply, outcome } = agent.send(message);
  t.is(outcome, 'registered');
  t.is(reply?.packet.routing, undefined);
  t.deepEqual(agent.bindings(), [`1 ${HOME}`]);
});

test('RFC 5648 section 5.6.3: a router at home says where it is on the link', (t) => {
  const agent = new TestAgent();
  const mac = (text: string, code = 2) =>
    ({ type: 'link-layer-address', code, mac: MacAddress.parse(text) }) as const;
  const where = () =>
    agent.registrar
      .registration(HOME)
      ?.bindings.map(({ bid: number, linkAddress }) => `${number} ${linkAddress}`);
  agent.send({ options: [bid(1, A), bid(2, HOME, AT_HOME), mac('02:00:00:00:00:01')] });
  t.deepEqual(where(), ['1 undefined', '2 02:00:00:00:00:01'], 'it is of the binding at home');
  agent.send({ options: [bid(2)] });
  t.deepEqual(where(), ['1 undefined', '2 02:00:00:00:00:01'], 'a refresh need not say it');
  t.deepEqual(
    changesOf(agent.send({ options: [bid(2, HOME, AT_HOME), mac('02:00:00:00:00:02')] })),
    [`binding-changed 2 ${HOME} > ${HOME}`],
    'another one is another way',
  );
  agent.send({ options: [bid(2, HOME, AT_HOME), mac('33:33:00:00:00:01'), mac('02:00:00:00:00:03', 1)] });
  t.deepEqual(
    where(),
    ['1 undefined', '2 02:00:00:00:00:02'],
    'multicast and the address of others are none',
  );
  agent.restart(JSON.parse(JSON.stringify(agent.registrar.save(agent.now))));
  t.deepEqual(where(), ['1 undefined', '2 02:00:00:00:00:02'], 'it outlives the daemon');
  agent.send({ options: [bid(2, B)] });
  t.deepEqual(where(), ['1 undefined', '2 undefined'], 'away it is nowhere');
});

test('RFC 5648 section 6.2: 169 where being at home and abroad at once is refused', (t) => {
  const agent = new TestAgent({ homeAndForeign: 'refused' });
  const { reply } = agent.send({ options: [bid(1, A), bid(2, HOME, AT_HOME)] });
  t.is(reply?.status, 4);
  t.deepEqual(reply?.bids, [
    [1, 0],
    [2, 169],
  ]);
  t.is(agent.send({ options: [bid(2, HOME, AT_HOME)] }).outcome, 'home-and-foreign-prohibited');
});

test('RFC 5648 section 4.1: one number for all bindings of a router', (t) => {
  const agent = new TestAgent();
  agent.send({ sequence: 100, options: [bid(1, A)] });
  t.is(agent.send({ sequence: 50, options: [bid(2, B)] }).reply?.message.sequence, 100);
});

test('a care-of address of another router is refused, as long as that one has it', (t) => {
  const agent = new TestAgent({}, [ROUTER, OTHER]);
  agent.send({ lifetime: 60, options: [bid(1, A), bid(2, B)] });
  const sent = { homeAddress: OTHER.homeAddress, source: C };
  t.is(agent.send({ ...sent, options: [bid(1, A)] }).outcome, 'prohibited');
  t.deepEqual(agent.send({ ...sent, options: [bid(1, C), bid(2, B)] }).reply?.bids, [
    [1, 0],
    [2, 129],
  ]);
  // Neither by its source nor beside it.
  t.is(agent.send({ ...sent, source: A }).reply?.status, 129);
  const alternate = { type: 'alternate-care-of', address: A } as const;
  t.is(agent.send({ ...sent, options: [alternate] }).reply?.status, 129);
  t.deepEqual(agent.bindings(OTHER.homeAddress), [`1 ${C}`]);
  t.deepEqual(agent.bindings(), [`1 ${A}`, `2 ${B}`]);

  agent.send({ options: [bid(1, D)] });
  t.is(agent.send({ ...sent, options: [bid(3, A)] }).outcome, 'registered');
  t.is(agent.send({ options: [bid(1, A)] }).outcome, 'prohibited');
  agent.wait(60);
  agent.registrar.expire(agent.now);
  t.is(agent.send({ options: [bid(1, A), bid(2, C)] }).outcome, 'registered');
});

test('an address that the file gives another router is refused, also where it was registered before', (t) => {
  const agent = new TestAgent({ fixedCareOf: [A] });
  t.is(agent.send({ options: [bid(1, A)] }).outcome, 'prohibited');
  t.is(agent.send({ options: [bid(1, B)] }).outcome, 'registered');
  agent.registrar.reconfigure({ fixedCareOf: [B] }, [ROUTER], agent.now);
  t.deepEqual(agent.bindings(), []);
});

test('of two routers that were saved with one address the first has it', (t) => {
  const saved = (homeAddress: Address) => {
    const agent = new TestAgent({}, [ROUTER, OTHER]);
    agent.send({ homeAddress, options: [bid(1, A)] });
    return agent.registrar.record(homeAddress, agent.now);
  };
  const agent = new TestAgent({}, [ROUTER, OTHER], {
    version: 1,
    routers: [saved(HOME), saved(OTHER.homeAddress)],
  });
  t.deepEqual(agent.bindings(), [`1 ${A}`]);
  t.deepEqual(agent.bindings(OTHER.homeAddress), []);
});
