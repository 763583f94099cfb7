import test from 'ava';
import { planIngress } from '../../../src/careof/forwarding.js';
import { interfaceViews } from '../../../src/careof/report.js';
import { type MobileRouterConfig, parseConfig } from '../../../src/config/index.js';
import type { Ruleset } from '../../../src/netfilter/index.js';
import type { Link } from '../../../src/netlink/index.js';

const config = parseConfig(
  `role: mobile-router
home: {agent: '2001:db8:ffff::1', address: '2001:db8:77::1', prefixes: ['2001:db8:1::/64']}
ingress:
  - {interface: lan0}
  - {interface: lan1, forwarding: fast}
  - {interface: lan2, forwarding: stack}
bindings: [{bid: 1, name: a, interface: wa}]
`,
  'mr.yaml',
) as MobileRouterConfig;

const link = (ifindex: number, name: string, more: Partial<Link> = {}): Link =>
  ({ ifindex, name, altNames: [], master: undefined, ...more }) as Link;
const LINKS = [link(2, 'eth2', { altNames: ['lan0'], master: 9 }), link(3, 'lan1'), link(9, 'br9')];

function firewall(...names: string[]): Ruleset {
  const rules = names.map((name, at) => ({
    handle: at + 1,
    text: `iifname ${name} drop`,
    interfaces: [{ direction: 'in', names: [name], negated: false } as const],
    calls: [],
    touches: ['drops'] as const,
  }));
  const hook = { name: 'forward', policy: 'accept', devices: undefined } as const;
  return [{ family: 'inet', table: 'fw', name: 'fwd', hook, rules }];
}

const ways = (rules: Ruleset | Error): string[] =>
  planIngress(config, LINKS, rules).map(
    ({ interface: name, forwarding, problem }) => `${name} ${forwarding} ${problem?.code ?? 'well'}`,
  );

test('auto goes by the rules, fast and stack are obeyed', (t) => {
  t.deepEqual(ways([]), ['lan0 fast well', 'lan1 fast well', 'lan2 stack well']);
  t.deepEqual(ways(firewall('lan1')), ['lan0 fast well', 'lan1 fast FIREWALL_BYPASSED', 'lan2 stack well']);
  t.deepEqual(ways(firewall('coax0')), ['lan0 stack well', 'lan1 fast FIREWALL_BYPASSED', 'lan2 stack well']);
});

test('rules name an interface by its own name, or by the bridge it belongs to', (t) => {
  for (const [name, way] of [
    ['lan0', 'fast'],
    ['eth2', 'stack'],
    ['br9', 'stack'],
  ] as const) {
    t.is(planIngress(config, LINKS, firewall(name))[0]?.forwarding, way, name);
  }
});

test('as long as the rules are unknown auto means stack, and it is said', (t) => {
  const unknown = new Error('no nft here');
  t.deepEqual(ways(unknown), [
    'lan0 stack FIREWALL_UNKNOWN',
    'lan1 fast FIREWALL_UNKNOWN',
    'lan2 stack well',
  ]);
  t.regex(planIngress(config, LINKS, unknown)[0]?.why ?? '', /no nft here/);
});

test('status says which way and why, also of interfaces without a program or that are not there', (t) => {
  const ingress = planIngress(config, LINKS, firewall('eth2', 'br9'));
  const attached = [
    { role: 'ingress', interface: 'lan1', ifindex: 3, direction: 'ingress', program: 'coax_ingress' },
    { role: 'uplink', interface: 'wa', ifindex: 5, direction: 'ingress', program: 'coax_uplink' },
  ] as const;
  const views = interfaceViews(ingress, { attached, missing: [], mechanism: 'tcx', xdp: [] }, LINKS);
  t.deepEqual(
    views.map(({ name, attach, ifindex, note }) => [name, attach, ifindex, note]),
    [
      ['lan1', 'tcx ingress', 3, 'fast: set by the configuration'],
      ['wa', 'tcx ingress', 5, null],
      [
        'lan0',
        'none',
        2,
        'stack: auto, its packets are seen by 2 rules of netfilter, such as inet fw fwd handle 1: iifname eth2 drop',
      ],
      ['lan2', 'none', null, 'stack: set by the configuration'],
    ],
  );
});
