import test from 'ava';
import { Address, encodeMobilityPacket, Prefix } from '../../../../src/mobility/index.js';
import { OUTCOMES } from '../../../../src/registration/home-agent/index.js';
import { RegistrationError } from '../../../../src/registration/registration-error.js';
import {
  A,
  AGENT,
  B,
  bid,
  changesOf,
  HOME,
  NETWORK,
  ROUTER,
  received,
  type Sent,
  TestAgent,
} from '../../../support/home-registration.js';

test('RFC 6275 section 9.2: a message with a wrong checksum is dropped, whatever it says', (t) => {
  const agent = new TestAgent();
  const packet = agent.packet();
  t.like(agent.take({ ...packet, checksum: 'wrong' }), { outcome: 'checksum', answer: undefined });
  t.deepEqual(agent.bindings(), []);
  t.is(agent.take(packet).outcome, 'registered');
});

test('RFC 6275 section 9.2: a type that is not known is answered with Binding Error 2, ten at once', (t) => {
  const agent = new TestAgent();
  const packet = (number: number, homeAddress?: Address) =>
    received(
      encodeMobilityPacket(
        { source: A, destination: AGENT, homeAddress },
        { type: 'other', number, data: new Uint8Array(10) },
      ),
    );
  const { answer, outcome } = agent.registrar.receive(packet(99, HOME), agent.now);
  t.is(outcome, 'unknown-type');
  const error = received(answer?.packet ?? new Uint8Array());
  t.is(error.checksum, 'right');
  t.is(error.routing, undefined);
  t.true(error.destination.equals(A));
  t.is(error.header[2], 7);
  t.is(error.header[6], 2);
  t.deepEqual(error.header.slice(8, 24), HOME.toBytes());
  const more = Array.from({ length: 20 }, () => agent.registrar.receive(packet(1), agent.now).answer);
  t.is(more.filter((one) => one !== undefined).length, 9);
  agent.wait(1);
  const other = agent.registrar.receive(packet(99), agent.now).answer;
  t.deepEqual(received(other?.packet ?? new Uint8Array()).header.slice(8, 24), new Uint8Array(16));
});

test('messages that home agents send are not for them', (t) => {
  const agent = new TestAgent();
  for (const message of [
    { type: 'binding-refresh-request', options: [] },
    { type: 'binding-acknowledgement', status: 0, flags: [], sequence: 0, lifetime: 0, options: [] },
    { type: 'binding-error', status: 1, homeAddress: HOME, options: [] },
  ] as const) {
    const packet = received(encodeMobilityPacket({ source: A, destination: AGENT }, message));
    t.like(agent.take(packet), { outcome: 'other-message', answer: undefined });
  }
});

test('a packet to another address, from no address that can be answered, for a stranger: no answer', (t) => {
  const agent = new TestAgent({ unauthenticated: 'accepted' });
  t.like(agent.send({ destination: B }), { outcome: 'not-for-us', answer: undefined });
  for (const source of ['ff02::1', 'fe80::1', '::1', '::ffff:1.2.3.4', String(AGENT)]) {
    const reception = agent.send({ source: Address.parse(source) });
    t.like(reception, { outcome: 'source-invalid', answer: undefined }, source);
  }
  t.like(agent.send({ homeAddress: B }), { outcome: 'unknown-router', answer: undefined, router: undefined });
  t.deepEqual([...agent.registrar.registrations()], []);
});

test('RFC 6275 section 6.1: a Binding Update has no type 2 routing header', (t) => {
  const agent = new TestAgent();
  const routing = { address: AGENT, segmentsLeft: 0 } as const;
  t.is(agent.take({ ...agent.packet(), routing }).outcome, 'malformed');
});

test('what cannot be decoded is dropped without an answer', (t) => {
  const agent = new TestAgent();
  const packet = agent.packet();
  for (const length of [0, 3, 8, 12, 20]) {
    const header = packet.header.subarray(0, length);
    t.like(agent.take({ ...packet, header }), { answer: undefined, changes: [] }, `${length}`);
  }
  t.is(agent.take({ ...packet, header: packet.header.subarray(0, 20) }).outcome, 'malformed');
});

