import test from 'ava';
import { Address, Prefix } from '../../../src/net/index.js';
import { NLM_F } from '../../../src/netlink/constants.js';
import { decodeRoute, type Route } from '../../../src/netlink/route.js';
import { newRouteBody, type RouteSpec } from '../../../src/netlink/route-request.js';
import { RouteTable, type RouteUpdate } from '../../../src/netlink/route-table.js';

const DESTINATION = '2001:db8::/32';

function route(spec: Partial<RouteSpec>): Route {
  const decoded = decodeRoute(newRouteBody({ destination: DESTINATION, metric: 1024, ...spec }));
  if (decoded === undefined) throw new Error('not a route');
  return decoded;
}

const summary = ({ changes, doubtful }: RouteUpdate) => [
  ...changes.map(({ change, value }) => `${change} ${value.gateway ?? value.nextHops.length}`),
  ...(doubtful ? ['doubtful'] : []),
];

const viaA = route({ gateway: 'fe80::a', ifindex: 1 });
const viaB = route({ gateway: 'fe80::b', ifindex: 1 });
const viaBoth = route({
  nextHops: [
    { gateway: 'fe80::a', ifindex: 1 },
    { gateway: 'fe80::b', ifindex: 1 },
  ],
});

test('routes with different paths share a slot', (t) => {
  const table = new RouteTable();
  t.deepEqual(summary(table.announce(viaA, NLM_F.CREATE)), ['added fe80::a']);
  t.deepEqual(summary(table.announce(viaB, NLM_F.CREATE)), ['added fe80::b']);
  t.deepEqual(summary(table.withdraw(viaA)), ['removed fe80::a']);
  t.is(table.values().length, 1);
});

test('a replacement takes the place of the other route in its slot', (t) => {
  const table = new RouteTable();
  table.announce(viaA, 0);
  t.deepEqual(summary(table.announce(viaB, NLM_F.REPLACE)), ['removed fe80::a', 'added fe80::b']);
});

test('a replacement among several needs a dump', (t) => {
  const table = new RouteTable();
  table.announce(viaA, 0);
  table.announce(viaB, 0);
  t.deepEqual(summary(table.announce(route({ ifindex: 9 }), NLM_F.REPLACE)), ['added 0', 'doubtful']);
});

test('an appended path makes a multipath route of a single one', (t) => {
  const table = new RouteTable();
  table.announce(viaA, 0);
  t.deepEqual(summary(table.announce(viaBoth, NLM_F.APPEND)), ['removed fe80::a', 'added 2', 'doubtful']);
});

test('the end of one path of a multipath route needs a dump, that of an unknown route does not', (t) => {
  const table = new RouteTable();
  t.deepEqual(summary(table.withdraw(viaA)), []);
  table.announce(viaBoth, 0);
  t.deepEqual(summary(table.withdraw(viaA)), ['doubtful']);
  t.deepEqual(summary(table.withdraw(viaBoth)), ['removed 2']);
});

test('the same path with another attribute is a change', (t) => {
  const table = new RouteTable();
  table.announce(viaA, 0);
  const { changes } = table.announce(route({ gateway: 'fe80::a', ifindex: 1, mtu: 1280 }), NLM_F.REPLACE);
  t.is(changes[0]?.change, 'changed');
  t.is(changes[0]?.previous?.mtu, undefined);
  t.is(changes[0]?.value.mtu, 1280);
});

test('the longest prefix that covers an address is found, table by table, while routes come and go', (t) => {
  const table = new RouteTable();
  const all = route({ destination: '::/0', gateway: 'fe80::a', ifindex: 1 });
  const two = route({ destination: '::/0', gateway: 'fe80::b', ifindex: 2, metric: 2000 });
  const part = route({ destination: '2001:db8:1::/48', gateway: 'fe80::c', ifindex: 3 });
  const other = route({ destination: '2001:db8:1:2::/64', ifindex: 4, table: 100 });
  for (const one of [all, two, part, other]) table.announce(one, NLM_F.CREATE);
  const gateways = (text: string, number = 254): string[] =>
    table.longest(Address.parse(text), number).map(({ gateway }) => String(gateway));
  t.deepEqual(gateways('2001:db8:1:2::3'), ['fe80::c'], 'that of another table is no way');
  t.deepEqual(gateways('2001:db8:2::3'), ['fe80::a', 'fe80::b']);
  t.deepEqual(gateways('2001:db8:2::3', 100), []);
  t.deepEqual(gateways('192.0.2.1'), [], 'of another family');
  t.deepEqual(
    table.to(Prefix.parse('2001:db8:1:2::/64')).map(({ ifindex }) => ifindex),
    [4],
  );
  t.deepEqual(table.to(Prefix.parse('2001:db8:1:2::/63')), []);
  table.withdraw(part);
  t.deepEqual(gateways('2001:db8:1:2::3'), ['fe80::a', 'fe80::b']);
  table.withdraw(all);
  table.withdraw(two);
  t.deepEqual(gateways('2001:db8:1:2::3'), []);
  table.announce(part, NLM_F.CREATE);
  t.deepEqual(gateways('2001:db8:1:2::3'), ['fe80::c']);
});
