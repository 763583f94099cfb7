import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { environment } from '../../../lab/command.js';
import { patient } from '../../../lab/patience.js';
import { Netlink, NetlinkError, Wireguard, wireguardPublicKey } from '../../../src/netlink/index.js';

const wg = (...words: string[]): string =>
  execFileSync('wg', words, { encoding: 'utf8', env: environment }).trim();

const base64 = (key: Uint8Array): string => Buffer.from(key).toString('base64');

/** A private key as WireGuard keeps it (RFC 7748 section 5), with its public key. */
function keyPair(): { secret: Uint8Array; publicKey: string } {
  const secret = randomBytes(32);
  secret.writeUInt8(secret.readUInt8(0) & 248, 0);
  secret.writeUInt8((secret.readUInt8(31) & 127) | 64, 31);
  return { secret, publicKey: wireguardPublicKey(secret) };
}

async function create(netlink: Netlink, name: string): Promise<number> {
  await netlink.createWireguard({ name, up: true, addrGenMode: 'none' });
  return (await netlink.getLink(name))?.ifindex ?? 0;
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return `${error.errnoName ?? error.code}: ${error.message}`;
  }
}

/** What `wg` says of wg0, by what is asked: rows of the peers' keys and values. */
function shown(what: string): Record<string, string> {
  const rows = wg('show', 'wg0', what).split('\n');
  return Object.fromEntries(rows.map((row) => row.split('\t') as [string, string]));
}

export async function device(): Promise<object> {
  using netlink = Netlink.open();
  using wireguard = await Wireguard.open();
  const ifindex = await create(netlink, 'wg0');
  const { kind, tunnel } = (await netlink.getLink('wg0')) ?? {};
  const empty = await wireguard.getDevice('wg0');
  const own = keyPair();
  const peers = [keyPair(), keyPair(), keyPair()].map(({ publicKey }) => publicKey);
  const [first = '', second = '', third = ''] = peers;
  const presharedKey = randomBytes(32);
  await wireguard.setDevice(ifindex, {
    privateKey: own.secret,
    listenPort: 51821,
    fwmark: 0x80000001,
    peers: [
      {
        publicKey: first,
        presharedKey,
        endpoint: { address: '2001:db8::2', port: 51820 },
        allowedPrefixes: ['::/0', '192.0.2.0/24'],
        keepalive: 25,
      },
      { publicKey: second, endpoint: { address: '192.0.2.1', port: 7 } },
      {
        publicKey: Buffer.from(third, 'base64'),
        endpoint: { address: 'fe80::1', port: 65535, scopeId: ifindex },
      },
    ],
  });
  const read = await wireguard.getDevice(ifindex);
  const text = JSON.stringify(read);
  return {
    ifindex,
    kind,
    tunnel,
    empty,
    peers,
    read,
    byName: JSON.stringify(await wireguard.getDevice('wg0')) === text,
    publicKey: own.publicKey,
    secretsRead: text.includes(base64(own.secret)) || text.includes(base64(presharedKey)),
    secretsSet:
      wg('show', 'wg0', 'private-key') === base64(own.secret) &&
      shown('preshared-keys')[first] === base64(presharedKey),
    shown: {
      publicKey: wg('show', 'wg0', 'public-key'),
      listenPort: wg('show', 'wg0', 'listen-port'),
      fwmark: wg('show', 'wg0', 'fwmark'),
      endpoints: shown('endpoints'),
      prefixes: shown('allowed-ips'),
      keepalive: shown('persistent-keepalive'),
    },
  };
}

/** Allowed prefixes by peer after each change. */
export async function changes(): Promise<object> {
  using netlink = Netlink.open();
  using wireguard = await Wireguard.open();
  const ifindex = await create(netlink, 'wg0');
  const [first, second, third] = ['first', 'second', 'third'].map(() => keyPair().publicKey) as [
    string,
    string,
    string,
  ];
  const names: Record<string, string> = { [first]: 'first', [second]: 'second', [third]: 'third' };
  const now = async (): Promise<object> => {
    const { peers = [] } = (await wireguard.getDevice(ifindex)) ?? {};
    return peers.map(({ publicKey, allowedPrefixes }) => [names[publicKey], allowedPrefixes.join(' ')]);
  };
  const steps: Record<string, object> = {};
  await wireguard.setDevice(ifindex, { peers: [{ publicKey: first, allowedPrefixes: ['2001:db8:1::/48'] }] });
  await wireguard.setDevice(ifindex, { peers: [{ publicKey: first, allowedPrefixes: ['2001:db8:2::/48'] }] });
  steps.added = await now();
  await wireguard.setDevice(ifindex, {
    peers: [{ publicKey: first, allowedPrefixes: ['2001:db8:3::/48'], replaceAllowedPrefixes: true }],
  });
  steps.replaced = await now();
  await wireguard.setDevice(ifindex, { peers: [{ publicKey: second, updateOnly: true, keepalive: 5 }] });
  steps.updateOnly = await now();
  await wireguard.setDevice(ifindex, {
    peers: [{ publicKey: second, allowedPrefixes: ['2001:db8:3::/48'] }],
  });
  steps.moved = await now();
  await wireguard.setDevice(ifindex, { peers: [{ publicKey: first, remove: true }] });
  steps.removed = await now();
  await wireguard.setDevice(ifindex, { replacePeers: true, peers: [{ publicKey: third }] });
  steps['all replaced'] = await now();
  await wireguard.setDevice(ifindex, {});
  steps.nothing = await now();
  return steps;
}

