import test from 'ava';
import {
  chooseCareOf,
  observeHomeLink,
  observeUplink,
  type UplinkQuery,
} from '../../../src/careof/uplink.js';
import { ARPHRD, type NetlinkSnapshot } from '../../../src/netlink/index.js';
import {
  address,
  at,
  hop,
  link,
  mac,
  neighbour,
  prefix,
  route,
  snapshot,
} from '../../support/kernel-objects.js';

const WA = 3;
const OUR_PROTOCOL = 191;
const GATEWAY = '2001:db8:a::1';

const query: UplinkQuery = {
  interface: 'wa',
  careOf: 'auto',
  gateway: 'auto',
  homeAgent: at('2001:db8:ffff::1'),
  home: [prefix('2001:db8:77::1/128'), prefix('2001:db8:1::/64')],
  current: undefined,
  ownProtocol: OUR_PROTOCOL,
};

const wa = link(WA, 'wa');
const byDefault = route('::/0', { gateway: at(GATEWAY), ifindex: WA });
const good = address(WA, '2001:db8:a::2');
const usual = snapshot({ links: [wa], addresses: [good], routes: [byDefault] });

interface Row {
  what: string;
  state: string;
  careOf?: string;
  gateway?: string;
  candidates?: string[];
  kernel: Partial<NetlinkSnapshot>;
  query?: Partial<UplinkQuery>;
}

