import test from 'ava';
import type { HomeAgentContext, RouterRegistration } from '../../../src/careof/home-agent.js';
import { planHomeAgent } from '../../../src/careof/home-agent.js';
import { HomeAgentPlans } from '../../../src/careof/home-agent-plans.js';
import { Pending } from '../../../src/careof/scope.js';
import { type HomeAgentConfig, parseConfig } from '../../../src/config/index.js';
import { at, link, mac, neighbour, prefix, snapshot } from '../../support/kernel-objects.js';

const HOME = 9;
const config = parseConfig(
  `role: home-agent
home: {agent: '2001:db8:ffff::1'}
interfaces: [core0]
routers:
  - {name: mr1, address: '2001:db8:1::1', prefixes: ['2001:db8:1::/64']}
  - {name: mr2, address: '2001:db8:2::1', prefixes: ['2001:db8:2::/64', '2001:db8:20::/64']}
  - {name: mr3, address: '2001:db8:3::1', prefixes: ['2001:db8:3::/64']}
`,
  'ha.yaml',
) as HomeAgentConfig;
const kernel = snapshot({
  links: [link(2, 'core0'), link(HOME, 'coax0', { noArp: true })],
  neighbours: [neighbour(2, '2001:db8:ffff::ff')],
});

/** A home agent's context over registrations that a test changes. */
function world(): { registered: Map<string, RouterRegistration>; context: HomeAgentContext } {
  const registered = new Map<string, RouterRegistration>();
  return {
    registered,
    context: {
      homeIfindex: HOME,
      routerId: ({ name }) => Number(name.slice(2)),
      index: (router, bid) => 10 * router + bid,
      registered: ({ name }) => registered.get(name) ?? { bindings: [], prefixes: [] },
      policies: ({ policies }) => policies,
      registration: () => ({ careOf: undefined, alsoAccepted: [], disabled: false }),
      route: () => ({ ifindex: 2, gateway: at('2001:db8:ffff::ff') }),
    },
  };
}

const binding = (careOf: string, bid = 1): RouterRegistration['bindings'][number] => ({
  ...{ bid, careOf: at(careOf), priority: bid },
});

test('planning one router anew is the plan of all of them', (t) => {
  const { registered, context } = world();
  const plans = new HomeAgentPlans(config);
  plans.planAll(kernel, context);
  const steps: [string, RouterRegistration][] = [
    ['mr2', { bindings: [binding('2001:db8:a::2')], prefixes: [prefix('2001:db8:20::/64')] }],
    ['mr1', { bindings: [binding('2001:db8:b::2'), binding('2001:db8:c::2', 2)], prefixes: [] }],
    ['mr2', { bindings: [binding('2001:db8:a::3')], prefixes: [prefix('2001:db8:2::/64')] }],
    ['mr1', { bindings: [], prefixes: [] }],
  ];
  for (const [name, registration] of steps) {
    registered.set(name, registration);
    const routers = config.routers.filter((router) => router.name === name);
    const part = plans.planSome(routers, kernel, context);
    t.deepEqual(part?.whole(), planHomeAgent(config, kernel, context), name);
    t.deepEqual(
      part?.plan.routers.map((router) => router.name),
      [name],
    );
  }
});

test('before has what the plan takes the place of', (t) => {
  const { registered, context } = world();
  const plans = new HomeAgentPlans(config);
  registered.set('mr1', { bindings: [binding('2001:db8:a::2')], prefixes: [prefix('2001:db8:1::/64')] });
  const first = plans.planAll(kernel, context);
  registered.set('mr1', { bindings: [binding('2001:db8:b::2')], prefixes: [prefix('2001:db8:1::/64')] });
  const part = plans.planSome(plans.routersOf([at('2001:db8:1::1')]), kernel, context);
  t.is(part?.before.routers[0], first.routers[0]);
  t.is(String(part?.plan.routers[0]?.bindings[0]?.careOf), '2001:db8:b::2');
});

