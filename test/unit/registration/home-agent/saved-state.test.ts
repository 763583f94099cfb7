import test from 'ava';
import { Address, ntpTimestamp } from '../../../../src/mobility/index.js';
import type { RouterRecord, SavedState } from '../../../../src/registration/home-agent/index.js';
import { RegistrationError } from '../../../../src/registration/registration-error.js';
import {
  A,
  B,
  bid,
  C,
  changesOf,
  HOME,
  KEY,
  network,
  ROUTER,
  TestAgent,
} from '../../../support/home-registration.js';

const ANY = {
  source: undefined,
  destination: undefined,
  spi: undefined,
  dscp: undefined,
  protocol: undefined,
};
const FLOW = {
  type: 'flow-identification',
  fid: 5,
  priority: 20,
  status: 0,
  bids: [2, 1],
  selector: {
    ...ANY,
    type: 'ipv6',
    flowLabel: undefined,
    sourcePort: { low: 1, high: 9 },
    destinationPort: { low: 53, high: 53 },
  },
  others: [],
} as const;
const EXPLICIT = network('2001:db8:77:1::/64');

function registered(): TestAgent {
  const agent = new TestAgent();
  agent.send({ sequence: 500, lifetime: 600, options: [bid(1, A, { priority: 3 }), EXPLICIT] });
  agent.send({ sequence: 501, lifetime: 100, options: [bid(2, B), EXPLICIT, FLOW] });
  return agent;
}

/** As it comes back from a file. */
function stored(value: unknown): SavedState {
  return JSON.parse(JSON.stringify(value)) as SavedState;
}

function shown(agent: TestAgent): unknown {
  return stored(agent.registrar.registration(HOME));
}

test('what was saved is there again', (t) => {
  const agent = registered();
  const before = shown(agent);
  const saved = stored(agent.registrar.save(agent.now));
  const next = agent.registrar.nextEvent();
  agent.restart(saved);
  t.deepEqual(shown(agent), before);
  t.is(agent.registrar.nextEvent(), next);
  t.deepEqual(
    [...agent.registrar.registrations()].map(([router]) => router),
    [ROUTER],
  );
  t.deepEqual(
    changesOf(agent.send({ options: [bid(2), EXPLICIT, { type: 'flow-summary', fids: [5] }] })),
    [],
  );
});

test('RFC 6275 section 9.5.1 and RFC 4285 section 6: numbers and timestamps are kept, also without bindings', (t) => {
  const agent = registered();
  const packet = agent.packet({ sequence: 502, options: [bid(3, C)] });
  agent.wait(0.1);
  agent.send({ sequence: 503, lifetime: 0 });
  agent.restart(stored(agent.registrar.save(agent.now)));
  t.is(agent.take(packet).outcome, 'replayed');
  const bound = registered();
  bound.restart(stored(bound.registrar.save(bound.now)));
  t.is(bound.send({ sequence: 501, options: [bid(1)] }).reply?.message.sequence, 501);
});

test('the time in between has gone by for all bindings', (t) => {
  const agent = registered();
  const end = agent.registrar.registration(HOME)?.bindings[0]?.end;
  const saved = stored(agent.registrar.save(agent.now));
  agent.wait(150);
  agent.restart(saved);
  t.deepEqual(agent.bindings(), [`1 ${A}`]);
  t.is(agent.registrar.registration(HOME)?.bindings[0]?.end, end);
  agent.wait(450);
  agent.restart(saved);
  t.deepEqual(agent.bindings(), []);
  t.deepEqual(agent.prefixes(), []);
  t.is(agent.registrar.nextEvent(), undefined);
  t.is(agent.registrar.record(HOME, agent.now).sequence, 501);
});

test('a clock that has jumped back gives no binding more time than it had', (t) => {
  const agent = registered();
  agent.wait(40);
  const saved = stored(agent.registrar.save(agent.now));
  agent.jump(-86_400);
  agent.restart(saved);
  const [first, second] = agent.registrar.registration(HOME)?.bindings ?? [];
  t.is(first?.end, agent.now.monotonic + 559_800);
  t.is(second?.end, agent.now.monotonic + 60_000);
});

test('a record for each router: the last one of a home address holds', (t) => {
  const agent = registered();
  const saved = stored(agent.registrar.save(agent.now));
  const journal: RouterRecord[] = [...saved.routers];
  for (const sent of [{ options: [bid(1, C)] }, { lifetime: 0, options: [bid(2)] }]) {
    const { recorded, router } = agent.send(sent);
    t.true(recorded);
    journal.push(agent.registrar.record(router?.homeAddress ?? A, agent.now));
  }
  const before = shown(agent);
  agent.restart(stored({ ...saved, routers: journal }));
  t.deepEqual(shown(agent), before);
  agent.registrar.reconfigure({}, [], agent.now);
  journal.push(agent.registrar.record(HOME, agent.now));
  agent.restart(stored({ ...saved, routers: journal }));
  t.deepEqual(agent.bindings(), []);
  t.is(agent.registrar.nextEvent(), undefined);
});

