import test from 'ava';
import { registrarSettings } from '../../../src/careof/home-agent-registration.js';
import { type HomeAgentConfig, parseConfig, type RouterConfig } from '../../../src/config/index.js';
import type { Address } from '../../../src/net/index.js';
import { A, B, bid, C, HOME, ROUTER, TestAgent } from '../../support/home-registration.js';

const KEYLESS = `
  - {name: byhand, address: '2001:db8:5::1', prefixes: ['2001:db8:5::/64'], bindings: [{bid: 1}]}`;

function config(unauthenticated: 'accept' | 'refuse'): HomeAgentConfig {
  return parseConfig(
    `role: home-agent
home: {agent: '2001:db8:ffff::1'}
interfaces: [core0]
registration: {unauthenticated: ${unauthenticated}}
routers:
  - {name: bus, address: '${HOME}', prefixes: ['2001:db8:77::/48'], key: /key, bindings: [{bid: 1}]}${KEYLESS}
`,
    'ha.yaml',
  ) as HomeAgentConfig;
}

/** The settings where these were set by hand, for each router that is asked about. */
function settingsFor(file: HomeAgentConfig, byHand: (router: RouterConfig) => readonly Address[]) {
  const { registration } = file;
  if (registration === undefined) throw new Error('there is no registration');
  return registrarSettings(file, registration, byHand);
}

test('care-of addresses that were set by hand belong to routers that do not register themselves', (t) => {
  const asked: string[] = [];
  const say = ({ name }: RouterConfig): readonly Address[] => {
    asked.push(name);
    return [A, B];
  };
  t.deepEqual(settingsFor(config('refuse'), say).fixedCareOf, [A, B]);
  t.deepEqual(asked, ['byhand']);
  // All of them register themselves then, and nothing that was set by hand holds.
  t.deepEqual(settingsFor(config('accept'), say).fixedCareOf, []);
});

test('what was set by hand cannot be registered, from the moment on at which it was set, until another one is', (t) => {
  const file = config('refuse');
  let careOfs = [A];
  const settings = () => settingsFor(file, () => careOfs);
  const agent = new TestAgent(settings());
  const register = () => agent.send({ options: [bid(1, B), bid(2, C)] }).reply?.bids;
  t.deepEqual(register(), [
    [1, 0],
    [2, 0],
  ]);
  careOfs = [B];
  const { changes } = agent.registrar.reconfigure(settings(), [ROUTER], agent.now);
  t.deepEqual(
    changes.map((change) => [change.type, 'binding' in change && change.binding.bid]),
    [['binding-removed', 1]],
  );
  t.deepEqual(register(), [
    [1, 129],
    [2, 0],
  ]);
  t.deepEqual(agent.bindings(), [`2 ${C}`]);
  careOfs = [A];
  agent.registrar.reconfigure(settings(), [ROUTER], agent.now);
  register();
  t.deepEqual(agent.bindings(), [`1 ${B}`, `2 ${C}`]);
});