test('RFC 6275 section 9.5.4: the answer goes to the source, with a type 2 routing header to the home address', (t) => {
  const agent = new TestAgent();
  const { reply, outcome, router } = agent.send({ options: [bid(1, A)] });
  t.is(outcome, 'registered');
  t.is(router, ROUTER);
  t.true(reply?.packet.source.equals(AGENT));
  t.true(reply?.packet.destination.equals(A));
  t.is(reply?.packet.routing?.address.toString(), HOME.toString());
  t.is(reply?.packet.homeAddress, undefined);
  t.like(reply?.message, { status: 0, sequence: 1, lifetime: 60, flags: ['mobile-router'] });
});

test('RFC 6275 section 9.5.4: a router at home is answered without routing header', (t) => {
  const agent = new TestAgent();
  agent.send();
  const { reply, outcome, changes } = agent.send({ source: HOME, homeAddress: undefined, lifetime: 0 });
  t.is(outcome, 'deregistered');
  t.is(reply?.packet.routing, undefined);
  t.true(reply?.packet.destination.equals(HOME));
  t.deepEqual(changesOf({ changes }), [`binding-removed 0 ${A}`, 'prefixes-changed']);
});

test('RFC 6275 section 9.5.4: without A only what was not done is answered', (t) => {
  const agent = new TestAgent();
  const flags = ['home', 'mobile-router'] as const;
  t.like(agent.send({ flags, options: [bid(1, A)] }), { outcome: 'registered', answer: undefined });
  t.is(agent.send({ flags, options: [bid(2)] }).reply?.status, 167);
  t.is(agent.send({ flags, options: [bid(1), bid(2)] }).reply?.status, 4);
});

test('RFC 6275 section 9.5.1: numbers after the last one modulo 2^16 are accepted, others draw 135 with it', (t) => {
  const agent = new TestAgent();
  t.is(agent.send({ sequence: 65_000 }).reply?.status, 0);
  for (const sequence of [65_000, 64_999, 32_232, 40_000]) {
    const { reply, outcome, recorded, changes } = agent.send({ sequence, source: B });
    t.is(outcome, 'sequence', `${sequence}`);
    t.like(reply?.message, { status: 135, sequence: 65_000, lifetime: 0 });
    t.true(reply?.isSigned);
    t.false(recorded);
    t.deepEqual(changes, []);
    agent.wait(5);
  }
  t.is(agent.send({ sequence: 65_001 }).reply?.message.sequence, 65_001);
  // 32767 further, over the end of the numbers.
  t.is(agent.send({ sequence: (65_001 + 32_767) % 65_536 }).reply?.status, 0);
  t.is(agent.send({ sequence: 65_001 }).reply?.status, 135);
});

test('RFC 6275 section 9.5.1: a router that lost its number takes ours and goes on', (t) => {
  const agent = new TestAgent();
  agent.send({ sequence: 9000, options: [bid(1, A)] });
  const { reply } = agent.send({ sequence: 1, options: [bid(1, B)] });
  t.is(reply?.status, 135);
  // RFC 5648 section 6.2: without its BID in the answer the router would think that we know none.
  t.deepEqual(reply?.bids, [[1, 0]]);
  const sequence = (reply?.message.sequence ?? 0) + 1;
  t.is(agent.send({ sequence, options: [bid(1, B)] }).outcome, 'registered');
  t.deepEqual(agent.bindings(), [`1 ${B}`]);
});

test('RFC 6275 section 9.5.1: without bindings any number is accepted, unless nothing else tells that it is new', (t) => {
  const agent = new TestAgent();
  agent.send({ sequence: 9000 });
  agent.send({ sequence: 9001, lifetime: 0 });
  t.is(agent.send({ sequence: 5 }).outcome, 'registered');
  const lax = new TestAgent({ replayProtection: 'optional' });
  lax.send({ sequence: 9000, timestamp: null });
  lax.send({ sequence: 9001, lifetime: 0, timestamp: null });
  t.is(lax.send({ sequence: 5, timestamp: null }).reply?.message.sequence, 9001);
  const open = new TestAgent({ unauthenticated: 'accepted' }, [{ ...ROUTER, key: undefined }]);
  open.send({ sequence: 9000, key: null });
  t.is(open.send({ sequence: 5, key: null }).outcome, 'sequence');
  open.send({ sequence: 9001, lifetime: 0, key: null });
  t.is(open.send({ sequence: 5, key: null }).outcome, 'registered');
});

