import test from 'ava';
import fc from 'fast-check';
import { type HomeAgentContext, planHomeAgent, type Registration } from '../../../src/careof/home-agent.js';
import { type MobileRouterContext, planMobileRouter } from '../../../src/careof/mobile-router.js';
import { bindingRow, type Plan } from '../../../src/careof/plan.js';
import { type HomeAgentConfig, type MobileRouterConfig, parseConfig } from '../../../src/config/index.js';
import { CxBindingFlag, CxTunnelKind } from '../../../src/datapath/index.js';
import type { NetlinkSnapshot } from '../../../src/netlink/index.js';
import { address, at, link, mac, neighbour, route, snapshot } from '../../support/kernel-objects.js';

const HOME = 9;

const mobileRouter = parseConfig(
  `role: mobile-router
home: {agent: '2001:db8:ffff::1', address: '2001:db8:77::1', prefixes: ['2001:db8:1::/64']}
ingress: [{interface: lan0}]
bindings:
  - {bid: 1, name: a, interface: wa}
  - {bid: 2, name: b, interface: wb, tunnel: external}
external: {}
`,
  'mr.yaml',
) as MobileRouterConfig;

const homeAgent = parseConfig(
  `role: home-agent
home: {agent: '2001:db8:ffff::1'}
interfaces: [core0, cn0]
routers:
  - name: mr1
    address: '2001:db8:77::1'
    prefixes: ['2001:db8:1::/64']
    bindings:
      - {bid: 1, care-of: '2001:db8:a::2'}
      - {bid: 2, care-of: '2001:db8:b::2', mtu: 1400}
  - name: mr2
    address: '2001:db8:2::1'
    prefixes: ['2001:db8:2::/64']
    bindings: [{bid: 1}]
`,
  'ha.yaml',
) as HomeAgentConfig;

const kernel = snapshot({
  links: [link(2, 'lan0'), link(3, 'wa'), link(4, 'wb', { mtu: 1400 }), link(HOME, 'coax0', { noArp: true })],
  addresses: [
    address(2, '2001:db8:1::1'),
    address(3, '2001:db8:a::2'),
    address(3, '2001:db8:a::3', { deprecated: true }),
    address(3, '2001:db8:aa::2'),
    address(4, '2001:db8:b::2'),
    address(HOME, '2001:db8:77::1/128'),
  ],
  routes: [
    route('::/0', { gateway: at('2001:db8:a::1'), ifindex: 3 }),
    route('::/0', { gateway: at('2001:db8:a::9'), ifindex: 3 }),
    route('::/0', { gateway: at('fe80::b'), ifindex: 4, metric: 2048 }),
    route('::/0', { ifindex: HOME, metric: 64, protocol: 191 }),
  ],
  neighbours: [neighbour(3, '2001:db8:a::1'), neighbour(4, 'fe80::b', { usable: false, mac: undefined })],
});

const mobile: MobileRouterContext = {
  routerId: 1,
  homeIfindex: HOME,
  index: (bid) => bid + 10,
  current: () => undefined,
  disabled: () => false,
  registered: undefined,
  ingress: [],
};

const nobody: Registration = { careOf: undefined, alsoAccepted: [], disabled: false };
const agent: HomeAgentContext = {
  homeIfindex: HOME,
  routerId: (router) => (router.name === 'mr1' ? 1 : 2),
  index: (router, bid) => router * 10 + bid,
  registered: () => undefined,
  policies: (router) => router.policies,
  registration: () => nobody,
  route: () => ({ ifindex: 3, gateway: at('2001:db8:a::1') }),
};

const routesOf = (plan: Plan): string[] =>
  plan.routes.map(
    ({ spec, needsBindings }) =>
      `${spec.type ?? 'unicast'} ${spec.destination} table ${spec.table} metric ${spec.metric}` +
      `${spec.ifindex === undefined ? '' : ` dev ${spec.ifindex}`}${spec.gateway === undefined ? '' : ` via ${spec.gateway}`}` +
      `${needsBindings ? ' later' : ''}`,
  );

