import test from 'ava';
import { flowRuleOf } from '../../../src/careof/flow-bindings.js';
import { type HomeAgentConfig, parseConfig } from '../../../src/config/index.js';
import type { MobilityOption, TrafficSelector } from '../../../src/mobility/index.js';
import { A, B, bid, C, HOME, TestAgent } from '../../support/home-registration.js';
import { one, wire } from '../registration/flows/policies.js';

/** A home agent whose router has these bindings in the file. */
function agent(bindings: string, external = ''): TestAgent {
  const config = parseConfig(
    `role: home-agent
home: {agent: '2001:db8:ffff::1', link: home0}
interfaces: [core0, home0]
registration: {unauthenticated: accept}
${external}
routers: [{name: bus, address: '${HOME}', prefixes: ['2001:db8:77::/48'], bindings: [${bindings}]}]
`,
    'ha.yaml',
  ) as HomeAgentConfig;
  return new TestAgent({ flowRefusal: flowRuleOf(config) });
}

function flow(fid: number, bids: readonly number[], selector: TrafficSelector = wire({})): MobilityOption {
  return { type: 'flow-identification', fid, priority: fid, status: 0, bids, selector, others: [] };
}

/** FIDs and statuses of the answer, beside those that are registered then. */
function register(to: TestAgent, ...options: MobilityOption[]): [answered: string, registered: number[]] {
  const { reply } = to.send({ options });
  const registered = to.registrar.registration(HOME)?.flows.map(({ fid }) => fid) ?? [];
  return [reply?.flows.map(([fid, status]) => `${fid} ${status}`).join(', ') ?? '', registered];
}

test('copies go by bindings of one tunnel kind, as those of the file', (t) => {
  const mixed = agent('{bid: 1}, {bid: 2, tunnel: device, device: {kind: ip6tnl}}, {bid: 3}');
  const [a, b, c] = [bid(1, A), bid(2, B), bid(3, C)];
  t.deepEqual(register(mixed, a, b, c, flow(1, [1, 2]), flow(2, [1, 3]), flow(3, [2]), flow(4, [2, 2])), [
    '1 129, 2 0, 3 0, 4 0',
    [2, 3, 4],
  ]);
});

test('a binding that the file does not list is bpf, and a copy goes by home link or tunnel', (t) => {
  const [a, b] = [bid(1, A), bid(2, B)];
  t.deepEqual(register(agent('{bid: 1}'), a, b, flow(1, [1, 2])), ['1 0', [1]]);
  t.deepEqual(register(agent('{bid: 1, tunnel: device, device: {kind: ip6tnl}}'), a, b, flow(1, [1, 2])), [
    '1 129',
    [],
  ]);
  const atHome = bid(2, HOME, { home: true });
  const both = register(agent(''), a, atHome, flow(1, [1, 2]), flow(2, [2]), flow(3, [1]));
  t.deepEqual(both, ['1 129, 2 0, 3 0', [2, 3]]);
});

test('an external xfrm interface carries no copies, another external device does', (t) => {
  const of = (kind: string, keys: string) =>
    agent(
      [1, 2].map((each) => `{bid: ${each}, tunnel: external${keys && `, keys: ${keys}${each}`}}`).join(),
      `external: {kind: ${kind}, device: tun0}`,
    );
  const options = [bid(1, A), bid(2, B), flow(1, [1, 2]), flow(2, [1])];
  t.deepEqual(register(of('xfrm', '/keys/'), ...options), ['1 129, 2 0', [2]]);
  t.deepEqual(register(of('ip6tnl', ''), ...options), ['1 0, 2 0', [1, 2]]);
});

test('what is no policy of ours has the status that says why, and is not taken for registered', (t) => {
  const ipv4: TrafficSelector = { ...wire({}), type: 'ipv4', protocol: one(6) };
  const options = [flow(1, [1], ipv4), flow(2, [1], wire({ protocol: one(60) })), flow(3, [1])];
  t.deepEqual(register(agent(''), bid(1, A), ...options), ['1 133, 2 129, 3 0', [3]]);
});