test('RFC 6275 section 9.1: the number of a message that was refused counts, too', (t) => {
  const agent = new TestAgent();
  agent.send({ sequence: 10 });
  const refused = agent.send({ sequence: 20, source: Address.parse('2001:db8:77::9') });
  t.like(refused, { outcome: 'care-of-invalid', recorded: true });
  t.is(agent.send({ sequence: 15 }).reply?.message.sequence, 20);
});

test('RFC 6275 section 9.5.1: a lifetime is cut to the longest', (t) => {
  const agent = new TestAgent({ longestLifetime: 100 });
  t.is(agent.send({ lifetime: 96 }).reply?.message.lifetime, 96);
  t.is(agent.send({ lifetime: 104 }).reply?.message.lifetime, 100);
  const [binding] = agent.registrar.registration(HOME)?.bindings ?? [];
  t.like(binding, { lifetime: 100, end: agent.now.monotonic + 100_000 });
});

test('RFC 6275 section 9.5.1: H that is not set is no home registration: 129, or 139 where there is one', (t) => {
  const agent = new TestAgent();
  t.is(agent.send({ flags: ['acknowledge'] }).reply?.status, 129);
  agent.send({ flags: ['acknowledge', 'home'] });
  t.is(agent.send({ flags: ['acknowledge'], source: B }).reply?.status, 139);
  t.deepEqual(agent.bindings(), [`0 ${A}`]);
});

test('RFC 5213 section 6.9.1: registrations by proxies are refused with 152', (t) => {
  const { reply, outcome } = new TestAgent().send({ flags: ['acknowledge', 'home', 'proxy'] });
  t.is(reply?.status, 152);
  t.is(outcome, 'proxy');
});

test('RFC 6275 section 9.5.1: the care-of address is the source or that of the Alternate Care-of Address option', (t) => {
  const agent = new TestAgent();
  agent.send({ source: A });
  t.deepEqual(agent.bindings(), [`0 ${A}`]);
  agent.send({ source: A, options: [{ type: 'alternate-care-of', address: B }] });
  t.deepEqual(agent.bindings(), [`0 ${B}`]);
  // RFC 5648 section 5.2: beside a Binding Identifier it does not count.
  agent.send({ options: [bid(1, A, {}), { type: 'alternate-care-of', address: B }], flags: ALL });
  t.deepEqual(agent.bindings(), [`1 ${A}`]);
});
const ALL = ['acknowledge', 'home', 'mobile-router', 'overwrite'] as const;

test('RFC 6275 section 9.5.1: a care-of address that cannot be one draws 174', (t) => {
  const agent = new TestAgent({ homePrefixes: [Prefix.parse('2001:db8:ffff::/64')] }, [
    ROUTER,
    { ...ROUTER, name: 'tram', homeAddress: Address.parse('2001:db8:eeee::1') },
  ]);
  const wrong = ['ff0e::1', 'fe80::9', '::', '::ffff:1.2.3.4', '2001:db8:ffff::9', '2001:db8:77::9'];
  for (const text of [...wrong, String(AGENT), '2001:db8:eeee::1']) {
    const { reply } = agent.send({
      options: [{ type: 'alternate-care-of', address: Address.parse(text) }],
    });
    t.is(reply?.status, 174, text);
    t.is(reply?.message.lifetime, 0);
  }
  t.deepEqual(agent.bindings(), []);
  // Of another router's network: it may be there.
  t.is(agent.send({ source: Address.parse('2001:db8:78::9') }).outcome, 'registered');
  const strict = new TestAgent();
  const { outcome } = strict.send({ options: [{ type: 'alternate-care-of', address: AGENT }] });
  t.is(outcome, 'care-of-invalid');
});

test('RFC 6275 section 10.3.2: lifetime 0, or the home address as care-of address, removes; 133 where nothing is', (t) => {
  for (const end of [
    { lifetime: 0 },
    { options: [{ type: 'alternate-care-of', address: HOME } as const] },
    { source: HOME, homeAddress: undefined },
  ]) {
    const agent = new TestAgent();
    t.is(agent.send(end).reply?.status, 133);
    agent.send();
    const { reply, outcome, changes } = agent.send(end);
    t.is(outcome, 'deregistered');
    t.like(reply?.message, { status: 0, lifetime: 0 });
    t.deepEqual(changesOf({ changes }), [`binding-removed 0 ${A}`, 'prefixes-changed']);
    t.is(agent.registrar.nextEvent(), undefined);
  }
});

