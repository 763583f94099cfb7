// The way of outer packets: which routes count for a care-of address, and how much fits.
import test from 'ava';
import { planHomeAgent } from '../../../src/careof/home-agent.js';
import { planMobileRouter } from '../../../src/careof/mobile-router.js';
import { type BindingPlan, pathMtu } from '../../../src/careof/plan.js';
import { observeUplink, type UplinkQuery } from '../../../src/careof/uplink.js';
import { parseConfig } from '../../../src/config/index.js';
import type { Route } from '../../../src/netlink/index.js';
import { address, at, hop, link, neighbour, prefix, route, snapshot } from '../../support/kernel-objects.js';

const UPLINK = 3;

const query: UplinkQuery = {
  interface: 'wa',
  careOf: 'auto',
  gateway: 'auto',
  homeAgent: at('2001:db8:ffff::1'),
  home: [],
  current: undefined,
  ownProtocol: 191,
};

/** The gateway to the home agent from 2001:db8:a::2, or the state without one. */
function gateway(...routes: Route[]): string {
  const addresses = [address(UPLINK, '2001:db8:a::2')];
  const { state, nextHop } = observeUplink(
    snapshot({ links: [link(UPLINK, 'wa')], addresses, routes }),
    query,
  );
  return nextHop?.address?.toString() ?? state;
}

const via = (text: string, change: Partial<Route> = {}): Route =>
  route('::/0', { gateway: at(text), ifindex: UPLINK, ...change });

test('a route for other sources is no way, however good it is', (t) => {
  const others = via('fe80::b', { source: prefix('2001:db8:b::/64'), metric: 1 });
  const ours = via('fe80::a', { source: prefix('2001:db8:a::/64'), metric: 512 });
  t.is(gateway(others), 'no-route');
  t.is(gateway(others, via('fe80::c')), 'fe80::c');
  t.is(gateway(others, ours), 'fe80::a');
});

test('routes of the local table are no way, those of other tables are', (t) => {
  t.is(gateway(route('2001:db8:ffff::1/128', { table: 255, ifindex: UPLINK })), 'no-route');
  t.is(gateway(via('fe80::c', { table: 100 })), 'fe80::c');
});

test('of equal routes always the same one, in whatever order they come', (t) => {
  const routes = [via('fe80::3'), via('fe80::1'), route('::/0', { nextHops: [hop(UPLINK, 'fe80::2')] })];
  t.is(gateway(...routes), 'fe80::1');
  t.is(gateway(...routes.reverse()), 'fe80::1');
});

test('a link can carry less than the path was said to, not more', (t) => {
  t.is(pathMtu(undefined, 1500), 1500);
  t.is(pathMtu(1400, 1500), 1400);
  t.is(pathMtu(1400, 1360), 1360);
});

const mobileRouter = parseConfig(
  `role: mobile-router
home: {agent: '2001:db8:ffff::1', address: '2001:db8:77::1', prefixes: ['2001:db8:1::/64']}
bindings: [{bid: 1, name: a, interface: wa, mtu: 1400}]
`,
  'mr.yaml',
);
const context = {
  routerId: 1,
  homeIfindex: 9,
  index: () => 1,
  current: () => undefined,
  disabled: () => false,
  registered: undefined,
  ingress: [],
};
const homeAgent = parseConfig(
  `role: home-agent
home: {agent: '2001:db8:ffff::1'}
interfaces: [core0]
routers:
  - name: mr1
    address: '2001:db8:77::1'
    prefixes: ['2001:db8:1::/64']
    bindings: [{bid: 1, name: a, care-of: '2001:db8:a::2', mtu: 1400}]
`,
  'ha.yaml',
);

/** The binding of either role, and what is wrong with it, with a link of that MTU on its way. */
function over(
  mtu: number,
  role: 'mobile-router' | 'home-agent',
): Partial<BindingPlan> & { problems: string[] } {
  const kernel = snapshot({
    links: [link(UPLINK, role === 'mobile-router' ? 'wa' : 'core0', { mtu })],
    addresses: [address(UPLINK, '2001:db8:a::2')],
    routes: [via('fe80::a')],
    neighbours: [neighbour(UPLINK, 'fe80::a')],
  });
  const plan =
    role === 'mobile-router' && mobileRouter.role === 'mobile-router'
      ? planMobileRouter(mobileRouter, kernel, context)
      : homeAgent.role === 'home-agent'
        ? planHomeAgent(homeAgent, kernel, {
            homeIfindex: 9,
            routerId: () => 1,
            index: () => 1,
            registered: () => undefined,
            policies: (router) => router.policies,
            registration: () => ({ careOf: undefined, alsoAccepted: [], disabled: false }),
            route: () => ({ ifindex: UPLINK, gateway: at('fe80::a') }),
          })
        : undefined;
  const { state, mtu: inner } = plan?.routers[0]?.bindings[0] ?? { state: undefined, mtu: undefined };
  const problems = plan?.problems.map(({ code, message }) => `${code} ${message}`) ?? [];
  return { ...(state ? { state } : {}), mtu: inner, problems };
}

for (const role of ['mobile-router', 'home-agent'] as const) {
  test(`${role}: the MTU of a binding is what its configured path and its link both carry`, (t) => {
    t.deepEqual(over(1500, role), { state: 'usable', mtu: 1360, problems: [] });
    t.deepEqual(over(1380, role), { state: 'usable', mtu: 1340, problems: [] });
    const narrow = over(1319, role);
    t.like(narrow, { state: 'down', mtu: undefined });
    t.is(narrow.problems.length, 1);
    t.regex(narrow.problems[0] ?? '', /^PATH_TOO_NARROW .*\ba\b.* MTU of 1319/);
  });
}

test('a table has the way to the home agent and the way to everywhere else, where they differ', (t) => {
  const table = (...routes: Route[]): string[] => {
    const kernel = snapshot({
      links: [link(UPLINK, 'wa')],
      addresses: [address(UPLINK, '2001:db8:a::2')],
      routes,
    });
    if (mobileRouter.role !== 'mobile-router') return [];
    const plan = planMobileRouter(mobileRouter, kernel, context);
    return plan.routes
      .filter(({ spec }) => spec.table === 7601 && spec.type !== 'unreachable')
      .map(({ spec: { destination, gateway: by } }) => `${destination}${by ? ` via ${by}` : ''}`);
  };
  const onLink = ['fe80::/64', '2001:db8:a::/64'];
  const toAgent = (change: Partial<Route> = {}): Route =>
    route('2001:db8:ffff::/64', { ifindex: UPLINK, ...change });
  t.deepEqual(table(via('fe80::a')), ['::/0 via fe80::a', ...onLink]);
  t.deepEqual(
    table(via('fe80::a'), toAgent()),
    ['::/0 via fe80::a', '2001:db8:ffff::1/128', ...onLink],
    'the home agent on the link',
  );
  t.deepEqual(table(via('fe80::a'), toAgent({ gateway: at('fe80::b') })), [
    '::/0 via fe80::a',
    '2001:db8:ffff::1/128 via fe80::b',
    ...onLink,
  ]);
  t.deepEqual(table(toAgent()), ['::/0', ...onLink], 'there is no other way');
  t.deepEqual(table(toAgent({ gateway: at('fe80::b') })), ['::/0 via fe80::b', ...onLink]);
  t.deepEqual(table(via('fe80::a'), toAgent({ gateway: at('fe80::a') })), ['::/0 via fe80::a', ...onLink]);
});
