import test from 'ava';
import fc from 'fast-check';
import { IFLA, IFLA_INFO, IFLA_IPTUN, IFLA_VXLAN } from '../../../src/netlink/constants.js';
import { decodeLink, linkHeader } from '../../../src/netlink/link.js';
import { newLinkBody, newVxlanBody } from '../../../src/netlink/link-request.js';
import {
  changeTunnelBodies,
  newIp6GreBody,
  newIp6TunnelBody,
  newXfrmInterfaceBody,
} from '../../../src/netlink/tunnel-request.js';
import { Attributes } from '../../../src/netlink/wire.js';
import { address4, address6, optional, u32 } from './samples.js';

/** What a link message with the body of a request says of the tunnel, as plain values. */
const said = (body: Uint8Array): unknown => plain(decodeLink(body)?.tunnel);
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(sorted(plain(one))) === JSON.stringify(sorted(plain(other)));
const sorted = (value: unknown): unknown => Object.entries(value as object).sort();

const dataOf = (body: Uint8Array): Attributes | undefined =>
  new Attributes(body.subarray(16)).nested(IFLA.LINKINFO)?.nested(IFLA_INFO.DATA);

const common = { name: 't0', mtu: 1400 };
const inherit = fc.constant('inherit' as const);
const host6 = address6.filter((address) => !address.isUnspecified);
const outer = {
  local: optional(host6),
  remote: optional(host6),
  hopLimit: fc.integer({ min: 0, max: 255 }),
  encapLimit: fc.oneof(fc.constant('none' as const), fc.integer({ min: 0, max: 255 })),
  trafficClass: fc.oneof(inherit, fc.integer({ min: 0, max: 255 })),
  flowLabel: fc.oneof(inherit, fc.integer({ min: 0, max: 0xfffff })),
  fwmark: u32,
};

test('what a tunnel request asks for is what a link message says', (t) => {
  const ip6tnl = fc.record({ ...outer, protocol: fc.constantFrom('any', 'ipip6', 'ip6ip6') } as const);
  fc.assert(
    fc.property(ip6tnl, (asked) =>
      same(said(newIp6TunnelBody({ ...common, ...asked })), { kind: 'ip6tnl', external: false, ...asked }),
    ),
  );
  const ip6gre = fc.record({ ...outer, key: optional(fc.integer({ min: 0, max: 0xffffffff })) });
  fc.assert(
    fc.property(ip6gre, (asked) => {
      const { key, ...rest } = asked;
      const wanted = { kind: 'ip6gre', external: false, ...rest, inputKey: key, outputKey: key };
      return same(said(newIp6GreBody({ ...common, ...asked })), wanted);
    }),
  );
  fc.assert(
    fc.property(u32, (ifId) =>
      same(said(newXfrmInterfaceBody({ ...common, ifId })), { kind: 'xfrm', external: false, ifId }),
    ),
  );
  t.pass();
});

test('external devices say so', (t) => {
  const tunnels = [newIp6TunnelBody, newXfrmInterfaceBody, newVxlanBody].map(
    (body) => decodeLink(body({ ...common, external: true }))?.tunnel,
  );
  t.deepEqual(
    tunnels.map((tunnel) => [tunnel?.kind, tunnel?.external]),
    [
      ['ip6tnl', true],
      ['xfrm', true],
      ['vxlan', true],
    ],
  );
});

test('kinds that are not known here have no tunnel, nor have those without data', (t) => {
  const geneve = newLinkBody(common, 'geneve', (data) => data.attributeU32(1, 5));
  t.like(decodeLink(geneve), { kind: 'geneve', tunnel: undefined });
  t.like(decodeLink(newLinkBody(common, 'wireguard')), { kind: 'wireguard', tunnel: undefined });
});

test('contradictions and numbers that do not fit', (t) => {
  const refused = (make: () => unknown): void => {
    t.throws(make, { code: 'NETLINK_ARGUMENT' });
  };
  refused(() => newIp6TunnelBody({ ...common, external: true, local: '2001:db8::1' }));
  refused(() => newIp6TunnelBody({ ...common, local: '192.0.2.1' }));
  refused(() => newIp6TunnelBody({ ...common, hopLimit: 256 }));
  refused(() => newIp6TunnelBody({ ...common, encapLimit: -1 }));
  refused(() => newIp6TunnelBody({ ...common, trafficClass: 256 }));
  refused(() => newIp6TunnelBody({ ...common, flowLabel: 0x100000 }));
  refused(() => newIp6GreBody({ ...common, key: 2 ** 32 }));
  refused(() => newXfrmInterfaceBody(common));
  refused(() => newXfrmInterfaceBody({ ...common, ifId: 0 }));
  refused(() => newXfrmInterfaceBody({ ...common, ifId: 1, external: true }));
});

