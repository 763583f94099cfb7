import { testLacking, testNeeding } from '../../support/kernel-offers.js';
import { inNamespace } from './namespace.js';

testNeeding(['wireguard'], 'a WireGuard device as it was set, without its secrets', async (t) => {
  const result = await inNamespace<{
    ifindex: number;
    peers: [string, string, string];
    publicKey: string;
    read: object;
    shown: object;
    [key: string]: unknown;
  }>('wireguard', 'device');
  const { ifindex, peers, publicKey } = result;
  const [first, second, third] = peers;
  t.is(result.kind, 'wireguard');
  t.false('tunnel' in result);
  t.like(result.empty as object, { ifindex, name: 'wg0', fwmark: 0, peers: [] });
  t.false('publicKey' in (result.empty as object));
  const quiet = { rxBytes: 0, txBytes: 0 };
  const byKey = (list: { publicKey: string }[]): object[] =>
    [...list].sort((a, b) => peers.indexOf(a.publicKey) - peers.indexOf(b.publicKey));
  const { peers: read, ...device } = result.read as { peers: { publicKey: string; txBytes: number }[] };
  t.deepEqual(device as object, { ifindex, name: 'wg0', publicKey, listenPort: 51821, fwmark: 0x80000001 });
  // The one with a keepalive interval may have begun to shake hands.
  t.deepEqual(byKey(read.map((peer) => ({ ...peer, txBytes: 0 }))), [
    {
      publicKey: first,
      endpoint: { address: '2001:db8::2', port: 51820, scopeId: 0 },
      allowedPrefixes: ['::/0', '192.0.2.0/24'],
      keepalive: 25,
      ...quiet,
    },
    {
      publicKey: second,
      endpoint: { address: '192.0.2.1', port: 7, scopeId: 0 },
      allowedPrefixes: [],
      keepalive: 0,
      ...quiet,
    },
    {
      publicKey: third,
      endpoint: { address: 'fe80::1', port: 65535, scopeId: ifindex },
      allowedPrefixes: [],
      keepalive: 0,
      ...quiet,
    },
  ]);
  t.like(result, { byName: true, secretsRead: false, secretsSet: true });
  t.deepEqual(result.shown, {
    publicKey,
    listenPort: '51821',
    fwmark: '0x80000001',
    endpoints: {
      [first]: '[2001:db8::2]:51820',
      [second]: '192.0.2.1:7',
      [third]: '[fe80::1%wg0]:65535',
    },
    prefixes: { [first]: '::/0 192.0.2.0/24', [second]: '(none)', [third]: '(none)' },
    keepalive: { [first]: '25', [second]: 'off', [third]: 'off' },
  });
});

testNeeding(['wireguard'], 'peers and prefixes are added, replaced, moved and removed', async (t) => {
  t.deepEqual(await inNamespace<object>('wireguard', 'changes'), {
    added: [['first', '2001:db8:1::/48 2001:db8:2::/48']],
    replaced: [['first', '2001:db8:3::/48']],
    updateOnly: [['first', '2001:db8:3::/48']],
    moved: [
      ['first', ''],
      ['second', '2001:db8:3::/48'],
    ],
    removed: [['second', '2001:db8:3::/48']],
    'all replaced': [['third', '']],
    nothing: [['third', '']],
  });
});

testNeeding(['wireguard'], 'more peers and prefixes than one message holds', async (t) => {
  t.deepEqual(await inNamespace<object>('wireguard', 'many'), {
    ownKey: true,
    peers: 401,
    missing: 0,
    prefixes: 2500,
    missingPrefixes: 0,
    each: true,
    shown: 2500,
  });
});

testNeeding(['wireguard'], 'two devices shake hands, and the endpoint is learned', async (t) => {
  t.deepEqual(await inNamespace<object>('wireguard', 'handshake'), {
    recent: true,
    bytes: [true, true],
    learned: { address: '::1', port: 51821, scopeId: 0 },
  });
});

testNeeding(['wireguard'], 'refusals say what is wrong, and no key', async (t) => {
  const { secret, none, messages, peers } = await inNamespace<{
    secret: string[];
    none: boolean;
    messages: Record<string, string>;
    peers: number;
  }>('wireguard', 'refusals');
  t.true(none);
  t.is(peers, 0);
  t.regex(messages.setNone ?? '', /^ENODEV: Cannot set WireGuard device nosuch/);
  t.regex(
    messages.otherKind ?? '',
    /^EOPNOTSUPP: Cannot read WireGuard device lo: the link is of another kind/,
  );
  t.regex(
    messages.setOtherKind ?? '',
    /^EOPNOTSUPP: Cannot set WireGuard device lo: the link is of another kind/,
  );
  t.regex(messages.privateKey ?? '', /^NETLINK_ARGUMENT: The private key must have 32 bytes/);
  t.regex(messages.presharedKey ?? '', /^NETLINK_ARGUMENT: The preshared key must have 32 bytes/);
  t.regex(messages.publicKey ?? '', /^NETLINK_ARGUMENT: The public key of a peer must be 32 bytes/);
  t.regex(messages.port ?? '', /^NETLINK_ARGUMENT: The listen port must be/);
  for (const text of Object.values(messages))
    t.false(
      secret.some((key) => text.includes(key)),
      text,
    );
});

testLacking(['wireguard'], 'a kernel without WireGuard says so', async (t) => {
  t.is(
    await inNamespace<string>('wireguard', 'absent'),
    'ENOENT: Cannot speak to WireGuard: this kernel does not have it (CONFIG_WIREGUARD, module wireguard)',
  );
});