test('a mobile router: rule and table for every address, home routes, unreachable below them', (t) => {
  const plan = planMobileRouter(mobileRouter, kernel, mobile);
  t.deepEqual(
    plan.rules.map((rule) => `${rule.priority} ${rule.source} ${rule.table}`),
    [
      '100 2001:db8:a::2/128 7601',
      '100 2001:db8:a::3/128 7601',
      '100 2001:db8:aa::2/128 7601',
      '100 2001:db8:b::2/128 7602',
    ],
  );
  t.deepEqual(routesOf(plan), [
    'unreachable ::/0 table 7601 metric 2147483647',
    'unicast ::/0 table 7601 metric 64 dev 3 via 2001:db8:a::1',
    'unicast fe80::/64 table 7601 metric 64 dev 3',
    'unicast 2001:db8:a::/64 table 7601 metric 64 dev 3',
    'unicast 2001:db8:aa::/64 table 7601 metric 64 dev 3',
    'unreachable ::/0 table 7602 metric 2147483647',
    'unicast ::/0 table 7602 metric 64 dev 4 via fe80::b',
    'unicast fe80::/64 table 7602 metric 64 dev 4',
    'unicast 2001:db8:b::/64 table 7602 metric 64 dev 4',
    'unicast ::/0 table 254 metric 64 dev 9 later',
    'unreachable ::/0 table 254 metric 65',
    'unreachable 2001:db8:1::/64 table 254 metric 2147483647',
  ]);
  t.deepEqual(
    plan.prefixes.map(({ prefix }) => prefix.toString()),
    ['2001:db8:77::1/128', '2001:db8:1::/64'],
  );
  t.is(plan.homeMtu, 1460, 'the largest of 1460 and 1330');
  t.deepEqual(plan.problems, []);
});

test('a mobile router that registers: an address carries packets when the home agent has accepted it', (t) => {
  const bindings = (registered: Record<number, string>, changes: Partial<MobileRouterContext> = {}) =>
    planMobileRouter(mobileRouter, kernel, {
      ...mobile,
      registered: (bid) => (registered[bid] === undefined ? undefined : at(registered[bid])),
      ...changes,
    }).routers[0]?.bindings.map(
      ({ bid, state, careOf, wanted }) => `${bid} ${state} ${careOf} wants ${wanted}`,
    );
  t.deepEqual(bindings({}), [
    '1 registering 2001:db8:a::2 wants 2001:db8:a::2',
    '2 registering 2001:db8:b::2 wants 2001:db8:b::2',
  ]);
  t.deepEqual(bindings({ 1: '2001:db8:a::2' }), [
    '1 usable 2001:db8:a::2 wants 2001:db8:a::2',
    '2 registering 2001:db8:b::2 wants 2001:db8:b::2',
  ]);
  t.deepEqual(
    bindings({ 1: '2001:db8:a::3', 2: '2001:db8:bad::1' }),
    ['1 deprecated 2001:db8:a::3 wants 2001:db8:a::2', '2 registering 2001:db8:b::2 wants 2001:db8:b::2'],
    'the address before is used until then, as long as the link has it',
  );
  t.deepEqual(bindings({ 1: '2001:db8:a::2' }, { disabled: (bid) => bid === 1 }), [
    '1 disabled 2001:db8:a::2 wants undefined',
    '2 registering 2001:db8:b::2 wants 2001:db8:b::2',
  ]);
});

test('what may become the care-of address is accepted, and has its rule, before it is registered', (t) => {
  const plan = planMobileRouter(mobileRouter, kernel, { ...mobile, registered: () => at('2001:db8:a::3') });
  const [binding] = plan.routers[0]?.bindings ?? [];
  t.deepEqual(
    binding?.accepts.map(({ local }) => String(local)),
    ['2001:db8:a::2', '2001:db8:a::3', '2001:db8:aa::2'],
  );
  t.deepEqual(
    plan.rules.map(({ source }) => String(source)),
    ['2001:db8:a::2/128', '2001:db8:a::3/128', '2001:db8:aa::2/128', '2001:db8:b::2/128'],
  );
});

