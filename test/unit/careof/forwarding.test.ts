import test from 'ava';
import { planIngress } from '../../../src/careof/forwarding.js';
import type { Ipsec } from '../../../src/careof/ipsec-watch.js';
import type { IngressPlan } from '../../../src/careof/plan.js';
import { interfaceViews } from '../../../src/careof/report.js';
import { type MobileRouterConfig, parseConfig } from '../../../src/config/index.js';
import type { Ruleset } from '../../../src/netfilter/index.js';
import type { Link } from '../../../src/netlink/index.js';
import { decodePolicy, putPolicyBody, type XfrmPolicySpec } from '../../../src/netlink/xfrm-policy.js';

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

/** Policies as the kernel lists them. */
function ipsec(...specs: XfrmPolicySpec[]): Ipsec {
  const policies = specs.flatMap((spec) => decodePolicy(putPolicyBody(spec, '')) ?? []);
  return { policies, defaults: { in: 'accept', out: 'accept', fwd: 'accept' } };
}

const plan = (firewall: Ruleset | Error, policies: Ipsec = ipsec()): IngressPlan[] =>
  planIngress(config, { links: LINKS, addresses: [], firewall, ipsec: policies });

const ways = (rules: Ruleset | Error, policies: Ipsec = ipsec()): string[] =>
  plan(rules, policies).map(({ interface: name, forwarding, problems }) => {
    const codes = problems.map(({ code }) => code);
    return `${name} ${forwarding} ${codes.length === 0 ? 'well' : codes.join(' ')}`;
  });

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
    t.is(plan(firewall(name))[0]?.forwarding, way, name);
  }
});

test('as long as the rules are unknown auto means stack, and it is said', (t) => {
  const unknown = new Error('no nft here');
  t.deepEqual(ways(unknown), [
    'lan0 stack FIREWALL_UNKNOWN',
    'lan1 fast FIREWALL_UNKNOWN',
    'lan2 stack well',
  ]);
  t.regex(plan(unknown)[0]?.why ?? '', /no nft here/);
});

const TUNNEL: XfrmPolicySpec = {
  direction: 'out',
  selector: { source: '2001:db8:1::/64' },
  templates: [{ source: '2001:db8:77::1', destination: '2001:db8:99::2', mode: 'tunnel' }],
};
const LINE =
  'src 2001:db8:1::/64 dst ::/0 dir out tmpl src 2001:db8:77::1 dst 2001:db8:99::2 proto esp mode tunnel';

test('an IPsec policy counts as a rule does, and is named', (t) => {
  t.deepEqual(ways([], ipsec(TUNNEL)), ['lan0 stack well', 'lan1 fast IPSEC_BYPASSED', 'lan2 stack well']);
  t.deepEqual(ways([], ipsec({ ...TUNNEL, ifId: 1 })), [
    'lan0 fast well',
    'lan1 fast well',
    'lan2 stack well',
  ]);
  const [auto, fast] = plan([], ipsec(TUNNEL, { ...TUNNEL, priority: 1 }));
  t.is(auto?.why, `auto, its packets are seen by 2 IPsec policies, such as ${LINE}`);
  t.is(fast?.why, `set by the configuration, bypasses 2 IPsec policies, such as ${LINE}`);
});

test('rules and policies are both named', (t) => {
  const both = [firewall('eth2', 'lan1'), ipsec(TUNNEL)] as const;
  t.deepEqual(ways(...both), [
    'lan0 stack well',
    'lan1 fast FIREWALL_BYPASSED IPSEC_BYPASSED',
    'lan2 stack well',
  ]);
  t.is(
    plan(...both)[0]?.why,
    `auto, its packets are seen by 1 rule of netfilter, such as inet fw fwd handle 1: iifname eth2 drop; and by 1 IPsec policy, such as ${LINE}`,
  );
});

test('as long as the policies are unknown auto means stack, whatever the rules are', (t) => {
  const unknown = new Error('not permitted');
  t.deepEqual(ways([], unknown), ['lan0 stack IPSEC_UNKNOWN', 'lan1 fast IPSEC_UNKNOWN', 'lan2 stack well']);
  t.deepEqual(ways(unknown, unknown)[0], 'lan0 stack FIREWALL_UNKNOWN IPSEC_UNKNOWN');
  t.is(
    plan(firewall('eth2'), unknown)[0]?.why,
    'auto, its packets are seen by 1 rule of netfilter, such as inet fw fwd handle 1: iifname eth2 drop; the IPsec policies could not be read: not permitted',
  );
});

test('status says which way and why, also of interfaces without a program or that are not there', (t) => {
  const ingress = plan(firewall('eth2', 'br9'));
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
