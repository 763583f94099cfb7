import test from 'ava';
import { parseConfig } from '../../../src/config/index.js';
import { checkCapabilities, effectiveCapabilities } from '../../../src/doctor/capabilities.js';
import { describeFirewall, rulesBypassed } from '../../../src/doctor/firewall.js';
import { interfacesOf } from '../../../src/doctor/interfaces.js';
import { checkBpffs } from '../../../src/doctor/kernel.js';
import { checkHomeInterface, checkNumbers } from '../../../src/doctor/routing.js';
import { Prefix } from '../../../src/net/index.js';
import type { Link, Route, Rule } from '../../../src/netlink/index.js';
import { configurationText } from '../../support/configuration.js';

const CONFIG = parseConfig(configurationText({ socket: '/run/a.sock' }), 'config.yaml');

test('capabilities: none, some and all', (t) => {
  t.is(checkCapabilities(0n).verdict, 'fail');
  t.regex(checkCapabilities(0n).found, /CAP_NET_ADMIN.*CAP_BPF/);
  t.regex(checkCapabilities((1n << 12n) | (1n << 39n)).found, /without CAP_NET_RAW.*CAP_PERFMON/);
  t.is(checkCapabilities((1n << 12n) | (1n << 39n)).verdict, 'warn');
  t.is(checkCapabilities(effectiveCapabilities('Name:\tx\nCapEff:\t000001ffffffffff\n')).verdict, 'ok');
});

test('a folder that is no BPF file system says how to mount one', (t) => {
  t.like(checkBpffs('/proc'), { verdict: 'fail', advice: 'mount -t bpf bpf /proc' });
  t.like(checkBpffs('/no/where'), {
    verdict: 'fail',
    advice: 'mkdir -p /no/where && mount -t bpf bpf /no/where',
  });
});

test('the interfaces of a configuration, once each', (t) => {
  t.deepEqual(interfacesOf(CONFIG), [
    { name: 'lan0', use: 'ingress', auto: false },
    { name: 'wa', use: 'uplink', auto: true },
  ]);
});

test('a home interface of another kind is refused', (t) => {
  const { home } = CONFIG;
  t.is(checkHomeInterface(CONFIG, []).verdict, 'ok');
  t.is(checkHomeInterface(CONFIG, [{ name: home.interface, kind: 'veth' } as Link]).verdict, 'ok');
  t.like(checkHomeInterface(CONFIG, [{ name: home.interface, kind: 'bridge' } as Link]), { verdict: 'fail' });
});

test('numbers of rules and tables that others use', (t) => {
  const { rulePriority, protocol, table } = CONFIG.routing;
  const rule = (priority: number, owner: number) =>
    ({ priority, protocol: owner, action: 'table', table: 254, source: undefined }) as Rule;
  const route = (owner: number) =>
    ({ table: table + 1, protocol: owner, destination: Prefix.DEFAULT }) as Route;
  const verdicts = (rules: Rule[], routes: Route[]) =>
    checkNumbers(CONFIG, rules, routes).map((one) => one.verdict);
  t.deepEqual(verdicts([rule(0, 2), rule(rulePriority, protocol), rule(32_766, 2)], [route(protocol)]), [
    'ok',
    'ok',
  ]);
  t.deepEqual(verdicts([rule(rulePriority, 4)], []), ['warn', 'ok']);
  t.deepEqual(verdicts([rule(rulePriority - 1, 4)], []), ['warn', 'ok']);
  t.deepEqual(verdicts([], [route(4)]), ['ok', 'warn']);
});

test('rules of netfilter: named one by one, and what auto would choose', (t) => {
  const rule = {
    handle: 7,
    text: 'ct state invalid drop',
    interfaces: [],
    calls: [],
    touches: ['drops'],
  } as const;
  const hook = { name: 'forward', policy: 'drop', devices: undefined } as const;
  const ruleset = [{ family: 'inet', table: 'fw', name: 'fwd', hook, rules: [rule] }];
  const policy = 'IPsec policy src ::/0 dst ::/0 dir fwd action block';
  const say = (forwarding: 'auto' | 'fast' | 'stack', rules: typeof ruleset, ...policies: string[]) => {
    const item = { name: 'lan0', forwarding };
    return describeFirewall(item, rulesBypassed(item, rules, 'coax0', []), policies).map(
      ({ verdict, found }) => `${verdict} ${found}`,
    );
  };
  t.deepEqual(say('fast', ruleset), [
    'warn fast bypasses inet fw fwd handle 7: ct state invalid drop',
    'warn fast bypasses inet fw fwd: policy drop',
  ]);
  t.is(
    say('auto', ruleset)[0],
    'ok auto means stack: fast would bypass inet fw fwd handle 7: ct state invalid drop',
  );
  t.regex(
    say('stack', ruleset)[1] ?? '',
    /^ok stack, auto would mean stack: fast would bypass .*policy drop$/,
  );
  const none = 'no rule of netfilter and no IPsec policy sees its packets';
  t.deepEqual(say('auto', []), [`ok auto means fast: ${none}`]);
  t.deepEqual(say('fast', []), [`ok fast, auto would mean fast: ${none}`]);
  t.deepEqual(say('auto', [], policy), [`ok auto means stack: fast would bypass ${policy}`]);
  t.deepEqual(say('fast', ruleset, policy)[2], `warn fast bypasses ${policy}`);
});