test('a mobile router without a usable binding has no way for what is of home', (t) => {
  const down = { ...kernel, links: kernel.links.map((item) => ({ ...item, up: false })) };
  const plan = planMobileRouter(mobileRouter, down, mobile);
  t.deepEqual(plan.rules, []);
  t.deepEqual(routesOf(plan), [
    'unreachable ::/0 table 254 metric 65',
    'unreachable 2001:db8:1::/64 table 254 metric 2147483647',
  ]);
  t.is(plan.homeMtu, 1280);
  t.deepEqual(
    plan.routers[0]?.bindings.map(({ state }) => state),
    ['down', 'down'],
  );
});

test('a path too narrow for its tunnel is refused in words, the others carry on', (t) => {
  const links = kernel.links.map((item) => (item.name === 'wb' ? { ...item, mtu: 1340 } : item));
  const plan = planMobileRouter(mobileRouter, { ...kernel, links }, mobile);
  t.is(plan.routers[0]?.bindings[1]?.state, 'down');
  t.is(plan.problems[0]?.code, 'PATH_TOO_NARROW');
  t.regex(plan.problems[0]?.message ?? '', /wb has an MTU of 1340; tunnel external needs 1350/);
  t.is(plan.homeMtu, 1460);
});

test('a binding taken out of use keeps its address and is accepted, but carries nothing', (t) => {
  const plan = planMobileRouter(mobileRouter, kernel, { ...mobile, disabled: (bid) => bid === 1 });
  const [a] = plan.routers[0]?.bindings ?? [];
  t.is(a?.state, 'disabled');
  t.is(String(a?.careOf), '2001:db8:a::2');
  t.is(a?.accepts.length, 3);
  if (a) t.is(bindingRow(a, 1, { source: at('::1'), destination: at('::2') }, undefined), undefined);
});

test('the row of a binding: source, way and next hop are one', (t) => {
  const [a, b] = planMobileRouter(mobileRouter, kernel, mobile).routers[0]?.bindings ?? [];
  if (!a || !b) return t.fail();
  const outer = { source: at('2001:db8:a::2'), destination: at('2001:db8:ffff::1') };
  t.like(bindingRow(a, 1, outer, undefined), {
    outerSource: '2001:db8:a::2',
    outerDestination: '2001:db8:ffff::1',
    nextHop: '2001:db8:a::1',
    ifindex: 3,
    uplinkIfindex: 3,
    mtu: 1460,
    kind: CxTunnelKind.BPF,
    flags: CxBindingFlag.MAC_KNOWN,
    nextHopMac: '02:00:00:00:aa:01',
    ownMac: '02:00:00:00:00:03',
  });
  t.is(bindingRow(b, 1, outer, undefined), undefined, 'an external one needs its device');
  t.like(
    bindingRow(b, 1, outer, { ifindex: 12, kind: CxTunnelKind.EXTERNAL, tunnelId: 5, linkHeader: true }),
    {
      ifindex: 12,
      uplinkIfindex: 4,
      tunnelId: 5,
      mtu: 1330,
      flags: 0,
    },
  );
  t.is(bindingRow({ ...a, mtu: undefined }, 1, outer, undefined), undefined);
  t.is(bindingRow({ ...a, nextHop: undefined }, 1, outer, undefined), undefined);
  const tun = { ifindex: 3, address: undefined, mac: undefined, ownMac: undefined, linkHeader: false };
  t.like(bindingRow({ ...a, nextHop: tun }, 1, outer, undefined), {
    flags: CxBindingFlag.NO_LINK_HEADER,
    nextHop: '2001:db8:ffff::1',
  });
  t.is(mac('02:00:00:00:aa:01').toString(), '02:00:00:00:aa:01');
});

