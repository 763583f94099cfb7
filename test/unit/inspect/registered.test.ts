import test from 'ava';
import { type HomeAgentConfig, parseConfig, type RouterConfig } from '../../../src/config/index.js';
import { type ActivePolicy, CxAction, CxOtherwise } from '../../../src/datapath/index.js';
import { generationDifferences } from '../../../src/inspect/live-decision.js';
import { type LiveRouter, policyName, withRegistration } from '../../../src/inspect/world.js';
import type { FlowBinding, Registration } from '../../../src/registration/index.js';
import { at } from '../../support/kernel-objects.js';
import { one, wire } from '../registration/flows/policies.js';

const ROUTER = (
  parseConfig(
    `role: home-agent
home: {agent: '2001:db8:ffff::1'}
interfaces: [core0]
registration: {}
routers:
  - name: mr1
    address: 2001:db8:77::1
    prefixes: ['2001:db8:1::/64']
    key: /etc/coaxial/mr1.key
    bindings: [{bid: 1, name: lte, priority: 30}, {bid: 4, name: sat, priority: 40}]
    policies: [{fid: 3, name: web, match: {protocol: tcp}, use: [lte]}]
`,
    'ha.yaml',
  ) as HomeAgentConfig
).routers[0] as RouterConfig;

const FLOW: FlowBinding = { fid: 7, priority: 40, bids: [2, 1], selector: wire({ protocol: one(17) }) };

function registration(flows: readonly FlowBinding[]): Registration {
  const binding = (bid: number, priority: number) => ({
    ...{ bid, priority, careOf: at(`2001:db8:a::${bid}`), lifetime: 60, end: 1 },
  });
  const bindings = [binding(1, 5), binding(2, 0), binding(3, 9)];
  return { bindings, mobileRouter: true, prefixes: [], implicit: true, flows };
}

test('bindings have the BID-PRI that the router gives them, and flow bindings follow the policies of the file', (t) => {
  const router = withRegistration(ROUTER, registration([FLOW]));
  t.deepEqual(router.bindings, [
    { bid: 1, name: 'lte', priority: 5 },
    { bid: 4, name: 'sat', priority: 40 },
    { bid: 2, name: 'bid2', priority: 10 },
    { bid: 3, name: 'bid3', priority: 9 },
  ]);
  t.deepEqual(
    router.policies.map(({ fid, name }) => [fid, name]),
    [
      [3, 'web'],
      [65_543, 'flow-7'],
    ],
  );
  t.is(withRegistration(ROUTER, registration([])).policies, ROUTER.policies);
});

test('what a router has registered is named by router and FID, and what the file has by its name', (t) => {
  t.is(policyName(ROUTER, 3), 'policy web');
  t.is(policyName(ROUTER, 4), 'policy with FID 4');
  t.is(policyName(ROUTER, 65_543), 'flow binding 7 of mr1');
  t.is(policyName({ ...ROUTER, name: null }, 65_543), 'flow binding 7');
});

test('where file, registrations and active generation differ', (t) => {
  const active = (fid: number, priority: number, action: CxAction, ...bindings: number[]): ActivePolicy => ({
    ...{ id: fid, fid, priority, action, otherwise: CxOtherwise.NEXT, bindings },
  });
  const web = active(3, ROUTER.policies[0]?.priority ?? 0, CxAction.USE, 1);
  const flow = active(65_543, 65_576, CxAction.COPY, 2, 1);
  const bindings = [1, 2, 3].map((bid) => ({ index: bid, bid, row: undefined }));
  const say = (flows: readonly FlowBinding[], ...policies: ActivePolicy[]): string[] => {
    const live: LiveRouter = {
      configured: withRegistration(ROUTER, registration(flows)),
      policies,
      bindings,
    };
    return generationDifferences(live);
  };
  t.deepEqual(say([FLOW], web, flow), []);
  t.deepEqual(say([FLOW], web), ['flow binding 7 of mr1, as it is registered, is not active']);
  t.deepEqual(say([{ ...FLOW, bids: [2] }], web, flow), [
    'flow binding 7 of mr1, as it is registered, is another one than the active one with FID 65543',
  ]);
  t.deepEqual(say([], web, flow), [
    'flow binding 7 of mr1 is active, but not among the registrations that its home agent has written down',
  ]);
  t.deepEqual(say([], flow, active(5, 1, CxAction.USE, 1)), [
    'policy web of the file is not active',
    'flow binding 7 of mr1 is active, but not among the registrations that its home agent has written down',
    'the active policy with FID 5 is not in the file',
  ]);
});
