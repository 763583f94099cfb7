import test from 'ava';
import { Address, Prefix } from '../../../../src/mobility/index.js';
import {
  type AuthorisedRouter,
  DEFAULT_SETTINGS,
  type Reconfiguration,
  type RegistrarSettings,
} from '../../../../src/registration/home-agent/index.js';
import { RegistrationError } from '../../../../src/registration/registration-error.js';
import {
  A,
  B,
  bid,
  changesOf,
  HOME,
  NETWORK,
  network,
  ROUTER,
  TestAgent,
} from '../../../support/home-registration.js';

/** A router at home and abroad. */
function registered(): TestAgent {
  const agent = new TestAgent();
  agent.send({ lifetime: 600, options: [bid(1, A), bid(2, B), bid(3, HOME, { home: true })] });
  return agent;
}

function after(
  agent: TestAgent,
  settings: Partial<RegistrarSettings>,
  routers: AuthorisedRouter[] = [ROUTER],
) {
  const { changes, recorded }: Reconfiguration = agent.registrar.reconfigure(settings, routers, agent.now);
  return { changes: changesOf({ changes }), recorded: recorded.map(String) };
}

const GONE = [
  `binding-removed 1 ${A}`,
  `binding-removed 2 ${B}`,
  `binding-removed 3 ${HOME}`,
  'prefixes-changed',
];
const RECORDED = [String(HOME)];

test('what is as it was stays as it was', (t) => {
  const agent = registered();
  const next = agent.registrar.nextEvent();
  t.deepEqual(after(agent, {}), { changes: [], recorded: [] });
  t.deepEqual(after(agent, DEFAULT_SETTINGS), { changes: [], recorded: [] });
  t.is(agent.registrar.nextEvent(), next);
});

test('a router that is not there any more goes, and what was known of it', (t) => {
  const agent = registered();
  t.deepEqual(after(agent, {}, []), { changes: GONE, recorded: RECORDED });
  t.is(agent.registrar.nextEvent(), undefined);
  t.is(agent.send().outcome, 'unknown-router');
  t.deepEqual(after(agent, {}), { changes: [], recorded: [] });
  t.is(agent.send({ sequence: 1, options: [bid(1, A)] }).outcome, 'registered');
});

test('a router whose key is gone goes, one whose key is another stays', (t) => {
  const agent = registered();
  const key = { spi: 300, key: new Uint8Array(16).fill(9) };
  t.deepEqual(after(agent, {}, [{ ...ROUTER, key }]).changes, []);
  t.is(agent.send().outcome, 'key-unknown');
  t.deepEqual(after(agent, { unauthenticated: 'accepted' }, [{ ...ROUTER, key: undefined }]).changes, []);
  t.deepEqual(after(agent, {}, [{ ...ROUTER, key: undefined }]).changes, GONE);
});

test('prefixes that are not authorised any more go; without names all that are authorised are in use', (t) => {
  const agent = registered();
  const other = Prefix.parse('2001:db8:99::/48');
  t.deepEqual(after(agent, {}, [{ ...ROUTER, prefixes: [NETWORK, other] }]).changes, [
    `prefixes-changed ${NETWORK} ${other}`,
  ]);
  const [one, two] = ['2001:db8:77:1::/64', '2001:db8:77:2::/64'] as const;
  agent.send({ options: [bid(1), network(one), network(two)] });
  t.deepEqual(after(agent, {}, [{ ...ROUTER, prefixes: [Prefix.parse(two)] }]), {
    changes: [`prefixes-changed ${two}`],
    recorded: RECORDED,
  });
});

test('bindings that the settings do not allow any more go', (t) => {
  t.deepEqual(after(registered(), { severalCareOf: 'prohibited' }).changes, GONE);
  t.deepEqual(after(registered(), { homeAndForeign: 'refused' }).changes, [`binding-removed 3 ${HOME}`]);
  t.deepEqual(after(registered(), { homePrefixes: [Prefix.parse('2001:db8:a::/64')] }).changes, [
    `binding-removed 1 ${A}`,
  ]);
  t.deepEqual(after(registered(), {}, [{ ...ROUTER, mostBindings: 2 }]).changes, [
    `binding-removed 3 ${HOME}`,
  ]);
  const tram = { ...ROUTER, name: 'tram', homeAddress: B, prefixes: [] };
  t.deepEqual(after(registered(), {}, [ROUTER, tram]).changes, [`binding-removed 2 ${B}`]);
  const plain = new TestAgent();
  plain.send();
  t.deepEqual(after(plain, { severalCareOf: 'prohibited', bulk: 'refused' }).changes, []);
});

test('a longest lifetime holds from now on, flows are cut to their number', (t) => {
  const agent = registered();
  agent.wait(100);
  t.deepEqual(after(agent, { longestLifetime: 200, refreshRequests: 'none' }), {
    changes: [],
    recorded: RECORDED,
  });
  t.is(agent.registrar.nextEvent(), agent.now.monotonic + 200_000);
  t.like(agent.registrar.registration(HOME)?.bindings[0], { lifetime: 200 });
  const selector = { type: 'ipv4', protocol: { low: 17, high: 17 } } as const;
  const rest = { source: undefined, destination: undefined, spi: undefined, sourcePort: undefined };
  const all = { ...selector, ...rest, destinationPort: undefined, dscp: undefined };
  const flow = (fid: number) =>
    ({
      type: 'flow-identification',
      fid,
      priority: 9 - fid,
      status: 0,
      bids: [1],
      selector: all,
      others: [],
    }) as const;
  agent.send({ options: [bid(1), flow(1), flow(2)] });
  t.deepEqual(after(agent, { mostFlows: 1 }).changes, ['flows-changed 2']);
});

test('settings that cannot be change nothing', (t) => {
  const agent = registered();
  t.throws(() => agent.registrar.reconfigure({ longestLifetime: 5 }, [], agent.now), {
    instanceOf: RegistrationError,
  });
  t.is(agent.bindings().length, 3);
  t.is(agent.send({ lifetime: 900, options: [bid(1)] }).reply?.message.lifetime, 900);
});

test('a router that is new can register', (t) => {
  const agent = new TestAgent({}, []);
  const homeAddress = Address.parse('2001:db8:ffff::99');
  t.is(agent.send({ homeAddress }).outcome, 'unknown-router');
  t.deepEqual(after(agent, {}, [{ ...ROUTER, homeAddress }]), { changes: [], recorded: [] });
  t.is(agent.send({ homeAddress }).outcome, 'registered');
});