test('a home agent: a router that registers has the bindings and prefixes that it has registered', (t) => {
  const registered = {
    bindings: [
      { bid: 1, careOf: at('2001:db8:a::77'), priority: 3 },
      { bid: 9, careOf: at('2001:db8:b::77'), priority: undefined },
    ],
    prefixes: [],
  };
  const byHand: Registration = {
    careOf: at('2001:db8:bad::1'),
    alsoAccepted: [at('2001:db8:bad::2')],
    disabled: false,
  };
  const plan = planHomeAgent(homeAgent, kernel, {
    ...agent,
    registration: () => byHand,
    registered: (router) => (router.name === 'mr1' ? registered : undefined),
  });
  const [first] = plan.routers;
  t.deepEqual(
    first?.bindings.map(({ bid, name, priority, tunnel, state, careOf, accepts }) => [
      ...[bid, name, priority, tunnel, state, String(careOf)],
      accepts.map(({ remote }) => String(remote)).join(),
    ]),
    [
      [1, 'bid1', 3, 'bpf', 'usable', '2001:db8:a::77', '2001:db8:a::77'],
      [2, 'bid2', 10, 'bpf', 'no-address', 'undefined', ''],
      [9, 'bid9', 10, 'bpf', 'usable', '2001:db8:b::77', '2001:db8:b::77'],
    ],
    'nothing that was said by hand is used',
  );
  t.deepEqual(
    plan.prefixes.filter(({ router }) => router === 1).map(({ prefix }) => String(prefix)),
    ['2001:db8:77::1/128'],
  );
  t.deepEqual(
    routesOf(plan).filter((route) => route.includes('2001:db8:1::/64')),
    ['unreachable 2001:db8:1::/64 table 254 metric 65'],
    'a prefix that is not registered has no way',
  );
});

test('a home agent: a route per prefix with the MTU of its bindings, unreachable below', (t) => {
  const plan = planHomeAgent(homeAgent, kernel, agent);
  t.deepEqual(routesOf(plan), [
    'unicast 2001:db8:77::1/128 table 254 metric 64 dev 9 later',
    'unicast 2001:db8:1::/64 table 254 metric 64 dev 9 later',
    'unreachable 2001:db8:77::1/128 table 254 metric 65',
    'unreachable 2001:db8:1::/64 table 254 metric 65',
    'unreachable 2001:db8:2::/64 table 254 metric 65',
  ]);
  t.is(plan.routes[0]?.spec.mtu, 1460, 'the largest of 1460 and 1360');
  t.deepEqual(
    plan.routers.flatMap(({ bindings }) => bindings.map(({ state }) => state)),
    ['usable', 'usable', 'no-address'],
  );
  t.deepEqual(
    plan.prefixes.map(({ prefix, router }) => `${prefix} ${router}`),
    ['2001:db8:77::1/128 1', '2001:db8:1::/64 1', '2001:db8:2::/64 2'],
  );
});

test('a home agent: what is registered goes before the config, what is also accepted beside it', (t) => {
  const registered: Registration = {
    careOf: at('2001:db8:a::7'),
    alsoAccepted: [at('2001:db8:a::8')],
    disabled: false,
  };
  const plan = planHomeAgent(homeAgent, kernel, {
    ...agent,
    registration: (router, bid) => (router === 1 && bid === 1 ? registered : nobody),
  });
  const [first] = plan.routers[0]?.bindings ?? [];
  t.is(String(first?.careOf), '2001:db8:a::7');
  t.deepEqual(
    first?.accepts.map(({ remote }) => remote.toString()),
    ['2001:db8:a::7', '2001:db8:a::8'],
  );
});