/** More than one message holds, both ways: one peer with many prefixes, and many peers. */
export async function many(): Promise<object> {
  using netlink = Netlink.open();
  using wireguard = await Wireguard.open();
  const ifindex = await create(netlink, 'wg0');
  const { secret, publicKey } = keyPair();
  const wide = keyPair().publicKey;
  const prefixes = Array.from(
    { length: 2500 },
    (_, position) => `2001:db8:${(position + 1).toString(16)}::/48`,
  );
  const others = Array.from({ length: 400 }, () => base64(randomBytes(32)));
  await wireguard.setDevice(ifindex, {
    privateKey: secret,
    replacePeers: true,
    peers: [
      { publicKey: wide, allowedPrefixes: prefixes, replaceAllowedPrefixes: true },
      ...others.map((key, position) => ({
        publicKey: key,
        allowedPrefixes: [`10.0.${position >> 8}.${position & 255}/32`],
      })),
    ],
  });
  const { peers = [], publicKey: read } = (await wireguard.getDevice(ifindex)) ?? {};
  const found = peers.find((peer) => peer.publicKey === wide);
  return {
    ownKey: read === publicKey,
    peers: peers.length,
    missing: others.filter((key) => peers.every((peer) => peer.publicKey !== key)).length,
    prefixes: found?.allowedPrefixes.length,
    missingPrefixes: prefixes.filter(
      (prefix) => !found?.allowedPrefixes.some((allowed) => String(allowed) === prefix),
    ).length,
    each: peers.every((peer) => peer === found || peer.allowedPrefixes.length === 1),
    shown: shown('allowed-ips')[wide]?.split(' ').length,
  };
}

/** Two devices that find each other over loopback. */
export async function handshake(): Promise<object> {
  using netlink = Netlink.open();
  using wireguard = await Wireguard.open();
  const sides = [keyPair(), keyPair()] as const;
  const ports = [51821, 51822] as const;
  for (const side of [0, 1] as const) {
    const ifindex = await create(netlink, `wg${side}`);
    await wireguard.setDevice(ifindex, { privateKey: sides[side].secret, listenPort: ports[side] });
  }
  const before = Date.now();
  await wireguard.setDevice('wg1', { peers: [{ publicKey: sides[0].publicKey, allowedPrefixes: ['::/0'] }] });
  await wireguard.setDevice('wg0', {
    peers: [
      {
        publicKey: sides[1].publicKey,
        endpoint: { address: '::1', port: ports[1] },
        allowedPrefixes: ['::/0'],
        keepalive: 1,
      },
    ],
  });
  const deadline = Date.now() + patient(20_000);
  for (;;) {
    const peers = [await wireguard.getDevice('wg0'), await wireguard.getDevice('wg1')].map(
      (found) => found?.peers[0],
    );
    if (
      peers.every((peer) => peer?.lastHandshake !== undefined && peer.rxBytes > 0) ||
      Date.now() > deadline
    ) {
      const times = peers.map((peer) => peer?.lastHandshake?.getTime() ?? 0);
      return {
        recent: times.every((time) => time >= before && time <= Date.now()),
        bytes: peers.map((peer) => (peer?.rxBytes ?? 0) > 0 && (peer?.txBytes ?? 0) > 0),
        learned: peers[1]?.endpoint,
      };
    }
    await wait(50);
  }
}

export async function refusals(): Promise<object> {
  using netlink = Netlink.open();
  using wireguard = await Wireguard.open();
  const ifindex = await create(netlink, 'wg0');
  const secret = Buffer.alloc(31, 'k');
  const peer = { publicKey: base64(randomBytes(32)) };
  return {
    secret: [base64(secret), secret.toString(), secret.toString('hex')],
    none: (await wireguard.getDevice('nosuch')) === undefined,
    messages: {
      setNone: await refusal(wireguard.setDevice('nosuch', { fwmark: 1 })),
      otherKind: await refusal(wireguard.getDevice('lo')),
      setOtherKind: await refusal(wireguard.setDevice('lo', { fwmark: 1 })),
      privateKey: await refusal(wireguard.setDevice(ifindex, { privateKey: secret })),
      presharedKey: await refusal(
        wireguard.setDevice(ifindex, { peers: [{ ...peer, presharedKey: secret }] }),
      ),
      publicKey: await refusal(wireguard.setDevice(ifindex, { peers: [{ publicKey: base64(secret) }] })),
      port: await refusal(wireguard.setDevice(ifindex, { listenPort: 65536 })),
    },
    peers: (await wireguard.getDevice(ifindex))?.peers.length,
  };
}

export async function absent(): Promise<string> {
  return refusal(Wireguard.open());
}