test('a change keeps everything else, also what is not known here', (t) => {
  const whole = newIp6TunnelBody({ ...common, local: '2001:db8::1', remote: '2001:db8::2', fwmark: 7 });
  const message = linkHeader(9)
    .attributeString(IFLA.IFNAME, 't0')
    .attributeU32(IFLA.MTU, 1400)
    .nested(IFLA.LINKINFO, (info) =>
      info.attributeString(IFLA_INFO.KIND, 'ip6tnl').nested(IFLA_INFO.DATA, (data) => {
        for (const { type, value } of dataOf(whole)?.entries() ?? []) data.attribute(type, value);
        data.attributeU32(999, 0x01020304);
      }),
    )
    .finish();
  const [body = new Uint8Array(), ...more] = changeTunnelBodies(message, { local: '2001:db8::11' });
  t.is(more.length, 0);
  t.is(new DataView(body.buffer).getInt32(4, true), 9, 'the ifindex of the header');
  t.is(String(dataOf(body)?.address(IFLA_IPTUN.LOCAL)), '2001:db8::11');
  const others = (from: Uint8Array): string[] =>
    (dataOf(from)?.entries() ?? [])
      .filter(({ type }) => type !== IFLA_IPTUN.LOCAL)
      .map(({ type, value }) => `${type} ${Buffer.from(value).toString('hex')}`)
      .sort();
  t.deepEqual(others(body), others(message));
  t.true(others(body).includes('999 04030201'));
});

test('no request where the addresses are so already', (t) => {
  const addresses = { local: '2001:db8::1', remote: '2001:db8::2' };
  for (const body of [
    newIp6TunnelBody({ ...common, ...addresses }),
    newIp6GreBody({ ...common, ...addresses }),
    newVxlanBody({ ...common, ...addresses, vni: 5 }),
  ]) {
    t.deepEqual(changeTunnelBodies(body, addresses), []);
    t.deepEqual(changeTunnelBodies(body, {}), []);
  }
  t.deepEqual(changeTunnelBodies(newIp6TunnelBody(common), { remote: '::' }), []);
});

test('a vxlan loses its remote address before it gets another local one, and then has it again', (t) => {
  const bodies = (from: Parameters<typeof newVxlanBody>[0], change: object): unknown[] =>
    changeTunnelBodies(newVxlanBody(from), change).map((body) => {
      const data = dataOf(body);
      const local = data?.address(IFLA_VXLAN.LOCAL6) ?? data?.address(IFLA_VXLAN.LOCAL);
      const remote = data?.address(IFLA_VXLAN.GROUP6) ?? data?.address(IFLA_VXLAN.GROUP);
      return [local?.toString(), remote?.toString()];
    });
  const six = { ...common, vni: 5, local: '2001:db8::1', remote: '2001:db8::2' };
  t.deepEqual(bodies(six, { local: '2001:db8::11' }), [
    ['2001:db8::11', '::'],
    [undefined, '2001:db8::2'],
  ]);
  t.deepEqual(bodies(six, { local: '2001:db8::11', keepCached: true }), [['2001:db8::11', undefined]]);
  t.deepEqual(bodies(six, { remote: '2001:db8::22' }), [[undefined, '2001:db8::22']]);
  t.deepEqual(bodies(six, { local: '2001:db8::11', remote: '::' }), [['2001:db8::11', '::']]);
  const { remote: _, ...open } = six;
  t.deepEqual(bodies(open, { local: '2001:db8::11' }), [['2001:db8::11', undefined]]);
  const four = { ...common, vni: 5, local: '192.0.2.1', remote: '192.0.2.2' };
  t.deepEqual(bodies(four, { local: '192.0.2.11' }), [
    ['192.0.2.11', '0.0.0.0'],
    [undefined, '192.0.2.2'],
  ]);
});

test('addresses of IPv4 decode where the kind has them', (t) => {
  const local4 = address4.filter((address) => !address.isUnspecified);
  fc.assert(
    fc.property(local4, (local) => {
      const tunnel = decodeLink(newVxlanBody({ ...common, vni: 5, local }))?.tunnel;
      return tunnel?.kind === 'vxlan' && String(tunnel.local) === String(local);
    }),
  );
  t.pass();
});