test('a home agent: no route, a route into the tunnel itself, and a link that is down', (t) => {
  const state = (change: Partial<HomeAgentContext>, part: Partial<NetlinkSnapshot> = {}) =>
    planHomeAgent(homeAgent, { ...kernel, ...part }, { ...agent, ...change }).routers[0]?.bindings[0]?.state;
  t.is(state({ route: () => undefined }), 'no-route');
  t.is(state({ route: () => ({ ifindex: HOME, gateway: undefined }) }), 'no-route');
  t.is(state({ route: () => ({ ifindex: 77, gateway: undefined }) }), 'no-route');
  t.is(state({}, { links: [link(3, 'core0', { up: false })] }), 'down');
  t.is(state({}, { links: [link(3, 'core0', { mtu: 1300 })] }), 'down');
  t.is(state({ registration: () => ({ ...nobody, disabled: true }) }), 'disabled');
});

test('a plan is a function of what is there, not of its order', (t) => {
  const shuffledKernel = fc
    .tuple(
      fc.shuffledSubarray([...kernel.links], { minLength: kernel.links.length }),
      fc.shuffledSubarray([...kernel.addresses], { minLength: kernel.addresses.length }),
      fc.shuffledSubarray([...kernel.routes], { minLength: kernel.routes.length }),
      fc.shuffledSubarray([...kernel.neighbours], { minLength: kernel.neighbours.length }),
    )
    .map(([links, addresses, routes, neighbours]) => snapshot({ links, addresses, routes, neighbours }));
  const text = (plan: Plan): string => JSON.stringify(plan);
  const expected = text(planMobileRouter(mobileRouter, kernel, mobile));
  const expectedAgent = text(planHomeAgent(homeAgent, kernel, agent));
  t.is(text(planMobileRouter(mobileRouter, kernel, mobile)), expected);
  fc.assert(
    fc.property(shuffledKernel, (shuffled) => {
      t.is(text(planMobileRouter(mobileRouter, shuffled, mobile)), expected);
      t.is(text(planHomeAgent(homeAgent, shuffled, agent)), expectedAgent);
    }),
  );
});

const atHome = parseConfig(
  `role: mobile-router
home: {agent: '2001:db8:77::ff', address: '2001:db8:77::1', prefixes: ['2001:db8:1::/64']}
registration: {key: /key}
bindings:
  - {bid: 1, name: a, interface: wa}
  - {bid: 3, name: home, interface: wh, tunnel: home, priority: 5}
`,
  'home.yaml',
) as MobileRouterConfig;

const homeKernel = snapshot({
  links: [link(3, 'wa'), link(5, 'wh'), link(HOME, 'coax0', { noArp: true })],
  addresses: [address(3, '2001:db8:a::2'), address(5, '2001:db8:77::2'), address(HOME, '2001:db8:77::1/128')],
  routes: [
    route('::/0', { gateway: at('2001:db8:a::1'), ifindex: 3 }),
    route('2001:db8:77::/64', { ifindex: 5 }),
  ],
  neighbours: [neighbour(5, '2001:db8:77::ff')],
});

test('a mobile router at home and abroad: a binding without a tunnel, registered as all others', (t) => {
  const plan = (registered: Record<number, string>) =>
    planMobileRouter(atHome, homeKernel, {
      ...mobile,
      registered: (bid) => (registered[bid] === undefined ? undefined : at(registered[bid])),
    });
  const states = (registered: Record<number, string>) =>
    plan(registered).routers[0]?.bindings.map(({ bid, state }) => `${bid} ${state}`);
  t.deepEqual(states({}), ['1 registering', '3 registering']);
  t.deepEqual(states({ 3: '2001:db8:b::9' }), ['1 registering', '3 registering'], 'it was abroad before');
  const settled = plan({ 1: '2001:db8:a::2', 3: '2001:db8:77::1' });
  const home = settled.routers[0]?.bindings[1];
  if (!home) return t.fail();
  t.is(home.state, 'usable');
  t.is(String(home.wanted), '2001:db8:77::1');
  t.deepEqual(home.accepts, [], 'nothing comes to it in a tunnel');
  t.is(home.mtu, 1500, 'no header takes of the MTU');
  t.is(settled.homeMtu, 1500);
  t.is(String(settled.signalled), '2001:db8:77::1');
  t.deepEqual(
    settled.rules.map(({ table }) => table),
    [7601],
    'no rule and no table for the home link',
  );
  const outer = { source: at('2001:db8:77::1'), destination: at('2001:db8:77::ff') };
  t.like(bindingRow(home, 1, outer, undefined), {
    ifindex: 5,
    kind: CxTunnelKind.HOME,
    flags: CxBindingFlag.MAC_KNOWN,
    nextHop: '2001:db8:77::ff',
    nextHopMac: '02:00:00:00:aa:01',
    ownMac: '02:00:00:00:00:05',
    mtu: 1500,
  });
});