const rows: Row[] = [
  { what: 'as usual', kernel: {}, state: 'usable', careOf: '2001:db8:a::2', gateway: GATEWAY },
  { what: 'there is no such link', kernel: { links: [] }, state: 'down' },
  {
    what: 'found by another name',
    kernel: { links: [link(WA, 'x', { altNames: ['wa'] })] },
    state: 'usable',
  },
  { what: 'set down', kernel: { links: [link(WA, 'wa', { up: false })] }, state: 'down', candidates: [] },
  {
    what: 'no carrier',
    kernel: { links: [link(WA, 'wa', { carrier: false })] },
    state: 'no-carrier',
    candidates: ['2001:db8:a::2'],
  },
  {
    what: 'lower layer down',
    kernel: { links: [link(WA, 'wa', { operState: 'lowerLayerDown' })] },
    state: 'no-carrier',
  },
  {
    what: 'a link that does not tell its carrier',
    kernel: { links: [link(WA, 'wa', { carrier: undefined, operState: 'unknown' })] },
    state: 'usable',
  },
  { what: 'no address', kernel: { addresses: [] }, state: 'no-address', candidates: [] },
  { what: 'link-local only', kernel: { addresses: [address(WA, 'fe80::1')] }, state: 'no-address' },
  {
    what: 'tentative',
    kernel: { addresses: [address(WA, '2001:db8:a::2', { tentative: true })] },
    state: 'tentative',
    candidates: ['2001:db8:a::2'],
  },
  {
    what: 'tentative but optimistic',
    kernel: { addresses: [address(WA, '2001:db8:a::2', { tentative: true, optimistic: true })] },
    state: 'usable',
  },
  {
    what: 'a duplicate',
    kernel: { addresses: [address(WA, '2001:db8:a::2', { tentative: true, dadFailed: true })] },
    state: 'no-address',
    candidates: [],
  },
  {
    what: 'a duplicate beside a good one',
    kernel: { addresses: [address(WA, '2001:db8:a::1:1', { dadFailed: true }), good] },
    state: 'usable',
    careOf: '2001:db8:a::2',
    candidates: ['2001:db8:a::2'],
  },
  {
    what: 'deprecated',
    kernel: { addresses: [address(WA, '2001:db8:a::2', { deprecated: true })] },
    state: 'deprecated',
    careOf: '2001:db8:a::2',
  },
  {
    what: 'deprecated in use beside a preferred one',
    kernel: { addresses: [address(WA, '2001:db8:a::2', { deprecated: true }), address(WA, '2001:db8:a::9')] },
    query: { current: at('2001:db8:a::2') },
    state: 'usable',
    careOf: '2001:db8:a::9',
    candidates: ['2001:db8:a::2', '2001:db8:a::9'],
  },
  {
    what: 'the one in use stays although another sorts first',
    kernel: { addresses: [address(WA, '2001:db8:a::1:2'), address(WA, '2001:db8:a::9')] },
    query: { current: at('2001:db8:a::1:2') },
    state: 'usable',
    careOf: '2001:db8:a::1:2',
  },
  {
    what: 'addresses of home are none',
    kernel: { addresses: [address(WA, '2001:db8:1::2'), address(WA, '2001:db8:77::1')] },
    state: 'no-address',
  },
  {
    what: 'addresses of other links are none',
    kernel: { addresses: [address(WA + 1, '2001:db8:a::2')] },
    state: 'no-address',
  },
  {
    what: 'the address asked for, among others',
    kernel: { addresses: [good, address(WA, '2001:db8:a::5')] },
    query: { careOf: at('2001:db8:a::5') },
    state: 'usable',
    careOf: '2001:db8:a::5',
    candidates: ['2001:db8:a::5'],
  },
  {
    what: 'the address asked for is not there',
    kernel: {},
    query: { careOf: at('2001:db8:a::5') },
    state: 'no-address',
  },
  { what: 'no route', kernel: { routes: [] }, state: 'no-route', candidates: ['2001:db8:a::2'] },
  {
    what: 'a route of another link',
    kernel: { routes: [route('::/0', { gateway: at(GATEWAY), ifindex: WA + 1 })] },
    state: 'no-route',
  },
  {
    what: 'our own routes are no way',
    kernel: { routes: [route('::/0', { gateway: at(GATEWAY), ifindex: WA, protocol: OUR_PROTOCOL })] },
    state: 'no-route',
  },
  {
    what: 'reject routes are no way',
    kernel: { routes: [route('::/0', { type: 'unreachable', ifindex: WA })] },
    state: 'no-route',
  },
  {
    what: 'dead routes are no way',
    kernel: { routes: [route('::/0', { gateway: at(GATEWAY), ifindex: WA, dead: true })] },
    state: 'no-route',
  },
  {
    what: 'a route that leads elsewhere',
    kernel: { routes: [route('2001:db8:5::/48', { ifindex: WA })] },
    state: 'no-route',
  },
  {
    what: 'a gateway given',
    kernel: { routes: [] },
    query: { gateway: at('fe80::9') },
    state: 'usable',
    gateway: 'fe80::9',
  },
  {
    what: 'the home agent on the link',
    kernel: { routes: [route('2001:db8:ffff::/64', { ifindex: WA, metric: 256 }), byDefault] },
    state: 'usable',
    gateway: '2001:db8:ffff::1',
  },
  {
    what: 'the longest prefix, then the lowest metric',
    kernel: {
      routes: [
        route('::/0', { gateway: at('fe80::1'), ifindex: WA, metric: 1 }),
        route('2001:db8::/32', { gateway: at('fe80::2'), ifindex: WA, metric: 300 }),
        route('2001:db8::/32', { gateway: at('fe80::3'), ifindex: WA, metric: 200 }),
      ],
    },
    state: 'usable',
    gateway: 'fe80::3',
  },
  {
    what: 'one path of a multipath route',
    kernel: { routes: [route('::/0', { nextHops: [hop(WA + 1, 'fe80::b'), hop(WA, 'fe80::a')] })] },
    state: 'usable',
    gateway: 'fe80::a',
  },
];

for (const row of rows) {
  test(`an uplink: ${row.what}`, (t) => {
    const uplink = observeUplink({ ...usual, ...row.kernel }, { ...query, ...row.query });
    t.is(uplink.state, row.state as typeof uplink.state);
    if (row.careOf !== undefined) t.is(String(uplink.careOf), row.careOf);
    if (row.gateway !== undefined) t.is(String(uplink.nextHop?.address), row.gateway);
    if (row.candidates !== undefined) t.deepEqual(uplink.candidates.map(String), row.candidates);
    if (!['usable', 'deprecated'].includes(row.state)) {
      t.is(uplink.careOf, undefined);
      t.is(uplink.nextHop, undefined);
    }
  });
}

