import test from 'ava';
import { bypassedPolicies, type FastTraffic } from '../../../src/ipsec/index.js';
import { Address, Prefix } from '../../../src/net/index.js';
import type { InterfaceAddress, Link } from '../../../src/netlink/index.js';
import { decodePolicy, putPolicyBody, type XfrmPolicySpec } from '../../../src/netlink/xfrm-policy.js';

const HOME = '2001:db8:77::1';
const LAN = '2001:db8:1::/64';
const CN = '2001:db8:99::2/128';

const link = (ifindex: number, name: string, master?: number): Link =>
  ({ ifindex, name, altNames: [], master }) as unknown as Link;
const address = (text: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress =>
  ({ address: Address.parse(text), tentative: false, dadFailed: false, ...more }) as InterfaceAddress;

const TRAFFIC: FastTraffic = {
  prefixes: [Prefix.parse(`${HOME}/128`), Prefix.parse(LAN)],
  interfaces: ['lan0', 'coax0'],
  links: [link(2, 'lan0', 9), link(3, 'coax0'), link(4, 'wa'), link(9, 'br0')],
  addresses: [
    ...[address(HOME), address('2001:db8:1::1'), address('2001:db8:a::2')],
    ...[address('2001:db8:1::5', { tentative: true }), address('2001:db8:1::6', { dadFailed: true })],
  ],
};

const OPEN = { in: 'accept', out: 'accept', fwd: 'accept' } as const;
const PROTECTING = { templates: [{ mode: 'tunnel' }] } as const;
const out = (source: string, destination: string, more: Partial<XfrmPolicySpec> = {}): XfrmPolicySpec => ({
  ...{ direction: 'out', selector: { source, destination } },
  ...PROTECTING,
  ...more,
});

const counting = (spec: XfrmPolicySpec, traffic = TRAFFIC): boolean => {
  const policy = decodePolicy(putPolicyBody(spec, ''));
  return (
    policy !== undefined && bypassedPolicies({ policies: [policy], defaults: OPEN }, traffic).length === 1
  );
};

const COUNT: Readonly<Record<string, XfrmPolicySpec>> = {
  'the whole LAN': out(LAN, '::/0'),
  'one host of the LAN': out('2001:db8:1::2/128', CN),
  everything: out('::/0', '::/0'),
  'everything to one host': out('::/0', CN),
  'to the LAN': out('2001:db8:99::/64', LAN),
  'one protocol and port': out(LAN, CN, {
    selector: { source: LAN, protocol: 17, destinationPort: 53 },
  }),
  'with a mark': out(LAN, CN, { mark: { value: 1, mask: 1 } }),
  'as an option': out(LAN, CN, { templates: [{ mode: 'transport', optional: true }] }),
  'with interface id 0': out(LAN, CN, { ifId: 0 }),
  blocking: out(LAN, CN, { action: 'block', templates: [] }),
  'blocking an address of this machine': out(`${HOME}/128`, CN, { action: 'block', templates: [] }),
  'forwarding, protected only': out(CN, LAN, { direction: 'fwd' }),
  'forwarding, from an address of this machine': out(`${HOME}/128`, CN, { direction: 'fwd' }),
  'an address that is not ours yet': out('2001:db8:1::5/128', CN),
  'an address that another one has': out('2001:db8:1::6/128', CN),
  'a prefix with an address of this machine': out('2001:db8:1::/127', CN),
  'leaving by the home interface': out(LAN, CN, { selector: { source: LAN, ifindex: 3 } }),
  'leaving by the ingress interface': out(LAN, CN, { selector: { destination: LAN, ifindex: 2 } }),
  'leaving by its bridge': out(LAN, CN, { selector: { destination: LAN, ifindex: 9 } }),
};

const NOT: Readonly<Record<string, XfrmPolicySpec>> = {
  'of an xfrm interface': out(LAN, '::/0', { ifId: 1 }),
  incoming: out('::/0', '::/0', { direction: 'in' }),
  'letting through': out(LAN, CN, { templates: [] }),
  IPv4: out('0.0.0.0/0', '0.0.0.0/0'),
  'of the home address': out(`${HOME}/128`, CN),
  'of an address of this machine in the LAN': out('2001:db8:1::1/128', '::/0'),
  'to the home address, protected only': out(CN, `${HOME}/128`, { direction: 'fwd' }),
  'to the home address, blocking': out('::/0', `${HOME}/128`, { direction: 'fwd', action: 'block' }),
  'of a care-of address': out('2001:db8:a::2/128', '2001:db8:ffff::1/128'),
  'of other networks': out('2001:db8:2::/64', '2001:db8:3::/64'),
  'on a link': out('fe80::/10', '::/0'),
  'to neighbours': out('::/0', 'fe80::/64'),
  'to groups': out('::/0', 'ff02::5/128'),
  'leaving by an uplink': out(LAN, CN, { selector: { source: LAN, ifindex: 4 } }),
};

for (const [name, spec] of Object.entries(COUNT)) {
  test(`counts: ${name}`, (t) => t.true(counting(spec)));
}
for (const [name, spec] of Object.entries(NOT)) {
  test(`does not count: ${name}`, (t) => t.false(counting(spec)));
}

test('an address of this machine that it has no longer counts from then on', (t) => {
  t.true(counting(out(`${HOME}/128`, CN), { ...TRAFFIC, addresses: [] }));
});

test('what no policy matches is blocked: it counts where packets are forwarded', (t) => {
  const blocked = (direction: 'in' | 'out' | 'fwd') =>
    bypassedPolicies({ policies: [], defaults: { ...OPEN, [direction]: 'block' } }, TRAFFIC);
  t.deepEqual(blocked('in'), []);
  t.deepEqual(blocked('out'), ['default dir out action block']);
  t.deepEqual(blocked('fwd'), ['default dir fwd action block']);
});
