import test from 'ava';
import fc from 'fast-check';
import { type Encapsulation, largestInner, leastPath, parseConfig } from '../../../src/config/index.js';

const KINDS: readonly Encapsulation[] = ['ipv6', 'gre', 'gre-key', 'vxlan', 'wireguard', 'esp', 'unknown'];

test('what a path of 1500 bytes carries', (t) => {
  const sizes = KINDS.map((kind) => [kind, largestInner(1500, kind)]);
  t.deepEqual(Object.fromEntries(sizes), {
    ...{ ipv6: 1460, gre: 1456, 'gre-key': 1452, vxlan: 1430, wireguard: 1420, esp: 1426, unknown: 1460 },
  });
});

test('the least path for a size carries it, and a byte less does not', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1280, max: 65_000 }), fc.constantFrom(...KINDS), (inner, kind) => {
      const path = leastPath(inner, kind);
      t.true(largestInner(path, kind) >= inner);
      t.true(largestInner(path - 1, kind) < inner);
    }),
  );
});

const file = (device: string): string => `role: mobile-router
home: {agent: '2001:db8:ffff::1', address: '2001:db8:77::1'}
bindings: [{bid: 7, interface: wa, tunnel: device, device: ${device}}]
`;

test('devices with their defaults', (t) => {
  const device = (text: string): unknown => {
    const config = parseConfig(file(text), 'mr.yaml');
    return config.role === 'mobile-router' ? config.bindings[0]?.device : undefined;
  };
  const peer = `${'A'.repeat(43)}=`;
  t.deepEqual(device('{kind: ip6tnl}'), { kind: 'ip6tnl', name: 'coax-7' });
  t.deepEqual(device('{kind: ip6gre, key: 5, name: g}'), { kind: 'ip6gre', name: 'g', key: 5 });
  t.deepEqual(device('{kind: vxlan}'), { kind: 'vxlan', name: 'coax-7', vni: 7, port: 4789 });
  t.deepEqual(device('{adopt: wg-home}'), { kind: 'adopted', name: 'wg-home' });
  t.deepEqual(device('{kind: xfrm, keys: /k}'), { kind: 'xfrm', name: 'coax-7', keyFile: '/k' });
  t.deepEqual(device(`{kind: wireguard, private-key: /k, peer: ${peer}}`), {
    ...{ kind: 'wireguard', name: 'coax-7', privateKeyFile: '/k', presharedKeyFile: undefined },
    ...{ peer, port: 51_820 },
  });
});
