import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import {
  ConfigError,
  configJsonSchema,
  type HomeAgentConfig,
  loadConfig,
  type MobileRouterConfig,
  parseConfig,
} from '../../../src/config/index.js';
import { bindingsOf, formatAction, formatSelector } from '../../../src/policy/index.js';

const examples = fileURLToPath(new URL('../../../../../examples/', import.meta.url));

const SMALL_ROUTER = `
role: mobile-router
home: {agent: "2001:db8:ffff::1", address: "2001:db8:77::1"}
bindings:
  - {bid: 7, interface: wa}
  - {bid: 9, interface: wb}
policies:
  - {use: [bid9]}
  - {fid: 1, use: [7], priority: 5}
  - {use: [7, 9]}
`;

/** The same bindings, a mobile network, and no policies yet. */
const WITH_NETWORK = `
role: mobile-router
home: {agent: "2001:db8:ffff::1", address: "2001:db8:77::1", prefixes: ["2001:db8:1::/64"]}
ingress: [{interface: lan0}]
bindings: [{bid: 7, interface: wa}, {bid: 9, interface: wb}]
`;

function mobileRouter(text: string): MobileRouterConfig {
  const config = parseConfig(text, 'test.yaml');
  if (config.role !== 'mobile-router') throw new Error(`role is ${config.role}`);
  return config;
}

test('the mobile router example is valid and means what its comments say', async (t) => {
  const config = (await loadConfig(`${examples}mobile-router.yaml`)) as MobileRouterConfig;
  t.is(config.role, 'mobile-router');
  t.deepEqual(
    config.policies.map(({ fid, name, priority, selector, action }) => [
      fid,
      name,
      priority,
      formatSelector(selector),
      bindingsOf(action),
    ]),
    [
      [1, 'voice', 10, 'protocol udp destination-port 5000-5010', [1, 2]],
      [
        2,
        'backup',
        20,
        'source 2001:db8:1::/64 destination 2001:db8:99::2 protocol tcp destination-port 873',
        [2],
      ],
      [3, 'marked', 30, 'mark 0x10/0xff', [2]],
    ],
  );
  t.is(config.bindings[1]?.mtu, 1400);
});

test('the home agent example is valid and a binding may wait for its registration', async (t) => {
  const config = (await loadConfig(`${examples}home-agent.yaml`)) as HomeAgentConfig;
  t.is(config.role, 'home-agent');
  t.deepEqual(
    config.routers.map(({ keyFile, bindings }) => [
      keyFile,
      bindings.map(({ name, careOf }) => [name, careOf?.toString()]),
    ]),
    [
      [
        '/etc/coaxial/mr1.key',
        [
          ['lte-a', undefined],
          ['lte-b', undefined],
        ],
      ],
      [
        undefined,
        [
          ['lte-a', '2001:db8:c::2'],
          ['lte-b', undefined],
        ],
      ],
    ],
  );
  t.deepEqual(config.registration, {
    unauthenticated: 'refuse',
    lifetimeMs: 600_000,
    bulk: 'accept',
    homeAndForeign: 'accept',
  });
});

test('defaults', (t) => {
  const config = mobileRouter(SMALL_ROUTER);
  t.deepEqual(config.bindings[0], {
    bid: 7,
    name: 'bid7',
    priority: 10,
    interface: 'wa',
    careOf: 'auto',
    gateway: 'auto',
    tunnel: 'bpf',
    device: undefined,
    keyFile: undefined,
    mtu: undefined,
  });
  t.is(config.instance, 'default');
  t.is(config.socket, '/run/coaxial/coaxial.sock');
  t.is(config.bpffs, '/sys/fs/bpf');
  t.is(config.home.interface, 'coax0');
  t.deepEqual(config.ingress, []);
  t.is(config.external, undefined);
  t.deepEqual(config.routing, {
    table: 7600,
    rulePriority: 100,
    metric: 64,
    protocol: 191,
    bypassMark: 0x4000_0000,
  });
  t.is(config.graceTimeMs, 10_000);
  t.is(config.silenceMs, 10_000);
  t.deepEqual(config.xdp, { mode: 'auto', interfaces: [] });
  t.deepEqual(config.limits, {
    bindings: 64,
    routers: 8,
    policies: 1024,
    prefixes: 1024,
    routes: 16384,
    neighbours: 4096,
  });
});

