/** Whatever can be configured survives being written to a file and read back. */
import test from 'ava';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { formatConfig, parseConfig } from '../../../src/config/index.js';

const identifier = fc.stringMatching(/^[A-Za-z][\w.-]{0,12}$/);
const hex16 = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
const protocol = fc.constantFrom('tcp', 'udp', 'sctp', 17);

const ports = fc
  .tuple(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 0, max: 65535 }))
  .map(([a, b]) => (a === b ? a : `${Math.min(a, b)}-${Math.max(a, b)}`));

const mark = fc
  .tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 1, max: 0xffff_ffff }))
  .map(([value, mask]) => `${(value & mask) >>> 0}/0x${mask.toString(16)}`);

const prefix = fc
  .tuple(hex16, fc.constantFrom(48, 64))
  .map(([group, length]) => `2001:db8:${group}::/${length}`);
const address = fc.tuple(hex16, hex16).map(([a, b]) => `2001:db8:${a}::${b}`);

const addressRange = fc
  .tuple(hex16, fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 99 }))
  .map(([group, a, b]) => `2001:db8:${group}::${Math.min(a, b)}-2001:db8:${group}::${Math.max(a, b)}`);

/** One value or a list. */
function some<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | T[]> {
  return fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 4 }));
}

function numbers(low: number, high: number): fc.Arbitrary<number | string> {
  const number = fc.integer({ min: low, max: high });
  const range = fc
    .tuple(number, number)
    .map(([a, b]) => `${Math.min(a, b)}-0x${Math.max(a, b).toString(16)}`);
  return fc.oneof(number, range);
}

/** Sets that the files of these tests have. */
const sets = {
  offices: ['2001:db8:a::/48', '2001:db8:b::1-2001:db8:b::ff'],
  all: ['@offices', '2001:db8:c::1'],
};
const addresses = some(fc.oneof(prefix, address, addressRange, fc.constantFrom('@offices', '@all')));
const cgroup = fc.constantFrom('/', '/system.slice/a b.service', '/user.slice', '/user.slice/x', '/0x10');

const match = fc.oneof(
  fc.record(
    {
      source: addresses,
      destination: addresses,
      dscp: some(fc.oneof(numbers(0, 63), fc.constantFrom('ef', 'be', 'cs0', 'af11', 'cs1-cs7'))),
      'flow-label': some(numbers(0, 0xfffff)),
      spi: some(numbers(1, 0xffffffff)),
      cgroup: some(cgroup),
    },
    { requiredKeys: [] },
  ),
  fc.record(
    {
      protocol: fc.constant(['icmpv6', 6]),
      'icmp-type': some(fc.oneof(numbers(0, 255), fc.constantFrom('echo-request', 'packet-too-big'))),
      'icmp-code': some(numbers(0, 255)),
    },
    { requiredKeys: ['icmp-type'] },
  ),
  fc.record({
    protocol: some(fc.constantFrom('tcp', 'udp', '6-17', 136)),
    'source-port': some(numbers(0, 65535)),
  }),
  fc.record({ mark, source: prefix, destination: fc.oneof(address, prefix) }, { requiredKeys: [] }),
  fc.record(
    { mark, source: prefix, protocol, 'source-port': ports, 'destination-port': ports },
    { requiredKeys: ['protocol'] },
  ),
  fc.record({ protocol: fc.constantFrom('icmpv6', 'esp', 199, 59) }),
);

const bids = fc.uniqueArray(fc.integer({ min: 1, max: 65535 }), { minLength: 1, maxLength: 16 });

function policiesFor(known: readonly number[]) {
  const list = fc.subarray([...known], { minLength: 1, maxLength: Math.min(8, known.length) });
  const shares = list.chain((bids) =>
    fc
      .tuple(...bids.map(() => fc.integer({ min: 1, max: 255 })))
      .map((weights) => Object.fromEntries(bids.map((bid, at) => [bid, weights[at]]))),
  );
  const action = fc.oneof(
    fc.record(
      { use: list, otherwise: fc.constantFrom('next', 'drop', 'default') },
      { requiredKeys: ['use'] },
    ),
    fc.record({ copy: list }),
    fc.record({ balance: shares, otherwise: fc.constantFrom('drop') }, { requiredKeys: ['balance'] }),
    fc.constant({ drop: true }),
  );
  const one = fc
    .tuple(fc.option(match, { nil: undefined }), action)
    .map(([fields, doing]) => ({ ...(fields && { match: fields }), ...doing }));
  return fc.array(one, { maxLength: 12 });
}