test('RFC 6275 section 9.2: an option that matters and is damaged is refused, one that does not is skipped', (t) => {
  const agent = new TestAgent({ unauthenticated: 'accepted' }, [{ ...ROUTER, key: undefined }]);
  // Lengths that these options cannot have.
  const damaged = (number: number) =>
    ({ type: 'other', number: 200, data: Uint8Array.of(number, 0, 0) }) as const;
  const status = (number: number, sent: Sent = {}) => {
    agent.wait(1);
    const options = [damaged(number), ...(sent.options ?? [])];
    const packet = agent.packet({ ...sent, key: null, timestamp: null, options });
    packet.header[12] = number;
    return agent.take(packet).reply?.status;
  };
  t.deepEqual(
    [3, 6, 35, 44].map((number) => status(number)),
    [174, 141, 164, 128],
  );
  t.is(status(4), 0);
  t.is(status(6, { flags: ['acknowledge', 'home'] }), 139);
  // Prefixes and addresses do not count where bindings are removed, flows do unless all are.
  const some = { lifetime: 0, options: [bid(1)] };
  const both = { options: [bid(1, A), bid(2, B)], flags: ALL };
  for (const number of [3, 6]) {
    t.is(status(4, both), 0);
    t.is(status(number, some), 0);
    t.is(status(44, { lifetime: 0, options: [bid(2)] }), 128);
    t.is(status(44, { lifetime: 0 }), 0);
  }
});

test('a router that sends more than ten messages a second is not looked at for a while', (t) => {
  const agent = new TestAgent();
  const outcomes: string[] = [];
  for (let count = 0; count < 30; count++) {
    agent.wait(0.001);
    outcomes.push(agent.take(agent.packet()).outcome);
  }
  t.is(outcomes.filter((outcome) => outcome === 'registered').length, 20);
  t.is(outcomes.at(-1), 'rate');
  agent.wait(0.2);
  t.is(agent.take(agent.packet()).outcome, 'registered');
});

test('a refresh is recorded and changes nothing for the kernel', (t) => {
  const agent = new TestAgent();
  t.deepEqual(changesOf(agent.send()), [`binding-added 0 ${A}`, `prefixes-changed ${NETWORK}`]);
  t.like(agent.send(), { changes: [], recorded: true });
  t.deepEqual(changesOf(agent.send({ source: B })), [`binding-changed 0 ${A} > ${B}`]);
});

test('settings and routers that cannot be are refused by name', (t) => {
  const wrong = (make: () => unknown, message: RegExp) =>
    t.throws(make, { instanceOf: RegistrationError, code: 'REGISTRATION_SETTINGS_INVALID', message });
  wrong(() => new TestAgent({ longestLifetime: 6 }), /lifetime 6/);
  wrong(() => new TestAgent({ longestLifetime: 0 }), /lifetime 0/);
  wrong(() => new TestAgent({ longestLifetime: 262_144 }), /lifetime 262144/);
  wrong(() => new TestAgent({ mostFlows: 101 }), /101/);
  wrong(() => new TestAgent({}, [ROUTER, { ...ROUTER, name: 'tram' }]), /bus and tram .*2001:db8:ffff::77/);
  wrong(() => new TestAgent({}, [{ ...ROUTER, mostBindings: 65 }]), /bus.* 65/);
  wrong(() => new TestAgent({}, [{ ...ROUTER, homeAddress: Address.parse('10.0.0.1') }]), /10\.0\.0\.1/);
  wrong(() => new TestAgent({}, [{ ...ROUTER, prefixes: [Prefix.parse('10.0.0.0/8')] }]), /IPv6 prefixes/);
  wrong(() => new TestAgent({}, [{ ...ROUTER, key: { spi: 255, key: new Uint8Array(16) } }]), /SPI/);
  wrong(() => new TestAgent({}, [{ ...ROUTER, key: { spi: 256, key: new Uint8Array(15) } }]), /16 bytes/);
});

test('every outcome has words', (t) => {
  for (const [name, text] of Object.entries(OUTCOMES)) t.true(text.length > 10, name);
});