test('policies get the next free FID, a priority by position, and stand in the order of priority', (t) => {
  const config = mobileRouter(SMALL_ROUTER);
  t.deepEqual(
    config.policies.map(({ fid, name, priority, action }) => ({
      fid,
      name,
      priority,
      use: bindingsOf(action),
    })),
    [
      { fid: 1, name: 'fid1', priority: 5, use: [7] },
      { fid: 2, name: 'fid2', priority: 10, use: [9] },
      { fid: 3, name: 'fid3', priority: 30, use: [7, 9] },
    ],
  );
});

test('sets, the new fields and the actions', (t) => {
  const config = mobileRouter(`sets:
  offices: [2001:db8:a::/48, 2001:db8:b::1-2001:db8:b::ff]
  all: ["@offices", 2001:db8:c::/48]
${WITH_NETWORK}policies:
  - match: { source: "@offices", protocol: [udp, tcp], destination-port: [16384-32767, 5060], dscp: ef }
    balance: { 9: 3, bid7: 1 }
    otherwise: drop
  - match: { destination: ["@all", 2001:db8:d::/48], flow-label: 0x10-0x1f, spi: 0x1000-0x1fff, interface: lan0 }
    copy: [7]
  - match: { icmp-type: [echo-request, 129], icmp-code: 0, cgroup: [/a/b, /a] }
    drop: true
  - { priority: 1, match: { interface: lan0, destination: "@offices" }, bypass: true }
`);
  const nameOf = (bid: number): string => `bid${bid}`;
  t.deepEqual(
    config.policies.map((policy) => `${formatSelector(policy.selector)} -> ${formatAction(policy, nameOf)}`),
    [
      'destination @offices interface lan0 -> bypass',
      'source @offices protocol tcp,udp destination-port 5060,16384-32767 dscp ef -> balance bid7:1 bid9:3 otherwise drop',
      'destination 2001:db8:a::/48,2001:db8:b::1-2001:db8:b::ff,2001:db8:c::/47 flow-label 0x10-0x1f spi 0x1000-0x1fff interface lan0 -> copy bid7',
      'icmp-type 128-129 icmp-code 0 cgroup /a -> drop',
    ],
  );
  t.deepEqual(
    config.sets.map(({ name, ranges }) => [name, ranges.length]),
    [
      ['offices', 2],
      ['all', 3],
    ],
  );
  // One list for all policies that name a set: whoever compiles them can see that it is the same.
  t.is(config.policies[0]?.selector.destination?.ranges, config.sets[0]?.ranges);
});

test('what bypasses stands above what is known too late', (t) => {
  const text = (policies: string) => `${WITH_NETWORK}policies:\n${policies}`;
  const accepted = [
    // Above it: no mark, or a mark that is asked of other packets.
    `  - {match: {protocol: udp}, use: [7]}
  - {match: {mark: 1, cgroup: /a}, use: [7]}
  - {match: {mark: 1, destination: 2001:db8:1::/48}, use: [7]}
  - {match: {interface: lan0, destination: 2001:db8:2::/48}, bypass: true}`,
    // A cgroup within, which is always active.
    `  - {match: {cgroup: /a/b}, use: [7], otherwise: default}
  - {match: {interface: lan0}, use: [7]}
  - {match: {cgroup: /a}, bypass: true}
  - {match: {mark: 1}, use: [7]}`,
  ];
  for (const policies of accepted) t.notThrows(() => mobileRouter(text(policies)), policies);
  const inactive = accepted[1]?.replace(', otherwise: default', '') ?? '';
  t.throws(() => mobileRouter(text(inactive)), { message: /policy fid1 is asked before this one/ });
});

test('the socket of another instance has its name', (t) => {
  t.is(mobileRouter(`instance: second${SMALL_ROUTER}`).socket, '/run/coaxial/second.sock');
});

test('an uplink may be shared when the care-of addresses are given', (t) => {
  const text = SMALL_ROUTER.replace('interface: wa', 'interface: wb, care-of: "2001:db8:b::2"').replace(
    '9, interface: wb',
    '9, interface: wb, care-of: "2001:db8:b::3"',
  );
  t.is(mobileRouter(text).bindings.length, 2);
});