test('a router of which nothing is known is not saved', (t) => {
  const agent = new TestAgent();
  agent.send({ key: null });
  t.deepEqual(stored(agent.registrar.save(agent.now)), { version: 1, routers: [] });
  t.deepEqual(stored(agent.registrar.record(HOME, agent.now)), {
    homeAddress: String(HOME),
    at: String(agent.now.real),
    mobileRouter: false,
    prefixes: [],
    implicit: false,
    bindings: [],
    flows: [],
  });
});

test('what is not authorised any more is not restored', (t) => {
  const agent = registered();
  const saved = stored(agent.registrar.save(agent.now));
  agent.restart(saved, {}, []);
  t.deepEqual([...agent.registrar.registrations()], []);
  agent.restart(saved, { longestLifetime: 60 }, [{ ...ROUTER, prefixes: [], mostBindings: 1 }]);
  t.deepEqual(agent.bindings(), [`1 ${A}`]);
  t.deepEqual(agent.prefixes(), []);
  t.is(agent.registrar.registration(HOME)?.bindings[0]?.end, agent.now.monotonic + 60_000);
  agent.restart(saved, {}, [{ ...ROUTER, key: undefined }]);
  t.deepEqual(agent.bindings(), []);
});

test('without names all that is authorised then is in use', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A)] });
  const saved = stored(agent.registrar.save(agent.now));
  t.like(saved.routers[0], { implicit: true, prefixes: [] });
  agent.restart(saved);
  t.deepEqual(agent.prefixes(), ROUTER.prefixes.map(String));
});

test('no key is in what is saved', (t) => {
  const text = JSON.stringify(registered().registrar.save(new TestAgent().now));
  t.false(text.includes(Buffer.from(KEY.key).toString('hex')));
  t.false(text.includes(Buffer.from(KEY.key).toString('base64')));
  t.false(/key|spi/i.test(text));
});

test('what was not saved so is refused by name, and nothing of it is used', (t) => {
  const agent = registered();
  const saved = stored(agent.registrar.save(agent.now));
  const [record] = saved.routers;
  const [binding, second] = record?.bindings ?? [];
  const good = { ...record, homeAddress: '2001:db8::5' };
  const wrong: [unknown, RegExp][] = [
    [null, /the state/],
    [[], /the state/],
    [{ version: 2, routers: [] }, /version/],
    [{ ...saved, more: 1 }, /more/],
    [{ ...saved, routers: 5 }, /routers/],
  ];
  const changed: [object, RegExp][] = [
    [{ homeAddress: 'home' }, /home/],
    [{ homeAddress: '10.0.0.1' }, /IPv6/],
    [{ at: '-1' }, /at/],
    [{ at: 5 }, /at/],
    [{ sequence: 65_536 }, /sequence/],
    [{ sequence: undefined }, /sequence/],
    [{ timestamp: 'now' }, /timestamp/],
    [{ prefixes: ['2001:db8::1/64'] }, /host bits/],
    [{ flows: ['00'] }, /flows/],
    [{ flows: ['3b00000000000000'] }, /not complete/],
    [{ flows: ['3b05000000000000'] }, /bytes/],
    [{ flows: [record?.flows[0], record?.flows[0]] }, /twice/],
    [{ bindings: [binding, binding] }, /twice/],
    [{ bindings: [{ ...binding, bid: 0 }, second] }, /alone/],
    [{ bindings: [{ ...binding, bid: 65_536 }] }, /bid/],
    [{ bindings: [{ ...binding, careOf: '192.0.2.1' }] }, /IPv6/],
    [{ bindings: [{ ...binding, priority: 128 }] }, /priority/],
    [{ bindings: [{ ...binding, lifetime: 6 }] }, /lifetime/],
    [{ bindings: [{ ...binding, left: 600_001 }] }, /left/],
    [{ bindings: [{ ...binding, left: -1 }] }, /left/],
    [{ bindings: [{ ...binding, more: 1 }] }, /more/],
  ];
  for (const [change, message] of changed) {
    wrong.push([{ ...saved, routers: [good, { ...record, ...change }] }, message]);
    const error = t.throws(
      () => new TestAgent({}, [ROUTER], { ...saved, routers: [{ ...record, ...change }] }),
    );
    t.true(error.message.startsWith('record 1 '), error.message);
  }
  for (const [state, message] of wrong) {
    const error = t.throws(() => new TestAgent({}, [ROUTER], state), {
      instanceOf: RegistrationError,
      code: 'REGISTRATION_STATE_INVALID',
      message,
    });
    t.false(error.message.includes('undefined'));
  }
  t.is(new TestAgent({}, [ROUTER], { ...saved, routers: [good] }).bindings().length, 0);
});

test('a timestamp keeps all its bits', (t) => {
  const agent = new TestAgent();
  const timestamp = ntpTimestamp(agent.now.real) + 12_345_678_901n;
  agent.send({ timestamp });
  t.is(agent.registrar.record(HOME, agent.now).timestamp, String(timestamp));
  const other = Address.parse('2001:db8::1');
  t.is(agent.registrar.record(other, agent.now).homeAddress, String(other));
});