test('the next hop has its MAC address as soon as the neighbour table has it', (t) => {
  const nextHop = (...neighbours: NetlinkSnapshot['neighbours'][number][]) =>
    observeUplink({ ...usual, neighbours }, query).nextHop;
  t.deepEqual(nextHop()?.mac, undefined);
  t.is(String(nextHop(neighbour(WA, GATEWAY))?.mac), '02:00:00:00:aa:01');
  t.is(String(nextHop()?.ownMac), String(wa.mac));
  t.is(nextHop(neighbour(WA, GATEWAY, { usable: false }))?.mac, undefined, 'failed');
  t.is(nextHop(neighbour(WA + 1, GATEWAY))?.mac, undefined, 'on another link');
  t.is(nextHop(neighbour(WA, GATEWAY, { proxy: true }))?.mac, undefined, 'a proxy entry');
});

test('a link without Ethernet headers has a next hop without addresses', (t) => {
  const tun = link(WA, 'wa', { type: ARPHRD.NONE, mac: undefined, carrier: undefined, operState: 'unknown' });
  const kernel = { ...usual, links: [tun], routes: [route('::/0', { ifindex: WA })] };
  const { state, nextHop } = observeUplink(kernel, query);
  t.is(state, 'usable');
  t.deepEqual(nextHop, {
    ifindex: WA,
    address: undefined,
    mac: undefined,
    ownMac: undefined,
    linkHeader: false,
  });
});

test('temporary addresses come last, and ties are broken by number', (t) => {
  const stable = address(WA, '2001:db8:a::9');
  const temporary = address(WA, '2001:db8:a::1', { temporary: true });
  t.is(chooseCareOf([temporary, stable], undefined), stable);
  t.is(chooseCareOf([temporary], undefined), temporary);
  t.is(chooseCareOf([stable, temporary], temporary.address), temporary, 'the one in use stays');
  const lower = address(WA, '2001:db8:a::3');
  t.is(chooseCareOf([stable, lower], undefined), lower);
  t.is(chooseCareOf([lower, stable], undefined), lower);
  t.is(chooseCareOf([], undefined), undefined);
  t.is(chooseCareOf([address(WA, '2001:db8:a::3', { tentative: true })], at('2001:db8:a::3')), undefined);
  const both = [stable, temporary].map((item) => ({ ...item, deprecated: true }));
  t.is(chooseCareOf(both, temporary.address)?.address, temporary.address);
});

test('on-link prefixes are those that the kernel would have routes for', (t) => {
  const kernel = {
    ...usual,
    addresses: [
      good,
      address(WA, '2001:db8:a::3'),
      address(WA, '2001:db8:d::1/128'),
      address(WA, '2001:db8:e::1', { noPrefixRoute: true }),
    ],
  };
  t.deepEqual(observeUplink(kernel, query).prefixes.map(String), ['2001:db8:a::/64']);
  t.is(mac('02:00:00:00:00:03').toString(), String(wa.mac));
});

test('the home link: usable while the home agent is on-link there', (t) => {
  const homeAgent = at('2001:db8:77::ff');
  const homeAddress = at('2001:db8:77::1');
  const onLink = route('2001:db8:77::/64', { ifindex: WA });
  const look = (change: Partial<NetlinkSnapshot>) =>
    observeHomeLink(
      { ...usual, routes: [onLink], ...change },
      { interface: 'wa', homeAddress, homeAgent, ownProtocol: OUR_PROTOCOL },
    );
  const home = look({ neighbours: [neighbour(WA, '2001:db8:77::ff')] });
  t.like(home, { state: 'usable', candidates: [], prefixes: [], gateway: undefined });
  t.is(String(home.careOf), '2001:db8:77::1');
  t.is(String(home.nextHop?.address), '2001:db8:77::ff');
  t.is(String(home.nextHop?.mac), '02:00:00:00:aa:01');
  const states: [string, Partial<NetlinkSnapshot>][] = [
    ['down', { links: [] }],
    ['down', { links: [link(WA, 'wa', { up: false })] }],
    ['no-carrier', { links: [link(WA, 'wa', { carrier: false })] }],
    ['no-route', { routes: [] }],
    ['no-route', { routes: [byDefault] }],
    ['no-route', { routes: [route('2001:db8:77::/64', { ifindex: WA, gateway: at(GATEWAY) })] }],
    ['no-route', { routes: [route('2001:db8:77::/64', { ifindex: WA + 1 })] }],
    ['no-route', { routes: [route('2001:db8:77::/64', { ifindex: WA, protocol: OUR_PROTOCOL })] }],
  ];
  for (const [state, change] of states) t.is(look(change).state, state as typeof home.state);
});