test('the home address may lie in the mobile network prefix', (t) => {
  const text = SMALL_ROUTER.replace('"2001:db8:77::1"', '"2001:db8:77::1", prefixes: ["2001:db8:77::/64"]');
  t.is(mobileRouter(text).home.prefixes.length, 1);
});

test('anchors can be used', (t) => {
  const text = SMALL_ROUTER.replace('use: [7, 9]', 'use: &both [7, 9]').concat('  - {use: *both}\n');
  t.deepEqual(mobileRouter(text).policies.at(-1)?.action, { kind: 'use', bindings: [7, 9] });
});

test('a problem behind an alias is shown where the alias is used', (t) => {
  const text = SMALL_ROUTER.replace('bid: 7', 'bid: &n 7').replace('bid: 9', 'bid: *n');
  const error = t.throws(() => parseConfig(text, 'f'), { instanceOf: ConfigError });
  t.regex(error?.message ?? '', /^f:6:11: bindings\[1\]\.bid: duplicate BID 7/);
});

test('a configuration cannot be changed', (t) => {
  const config = mobileRouter(SMALL_ROUTER);
  const writable = config as unknown as { instance: string; bindings: { bid: number }[] };
  t.throws(() => {
    writable.instance = 'x';
  });
  t.throws(() => writable.bindings.pop());
  t.throws(() => Object.assign(writable.bindings[0] ?? {}, { bid: 3 }));
  const [policy] = config.policies;
  t.true(Object.isFrozen(policy?.action));
  t.true(Object.isFrozen(policy && bindingsOf(policy.action)));
});

test('problems say in fields what the message says in text', (t) => {
  const error = t.throws(() => parseConfig('role: mobile-router\nhome: 1\n', 'x.yaml'), {
    instanceOf: ConfigError,
  });
  t.deepEqual(error?.problems[1], {
    file: 'x.yaml',
    line: 2,
    column: 7,
    path: 'home',
    message: '1 is not the home settings',
    hint: "write settings, one 'key: value' on each line: agent, address, prefixes, interface",
  });
});

test('every setting in the JSON Schema has a description', (t) => {
  const missing: string[] = [];
  let count = 0;
  const walk = (schema: Record<string, unknown>, path: string): void => {
    for (const [key, property] of Object.entries(
      (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
    )) {
      count++;
      if (typeof property.description !== 'string') missing.push(`${path}.${key}`);
      walk(property, `${path}.${key}`);
    }
    for (const key of ['items', 'oneOf', 'anyOf'] as const) {
      for (const inner of [schema[key] ?? []].flat() as Record<string, unknown>[]) walk(inner, path);
    }
  };
  walk(configJsonSchema() as Record<string, unknown>, '');
  t.deepEqual(missing, []);
  t.true(count > 80);
});

test('files that cannot be read say why', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-config-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = (name: string, content?: string | Uint8Array) => {
    if (content !== undefined) writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const failure = (file: string) => t.throwsAsync(loadConfig(file), { instanceOf: ConfigError });
  const message = async (file: string): Promise<string> => (await failure(file))?.message ?? '';

  t.like(await failure(path('none')), { code: 'CONFIG_UNREADABLE' });
  t.regex(await message(path('none')), /none: there is no such file; /);
  t.regex(await message(folder), /: is not a file; /);
  t.regex(await message(path('binary', Uint8Array.of(0xff, 0xfe, 0))), /: is not UTF-8 text; /);
  t.regex(await message(path('large', Buffer.alloc(16 * 1024 * 1024 + 1, 0x20))), /larger than 16 MiB/);
});

// Serial, because the user of the whole process is changed for a moment.
test.serial('a file one is not allowed to read', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'coaxial-config-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'secret.yaml'), 'role: x');
  chmodSync(join(folder, 'secret.yaml'), 0);
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534);
  try {
    await t.throwsAsync(loadConfig(join(folder, 'secret.yaml')), {
      code: 'CONFIG_UNREADABLE',
      message: /secret\.yaml: you are not allowed to read it; /,
    });
  } finally {
    if (root) process.seteuid?.(0);
  }
});