const agentAtHome = parseConfig(
  `role: home-agent
home: {agent: '2001:db8:77::ff', link: home0}
interfaces: [core0, home0]
registration: {}
routers:
  - name: mr1
    address: '2001:db8:77::1'
    prefixes: ['2001:db8:1::/64']
    key: /key
    bindings: [{bid: 3, name: home, tunnel: device, device: {kind: ip6tnl}}]
  - {name: mr2, address: '2001:db8:77::2', key: /key2}
  - {name: mr3, address: '2001:db8:2::1', key: /key3}
`,
  'home-ha.yaml',
) as HomeAgentConfig;

test('a home agent: to a router at home without a tunnel, whatever the file says; and proxies for those that are registered', (t) => {
  const kernelOf = (homeLink: object): NetlinkSnapshot =>
    snapshot({
      links: [link(3, 'core0'), link(6, 'home0', homeLink), link(HOME, 'coax0')],
      addresses: [address(6, '2001:db8:77::ff')],
      neighbours: [neighbour(6, '2001:db8:77::1', { mac: mac('02:00:00:00:00:99') })],
    });
  const plan = (linkAddress: string | undefined, homeLink: object = {}) =>
    planHomeAgent(agentAtHome, kernelOf(homeLink), {
      ...agent,
      registered: ({ name }) =>
        name === 'mr2'
          ? { bindings: [], prefixes: [] }
          : {
              bindings: [
                { bid: 1, careOf: at('2001:db8:a::2'), priority: 10 },
                {
                  bid: 3,
                  careOf: at(name === 'mr1' ? '2001:db8:77::1' : '2001:db8:2::1'),
                  priority: 5,
                  linkAddress: linkAddress === undefined ? undefined : mac(linkAddress),
                },
              ],
              prefixes: [],
            },
    });
  const said = plan('02:00:00:00:00:44');
  const home = said.routers[0]?.bindings.find(({ bid }) => bid === 3);
  if (!home) return t.fail();
  t.like(home, { tunnel: 'home', state: 'usable', mtu: 1500, interface: 'home0', device: undefined });
  t.deepEqual(home.accepts, []);
  t.is(home.nextHop?.address, undefined, 'nobody is asked');
  const outer = { source: at('2001:db8:77::ff'), destination: at('2001:db8:77::1') };
  t.like(bindingRow(home, 1, outer, undefined), {
    ifindex: 6,
    kind: CxTunnelKind.HOME,
    nextHop: '2001:db8:77::1',
    nextHopMac: '02:00:00:00:00:44',
  });
  t.deepEqual(
    said.proxies.map(({ ifindex, address: each }) => `${ifindex} ${each}`),
    ['6 2001:db8:77::1'],
    'not for a router without bindings, and not for an address that nobody looks for on this link',
  );
  const asked = plan(undefined).routers[0]?.bindings.find(({ bid }) => bid === 3);
  t.is(String(asked?.nextHop?.mac), '02:00:00:00:00:99', 'one that does not say where it is, is looked for');
  t.is(plan(undefined, { carrier: false }).routers[0]?.bindings[0]?.state, 'down');
});
