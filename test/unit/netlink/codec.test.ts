import test from 'ava';
import fc from 'fast-check';
import { newAddressBody } from '../../../src/netlink/address-request.js';
import { IFA_F, IFLA, NUD, RTA } from '../../../src/netlink/constants.js';
import { addressHeader, decodeInterfaceAddress } from '../../../src/netlink/interface-address.js';
import { decodeLink, decodeLinkStats, linkHeader } from '../../../src/netlink/link.js';
import { newVethBody, newVxlanBody, setLinkBodies } from '../../../src/netlink/link-request.js';
import { decodeNeighbour, neighbourHeader } from '../../../src/netlink/neighbour.js';
import { newNeighbourBody } from '../../../src/netlink/neighbour-request.js';
import { decodeRoute, routeKey } from '../../../src/netlink/route.js';
import { newRouteBody } from '../../../src/netlink/route-request.js';
import { decodeRule } from '../../../src/netlink/rule.js';
import { newRuleBody } from '../../../src/netlink/rule-request.js';
import { Attributes } from '../../../src/netlink/wire.js';
import { address4, address6, ifindex, mac, optional, prefixOf, u32 } from './samples.js';

/** Whether the decoded object has everything the request asked for. */
function includes(decoded: object | undefined, asked: object): boolean {
  const whole = JSON.parse(JSON.stringify(decoded ?? null));
  const part = JSON.parse(JSON.stringify(asked));
  return Object.keys(part).every((key) => JSON.stringify(whole?.[key]) === JSON.stringify(part[key]));
}

test('what a route request asks for is what a route message says', (t) => {
  const routes = fc.constantFrom(address4, address6).chain((address) =>
    fc.record({
      destination: prefixOf(address),
      source: optional(prefixOf(address).filter((prefix) => prefix.length > 0)),
      gateway: optional(address),
      ifindex: optional(ifindex),
      metric: u32,
      table: u32,
      type: fc.constantFrom('unicast', 'local', 'unreachable', 'blackhole', 'prohibit', 'throw'),
      prefsrc: optional(address),
      mtu: optional(u32),
      protocol: fc.integer({ min: 0, max: 255 }),
      onlink: fc.boolean(),
    } as const),
  );
  fc.assert(fc.property(routes, (route) => includes(decodeRoute(newRouteBody(route)), route)));
  t.true(decodeRoute(newRouteBody({ destination: '::/0' }))?.destination.isDefault);
});

test('counters of a link: the first eight of struct rtnl_link_stats64, wider than 32 bits', (t) => {
  const numbers = BigUint64Array.from({ length: 25 }, (_, position) => 2n ** 40n + BigInt(position));
  const body = linkHeader(3).attribute(IFLA.STATS64, new Uint8Array(numbers.buffer)).finish();
  const base = 2 ** 40;
  t.deepEqual(decodeLinkStats(body), {
    rxPackets: base,
    txPackets: base + 1,
    rxBytes: base + 2,
    txBytes: base + 3,
    rxErrors: base + 4,
    txErrors: base + 5,
    rxDropped: base + 6,
    txDropped: base + 7,
  });
  t.is(decodeLinkStats(linkHeader(3).finish()), undefined);
});

test('multipath routes keep their next hops', (t) => {
  const hop = fc.record({
    gateway: optional(address6),
    ifindex,
    weight: fc.integer({ min: 1, max: 256 }),
    onlink: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(hop, { minLength: 1, maxLength: 8 }), (nextHops) => {
      const route = decodeRoute(newRouteBody({ destination: '2001:db8::/32', nextHops }));
      return (
        route?.nextHops.length === nextHops.length &&
        nextHops.every((asked, i) => includes(route.nextHops[i], asked))
      );
    }),
  );
  const paths = [
    { gateway: 'fe80::1', ifindex: 1 },
    { gateway: 'fe80::2', ifindex: 2 },
  ];
  const key = (nextHops: typeof paths): string | undefined => {
    const route = decodeRoute(newRouteBody({ destination: '::/0', nextHops }));
    return route && routeKey(route);
  };
  t.is(key(paths), key([...paths].reverse()), 'the order of paths does not make another route');
});

test('what a rule request asks for is what a rule message says', (t) => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/);
  const rules = fc.record({
    priority: u32,
    source: optional(prefixOf(address6)),
    destination: optional(prefixOf(address6)),
    mark: optional(fc.record({ fwmark: u32, fwmask: u32 })),
    table: u32,
    iif: optional(name),
    oif: optional(name),
    protocol: fc.integer({ min: 0, max: 255 }),
    invert: fc.boolean(),
    suppressPrefixLength: optional(fc.integer({ min: 0, max: 128 })),
    ipProto: optional(fc.integer({ min: 1, max: 255 })),
  });
  fc.assert(
    fc.property(rules, ({ mark, ...rest }) => {
      const rule = { ...rest, ...mark };
      return includes(decodeRule(newRuleBody(rule)), rule);
    }),
  );
  const whole = decodeRule(newRuleBody({ priority: 1, fwmark: 5, table: 7 }));
  t.is(whole?.fwmask, 0xffffffff, 'a mark without a mask is compared as a whole');
});

