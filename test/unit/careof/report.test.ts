import test from 'ava';
import type { BindingPlan, RouterPlan } from '../../../src/careof/plan.js';
import { bindingView, policyViews } from '../../../src/careof/report.js';
import { parseConfig } from '../../../src/config/index.js';
import { mergePolicies, policyOfFlow } from '../../../src/registration/index.js';
import { at, mac } from '../../support/kernel-objects.js';
import { wire } from '../registration/flows/policies.js';

const counted = { sentPackets: 1, sentBytes: 100, receivedPackets: 2, receivedBytes: 200 };
const since = new Date('2026-01-02T03:04:05.678Z');

const plan: BindingPlan = {
  index: 4,
  bid: 1,
  name: 'lte-a',
  priority: 10,
  tunnel: 'bpf',
  device: undefined,
  keyFile: undefined,
  state: 'usable',
  careOf: at('2001:db8:a::2'),
  wanted: undefined,
  homeAgent: at('2001:db8:ffff::1'),
  interface: 'wa',
  nextHop: {
    ifindex: 3,
    address: at('fe80::a'),
    mac: mac('02:00:00:00:aa:01'),
    ownMac: mac('02:00:00:00:00:03'),
    linkHeader: true,
  },
  mtu: 1460,
  accepts: [],
};

test('a binding in words: addresses as text, traffic by direction', (t) => {
  t.deepEqual(bindingView('mr1', plan, counted, since, ['PATH_SILENT'], null), {
    router: 'mr1',
    bid: 1,
    name: 'lte-a',
    state: 'usable',
    careOf: '2001:db8:a::2',
    homeAgent: '2001:db8:ffff::1',
    interface: 'wa',
    tunnel: 'bpf',
    device: null,
    mtu: 1460,
    nextHop: 'fe80::a',
    nextHopMac: '02:00:00:00:aa:01',
    priority: 10,
    sent: { packets: 1, bytes: 100 },
    received: { packets: 2, bytes: 200 },
    registration: null,
    warnings: ['PATH_SILENT'],
    since: '2026-01-02T03:04:05.678Z',
  });
});

test('what a binding does not have is null, so that it is there in JSON', (t) => {
  const nothing = {
    careOf: undefined,
    interface: undefined,
    nextHop: undefined,
    mtu: undefined,
    state: 'no-address' as const,
  };
  const view = bindingView('mr1', { ...plan, ...nothing }, counted, since, [], null);
  t.like(view, { careOf: null, interface: null, mtu: null, nextHop: null, nextHopMac: null });
  t.deepEqual(JSON.parse(JSON.stringify(view)), view);
  const onTun = { ifindex: 3, address: undefined, mac: undefined, ownMac: undefined, linkHeader: false };
  t.like(bindingView('mr1', { ...plan, nextHop: onTun }, counted, since, [], null), {
    nextHop: null,
    nextHopMac: null,
  });
});

test('policies name their bindings, and hits are found by FID', (t) => {
  const { policies } = parseConfig(
    `role: mobile-router
home: {agent: '2001:db8:ffff::1', address: '2001:db8:77::1', prefixes: ['2001:db8:1::/64']}
bindings: [{bid: 1, name: lte-a, interface: wa}, {bid: 2, name: sat, interface: wb}]
policies:
  - {fid: 7, name: web, priority: 5, match: {protocol: tcp, destination-port: 443}, use: [sat, lte-a]}
  - {fid: 9, name: rest, use: [lte-a]}
`,
    'mr.yaml',
  ) as { policies?: RouterPlan['policies'] };
  const router: RouterPlan = {
    id: 1,
    name: 'mr1',
    homeAddress: at('2001:db8:77::1'),
    prefixes: [],
    policies: policies ?? [],
    // BID 2 is not planned: its number says more than nothing.
    bindings: [plan],
  };
  const views = policyViews(
    router,
    (fid) => ({ packets: fid, bytes: fid * 10 }),
    (fid) => ({ flows: [fid], remark: null }),
  );
  t.deepEqual(
    views.map(({ fid, name, action, packets, bytes, router: owner }) => ({
      fid,
      name,
      action,
      packets,
      bytes,
      owner,
    })),
    [
      { fid: 7, name: 'web', action: 'use 2, lte-a', packets: 7, bytes: 70, owner: 'mr1' },
      { fid: 9, name: 'rest', action: 'use lte-a', packets: 9, bytes: 90, owner: 'mr1' },
    ],
  );
  t.is(views[0]?.priority, 5);
  t.regex(views[0]?.match ?? '', /tcp.*443/);
  t.is(views[1]?.match, 'any');
  t.deepEqual(
    views.map(({ registeredFid }) => registeredFid),
    [null, null],
  );
});

test('a flow binding that the router has registered has its FID on the wire beside that of the table', (t) => {
  const flow = policyOfFlow({ fid: 7, priority: 40, bids: [1], selector: wire({}) });
  if ('refused' in flow) throw new Error(flow.reason);
  const router: RouterPlan = {
    ...{ id: 1, name: 'mr1', homeAddress: at('2001:db8:77::1'), prefixes: [], bindings: [plan] },
    policies: mergePolicies([], [flow]),
  };
  const [view] = policyViews(
    router,
    (fid) => ({ packets: fid, bytes: 0 }),
    () => ({ flows: [], remark: null }),
  );
  t.like(view, { fid: 65_543, registeredFid: 7, name: 'flow-7', packets: 65_543, action: 'use lte-a' });
});
