import test from 'ava';
import { Address } from '../../../../src/mobility/index.js';
import {
  A,
  AGENT,
  B,
  bid,
  changesOf,
  HOME,
  NETWORK,
  network,
  ROUTER,
  TestAgent,
} from '../../../support/home-registration.js';

const HOST = ['acknowledge', 'home'] as const;

test('RFC 3963 section 6.2: without prefixes a mobile router has all that it is authorised for', (t) => {
  const agent = new TestAgent();
  const { reply, changes } = agent.send();
  t.is(reply?.status, 0);
  t.deepEqual(reply?.message.flags, ['mobile-router']);
  t.deepEqual(changesOf({ changes }), [`binding-added 0 ${A}`, `prefixes-changed ${NETWORK}`]);
});

test('RFC 3963 section 6.2: 143 where the home agent knows no prefix of the router', (t) => {
  const agent = new TestAgent({}, [{ ...ROUTER, prefixes: [] }]);
  const { reply, outcome } = agent.send();
  t.is(reply?.status, 143);
  t.is(outcome, 'prefix-unknown');
  t.is(agent.send({ options: [network('2001:db8:77::/48')] }).reply?.status, 142);
  t.is(agent.send({ flags: HOST }).reply?.status, 0);
});

test('RFC 3963 section 6.2: prefixes that are named are those in use, and what is not named again goes', (t) => {
  const agent = new TestAgent();
  const [one, other] = ['2001:db8:77:1::/64', '2001:db8:77:2::/64'] as const;
  const first = agent.send({ options: [network(one), network(other), network(one)] });
  t.deepEqual(changesOf(first), [`binding-added 0 ${A}`, `prefixes-changed ${one} ${other}`]);
  t.deepEqual(changesOf(agent.send({ options: [network(other)] })), [`prefixes-changed ${other}`]);
  t.deepEqual(agent.prefixes(), [other]);
  t.deepEqual(changesOf(agent.send()), [`prefixes-changed ${NETWORK}`]);
});

test('RFC 3963 section 6.2: one prefix that is not authorised refuses all with 142', (t) => {
  const agent = new TestAgent();
  agent.send();
  for (const text of ['2001:db8:78::/64', '2001:db8:76::/47']) {
    const { reply, outcome, changes } = agent.send({
      source: B,
      options: [network('2001:db8:77:1::/64'), network(text)],
    });
    t.is(reply?.status, 142, text);
    t.is(outcome, 'prefix-unauthorised');
    t.deepEqual(changes, []);
  }
  t.deepEqual(agent.bindings(), [`0 ${A}`]);
  t.deepEqual(agent.prefixes(), [String(NETWORK)]);
});

test('RFC 3963 section 6.2: a prefix that can be no mobile network draws 141', (t) => {
  const agent = new TestAgent();
  for (const text of ['::/0', 'fe80::/64', 'ff00::/8', `${AGENT}/128`, '2001:db8:ffff::/48']) {
    t.is(agent.send({ options: [network(text)] }).reply?.status, 141, text);
  }
  t.deepEqual(agent.bindings(), []);
});

test('RFC 3963 section 6.2: R without H draws 140', (t) => {
  const { reply, outcome } = new TestAgent().send({ flags: ['acknowledge', 'mobile-router'] });
  t.is(reply?.status, 140);
  t.is(outcome, 'router-prohibited');
});

test('RFC 3963 section 6.2: R that is not that of the binding draws 139, but not when it is removed', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A)] });
  t.is(agent.send({ flags: HOST, options: [bid(2, B)] }).reply?.status, 139);
  t.is(agent.send({ flags: HOST }).reply?.status, 139);
  t.deepEqual(agent.bindings(), [`1 ${A}`]);
  // RFC 5648 section 6.2: O removes the bindings that would have to be of the same kind.
  const flags = [...HOST, 'overwrite'] as const;
  const { reply, changes } = agent.send({ flags, options: [bid(2, B)] });
  t.is(reply?.status, 0);
  t.deepEqual(changesOf({ changes }), [`binding-removed 1 ${A}`, `binding-added 2 ${B}`, 'prefixes-changed']);
  t.is(agent.send({ lifetime: 0 }).outcome, 'deregistered');
});

test('RFC 3963 section 6.2: a host has no prefixes, and those that it names do not count', (t) => {
  const agent = new TestAgent();
  const { reply } = agent.send({ flags: HOST, options: [network('2001:db8:1::/64')] });
  t.is(reply?.status, 0);
  t.deepEqual(reply?.message.flags, []);
  t.deepEqual(agent.prefixes(), []);
});

test('RFC 3963 section 6.2: prefixes do not count where bindings are removed', (t) => {
  const agent = new TestAgent();
  agent.send({ options: [bid(1, A), bid(2, B)] });
  const options = [bid(1), network('2001:db8:1::/64')];
  t.is(agent.send({ lifetime: 0, options }).reply?.status, 0);
  t.deepEqual(agent.prefixes(), [String(NETWORK)]);
  t.is(agent.send({ lifetime: 0, options: [bid(2)] }).outcome, 'deregistered');
  t.deepEqual(agent.prefixes(), []);
});

test('prefixes are not registered when the care-of address is refused', (t) => {
  const agent = new TestAgent();
  t.is(agent.send({ source: Address.parse('2001:db8:77::1') }).reply?.status, 174);
  t.deepEqual(agent.registrar.registration(HOME)?.prefixes, []);
});