test('what an address request asks for is what an address message says', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(address6, address4).chain((address) =>
        fc.record({
          ifindex,
          address: fc.constant(address),
          prefixLength: fc.integer({ min: 0, max: address.bits }),
          noDad: fc.boolean(),
          noPrefixRoute: fc.boolean(),
          preferredLifetime: fc.constantFrom(0, 1, 3600, 0xfffffffe),
          validLifetime: fc.constantFrom(3600, 0xfffffffe),
          protocol: fc.integer({ min: 0, max: 255 }),
        }),
      ),
      (spec) => includes(decodeInterfaceAddress(newAddressBody(spec)), spec),
    ),
  );
  const forever = decodeInterfaceAddress(
    newAddressBody({ ifindex: 1, address: '2001:db8::1', prefixLength: 64 }),
  );
  t.is(forever?.validLifetime, Number.POSITIVE_INFINITY);
  t.is(forever?.prefix.toString(), '2001:db8::/64');
});

test('the flags attribute overrides the eight bits of the header', (t) => {
  const body = newAddressBody({ ifindex: 1, address: '2001:db8::1', prefixLength: 64, noPrefixRoute: true });
  body[2] = IFA_F.TENTATIVE;
  const address = decodeInterfaceAddress(body);
  t.is(address?.flags, IFA_F.NOPREFIXROUTE);
  t.false(address?.tentative);
  const header = addressHeader(10, 64, 0, 1).attributeAddress(1, address?.address).finish();
  header[2] = IFA_F.TENTATIVE;
  t.true(decodeInterfaceAddress(header)?.tentative, 'without the attribute the header counts');
});

test('what a neighbour request asks for is what a neighbour message says', (t) => {
  const specs = fc.record({
    ifindex,
    address: fc.oneof(address6, address4),
    mac: optional(mac),
    state: fc.constantFrom(NUD.NONE, NUD.REACHABLE, NUD.PERMANENT, NUD.STALE),
    managed: fc.boolean(),
    router: fc.boolean(),
    proxy: fc.boolean(),
    extLearned: fc.boolean(),
    protocol: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(fc.property(specs, (spec) => includes(decodeNeighbour(newNeighbourBody(spec)), spec)));
  const usable = decodeNeighbour(
    newNeighbourBody({ ifindex: 1, address: 'fe80::1', mac: '02:00:00:00:00:01' }),
  );
  t.deepEqual(usable?.states, ['permanent']);
  t.true(usable?.usable);
  t.false(decodeNeighbour(newNeighbourBody({ ifindex: 1, address: 'fe80::1', managed: true }))?.usable);
});

test('messages that share a group but are something else are not decoded', (t) => {
  t.is(decodeNeighbour(neighbourHeader(7, 1).finish()), undefined, 'bridge forwarding entry');
  t.is(decodeLink(linkHeader(3).attributeString(3, 'eth0').finish()), undefined, 'wireless event');
  const route = newRouteBody({ destination: '::/0' });
  route[0] = 129;
  t.is(decodeRoute(route), undefined, 'multicast routing');
});

test('a link message', (t) => {
  const link = decodeLink(
    linkHeader(7, 0x110c3)
      .attributeString(3, 'coax0')
      .attributeU32(4, 1400)
      .attribute(1, Uint8Array.of(2, 0, 0, 0, 0, 1))
      .attributeU8(16, 6)
      .attributeU8(33, 1)
      .nested(18, (info) => info.attributeString(1, 'veth'))
      .nested(52, (list) => list.attributeString(53, 'first-long-name').attributeString(53, 'second'))
      .nested(26, (families) => families.nested(10, (inet6) => inet6.attributeU8(8, 1)))
      .finish(),
  );
  t.like(link, {
    ifindex: 7,
    name: 'coax0',
    kind: 'veth',
    mtu: 1400,
    up: true,
    running: true,
    lowerUp: true,
    noArp: true,
    carrier: true,
    operState: 'up',
    addrGenMode: 'none',
    altNames: ['first-long-name', 'second'],
  });
  t.is(link?.mac?.toString(), '02:00:00:00:00:01');
});

test('addresses that are not of six bytes are no MAC', (t) => {
  const body = linkHeader(7).attributeString(3, 'tun').attributeU32(4, 1400).attribute(1, new Uint8Array(16));
  t.is(decodeLink(body.finish())?.mac, undefined);
});

test('a table above 255 is only in the attribute', (t) => {
  const body = newRouteBody({ destination: '::/0', table: 1000 });
  t.is(body[4], 0);
  t.is(new Attributes(body.subarray(12)).u32(RTA.TABLE), 1000);
});

test('address generation is set before the link comes up', (t) => {
  t.is(setLinkBodies(1, { up: true, addrGenMode: 'none' }).length, 2);
  t.is(setLinkBodies(1, { up: true, mtu: 1400 }).length, 1);
  t.is(setLinkBodies(1, {}).length, 0);
});

for (const name of ['', '.', 'a name', 'a/b', 'a:b', 'sixteen-bytes-xx', 'ünïcödë-lång']) {
  test(`'${name}' cannot name an interface`, (t) => {
    t.throws(() => newVethBody({ name, peer: 'b' }), { code: 'NETLINK_ARGUMENT' });
    t.throws(() => newVethBody({ name: 'a', peer: name }), { code: 'NETLINK_ARGUMENT' });
  });
}

test('a vxlan device needs a vni or external', (t) => {
  t.throws(() => newVxlanBody({ name: 'vx0' }), { code: 'NETLINK_ARGUMENT' });
  t.notThrows(() => newVxlanBody({ name: 'vx0', external: true }));
});