test('care-of addresses that two bindings have take a plan of all', (t) => {
  const { registered, context } = world();
  const plans = new HomeAgentPlans(config);
  plans.planAll(kernel, context);
  const some = (name: string) => config.routers.filter((router) => router.name === name);
  registered.set('mr1', { bindings: [binding('2001:db8:a::2')], prefixes: [] });
  t.not(plans.planSome(some('mr1'), kernel, context), undefined);
  registered.set('mr2', { bindings: [binding('2001:db8:a::2')], prefixes: [] });
  t.is(plans.planSome(some('mr2'), kernel, context), undefined);
  plans.planAll(kernel, context);
  registered.set('mr2', { bindings: [binding('2001:db8:b::2')], prefixes: [] });
  t.is(plans.planSome(some('mr2'), kernel, context), undefined, 'it leaves the address to the other one');
  plans.planAll(kernel, context);
  registered.set('mr2', { bindings: [binding('2001:db8:b::3')], prefixes: [] });
  t.not(plans.planSome(some('mr2'), kernel, context), undefined);
});

test('what there is to report takes a plan of all', (t) => {
  const { registered, context } = world();
  const plans = new HomeAgentPlans(config);
  const narrow = snapshot({ ...kernel, links: [link(2, 'core0', { mtu: 1280 }), link(HOME, 'coax0')] });
  plans.planAll(narrow, context);
  registered.set('mr1', { bindings: [binding('2001:db8:a::2')], prefixes: [] });
  t.is(plans.planSome(plans.routersOf([at('2001:db8:1::1')]), narrow, context), undefined);
});

test('packets to a prefix go to the router that has it in use', (t) => {
  const { registered, context } = world();
  const plans = new HomeAgentPlans(config);
  registered.set('mr2', {
    bindings: [binding('2001:db8:a::2')],
    prefixes: [prefix('2001:db8:20::/64')],
  });
  plans.planAll(kernel, context);
  t.is(plans.ownerOf(prefix('2001:db8:20::/64')), 2);
  t.is(plans.ownerOf(prefix('2001:db8:2::/64')), 0, 'authorised, not registered');
  t.is(plans.ownerOf(prefix('2001:db8:9::/64')), 0);
});

test('what is pending is everything, or some routers and destinations, each once', (t) => {
  const pending = new Pending();
  t.true(pending.take().all, 'before the first run');
  pending.routers([at('2001:db8:1::1'), at('2001:db8:2::1')]);
  pending.routers([at('2001:db8:1::1')]);
  pending.destination(prefix('2001:db8:1::/64'));
  pending.destination(prefix('2001:db8:1::/64'));
  const { routers, destinations } = pending.take();
  t.deepEqual(routers?.map(String), ['2001:db8:1::1', '2001:db8:2::1']);
  t.deepEqual(destinations.map(String), ['2001:db8:1::/64']);
  t.deepEqual(pending.take(), { all: false, routers: [], destinations: [], neighbours: false });
  pending.routers([at('2001:db8:1::1')]);
  pending.all();
  t.true(pending.take().all);
});

test('of neighbours a next hop can change the plan of any router, another one that of none', (t) => {
  const pending = new Pending();
  pending.take();
  pending.routers([at('2001:db8:1::1')]);
  pending.neighbour();
  const { all, routers, neighbours } = pending.take();
  t.false(all);
  t.deepEqual(routers?.map(String), ['2001:db8:1::1']);
  t.true(neighbours);
  pending.routers([at('2001:db8:1::1')]);
  pending.nextHop();
  t.deepEqual(pending.take(), { all: false, routers: undefined, destinations: [], neighbours: true });
});

test('routers that are planned as before are not among those that are planned anew', (t) => {
  const { registered, context } = world();
  const plans = new HomeAgentPlans(config);
  for (const [place, name] of ['mr1', 'mr2', 'mr3'].entries()) {
    registered.set(name, { bindings: [binding(`2001:db8:a::${place + 2}`)], prefixes: [] });
  }
  const whole = plans.planAll(kernel, context);
  registered.set('mr2', { bindings: [binding('2001:db8:b::2')], prefixes: [] });
  const one = plans.planSome(config.routers, kernel, context);
  t.deepEqual(
    one?.plan.routers.map(({ name }) => name),
    ['mr2'],
  );
  t.is(one?.whole().routers[0], whole.routers[0]);
  // The next hop of all has another link-layer address.
  const moved = snapshot({
    ...kernel,
    neighbours: [neighbour(2, '2001:db8:ffff::ff', { mac: mac('02:00:00:00:00:99') })],
  });
  const all = plans.planSome(config.routers, moved, context);
  t.is(all?.plan.routers.length, 3);
  t.deepEqual(all?.whole(), planHomeAgent(config, moved, context));
  t.is(plans.planSome(config.routers, moved, context)?.plan.routers.length, 0);
});