const common = fc.record(
  {
    instance: fc.stringMatching(/^[a-z0-9-]{1,12}$/),
    bpffs: fc.constant('/run/bpf'),
    'grace-time': fc.integer({ min: 0, max: 3600 }).map((seconds) => `${seconds}s`),
    silence: fc.integer({ min: 0, max: 3600 }).map((seconds) => `${seconds}s`),
    routing: fc.record(
      { table: fc.integer({ min: 1000, max: 100_000 }), protocol: fc.integer({ min: 5, max: 255 }) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const xdpMode = fc.constantFrom('auto', 'native', 'generic', 'off');

/** XDP modes, also of an interface that there is. */
function xdp(name: string) {
  return fc.record(
    { mode: xdpMode, interfaces: fc.dictionary(fc.constant(name), xdpMode, { maxKeys: 1 }) },
    { requiredKeys: [] },
  );
}

const device = fc.constantFrom(
  { kind: 'ip6tnl' },
  { kind: 'ip6gre', key: 9 },
  { kind: 'vxlan' },
  { kind: 'wireguard', peer: `${'k'.repeat(43)}=`, 'private-key': '/wg', port: 7 },
  { kind: 'xfrm' },
  { adopt: true },
);

/** No two bindings share a name or keys. */
function tunnelWith(chosen: object | undefined, position: number): object {
  if (chosen === undefined) return { tunnel: 'bpf' };
  if ('adopt' in chosen) return { tunnel: 'device', device: { adopt: `tun${position}` } };
  const keys = 'kind' in chosen && chosen.kind === 'xfrm' ? { keys: `/esp${position}` } : {};
  return { tunnel: 'device', device: { ...chosen, ...keys } };
}

function externalTunnel(kind: string, position: number): object {
  return { tunnel: 'external', ...(kind === 'xfrm' ? { keys: `/esp${position}` } : {}) };
}

const lifetime = fc.integer({ min: 4, max: 262_140 }).map((seconds) => `${seconds}s`);

const routerRegistration = fc.option(
  fc
    .tuple(
      fc.constantFrom({ key: '/key' }, { unauthenticated: 'accept' }),
      fc.record(
        { lifetime, mode: fc.constantFrom('bulk', 'individual'), prefixes: fc.constant('implicit') },
        { requiredKeys: [] },
      ),
    )
    .map(([trust, settings]) => ({ registration: { ...trust, ...settings } })),
  { nil: {} },
);

const agentRegistration = fc.option(
  fc
    .record(
      {
        lifetime,
        unauthenticated: fc.constant('accept'),
        bulk: fc.constantFrom('accept', 'refuse'),
        'home-and-foreign': fc.constantFrom('accept', 'refuse'),
      },
      { requiredKeys: [] },
    )
    .map((registration) => ({ registration })),
  { nil: {} },
);

const mobileRouter = bids.chain((known) =>
  fc
    .record({
      common,
      registration: routerRegistration,
      policies: policiesFor(known),
      mtu: fc.integer({ min: 1360, max: 9000 }),
      external: fc.option(fc.constantFrom('vxlan', 'ip6tnl', 'xfrm'), { nil: undefined }),
      // A policy may copy by any of them, which all of one tunnel kind can.
      devices: fc.oneof(fc.constant([]), fc.array(device, { minLength: 16, maxLength: 16 })),
      xdp: xdp('lan1'),
      mayBeAtHome: fc.boolean(),
    })
    .map((one) => ({ ...one, isAtHome: one.mayBeAtHome && 'registration' in one.registration }))
    .map(({ common: settings, registration, policies, mtu, external, devices, xdp: modes, isAtHome }) => ({
      role: 'mobile-router',
      sets,
      ...settings,
      ...registration,
      xdp: modes,
      ...(external ? { external: { kind: external } } : {}),
      home: { agent: '2001:db8:ffff::1', address: '2001:db9::1', prefixes: ['2001:db9:1::/64'] },
      ingress: [
        { interface: 'lan0', forwarding: 'stack' },
        { interface: 'lan1', forwarding: 'auto' },
      ],
      bindings: known.map((bid, position) => {
        if (isAtHome && position === 1) return { bid, interface: 'home', mtu, tunnel: 'home' };
        return {
          bid,
          interface: `up${position}`,
          mtu,
          ...(external ? externalTunnel(external, position) : tunnelWith(devices[position], position)),
          'care-of': position % 2 ? 'auto' : `2001:dba::${position + 1}`,
        };
      }),
      policies: policies.filter((policy) => (external !== 'xfrm' && !isAtHome) || !('copy' in policy)),
    })),
);

const homeAgent = fc
  .tuple(common, bids, fc.uniqueArray(identifier, { maxLength: 4 }), agentRegistration)
  .chain(([settings, known, names, registration]) =>
    policiesFor(known).map((policies) => ({
      role: 'home-agent',
      sets,
      ...settings,
      ...registration,
      home: { agent: '2001:db8:ffff::1', ...(names.length % 2 ? { link: 'core0' } : {}) },
      interfaces: ['core0'],
      routers: names.map((name, router) => {
        // Who registers has no care-of address in the file.
        const registers = 'registration' in registration && router % 2 === 1;
        return {
          name,
          address: `2001:db9::${router + 1}`,
          prefixes: [`2001:db9:${router + 1}::/64`],
          ...(registers ? { key: `/key${router}` } : {}),
          bindings: known.map((bid, position) => ({
            bid,
            ...(registers || position % 3 ? {} : { 'care-of': `2001:dba:${router}::${position + 1}` }),
          })),
          policies,
        };
      }),
    })),
  );

test('stringify -> parse', (t) => {
  fc.assert(
    fc.property(fc.oneof(mobileRouter, homeAgent), (file) => {
      const config = parseConfig(stringify(file), 'generated.yaml');
      const again = parseConfig(formatConfig(config), 'formatted.yaml');
      // As JSON, because addresses keep their bytes private and would all look equal.
      t.is(JSON.stringify(again, null, 1), JSON.stringify(config, null, 1));
    }),
    { numRuns: 200 },
  );
});

test('garbage is refused with a ConfigError, never with anything else', (t) => {
  const words = fc.constantFrom(
    'role',
    'home',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '*a',
    '&a',
    '!x',
    '"',
    'bindings',
    '\t',
    '? ',
    '|',
    '<<',
    '%',
    '---\n',
    '0x',
    '2001:db8::',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 40 }).map((list) => list.join('')),
      ),
      (text) => {
        t.throws(() => parseConfig(`role: mobile-router\n${text}`, 'garbage'), { name: 'ConfigError' });
      },
    ),
    { numRuns: 1000 },
  );
});
