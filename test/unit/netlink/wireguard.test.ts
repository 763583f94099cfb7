import test from 'ava';
import fc from 'fast-check';
import { WGDEVICE_A, WGPEER_A } from '../../../src/netlink/constants.js';
import { Attributes, Writer } from '../../../src/netlink/wire.js';
import { decodeWireguardDevice, type WireguardDevice } from '../../../src/netlink/wireguard-device.js';
import { wireguardPublicKey } from '../../../src/netlink/wireguard-key.js';
import { setDeviceMessages, type WireguardChange } from '../../../src/netlink/wireguard-request.js';
import { address4, address6, optional, prefixOf, u32 } from './samples.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const port = fc.integer({ min: 0, max: 0xffff });
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The messages of a change, as the kernel would tell of a device that was set so. */
function messagesOf(change: WireguardChange): Attributes[] {
  return setDeviceMessages(7, change).map((write) => {
    const body = new Writer().attributeString(WGDEVICE_A.IFNAME, 'wg0');
    write(body);
    return new Attributes(body.finish());
  });
}

const readBack = (change: WireguardChange): WireguardDevice => decodeWireguardDevice(messagesOf(change));

test('public keys of RFC 7748 section 6.1', (t) => {
  const pairs = {
    '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a':
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb':
      'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  };
  for (const [secret, wanted] of Object.entries(pairs)) {
    const publicKey = wireguardPublicKey(Buffer.from(secret, 'hex'));
    t.is(Buffer.from(publicKey, 'base64').toString('hex'), wanted);
  }
  t.throws(() => wireguardPublicKey(new Uint8Array(31)), { code: 'NETLINK_ARGUMENT' });
});

test('what a request sets is what a device says', (t) => {
  const peer = fc.record({
    publicKey: key,
    endpoint: optional(
      fc.oneof(
        fc.record({ address: address6, port, scopeId: u32 }),
        fc.record({ address: address4, port, scopeId: fc.constant(0) }),
      ),
    ),
    allowedPrefixes: fc.array(fc.oneof(prefixOf(address6), prefixOf(address4)), { maxLength: 5 }),
    keepalive: port,
  });
  const change = fc.record({
    listenPort: port,
    fwmark: fc.integer({ min: 0, max: 0xffffffff }),
    peers: fc.uniqueArray(peer, { maxLength: 5, selector: ({ publicKey }) => base64(publicKey) }),
  });
  fc.assert(
    fc.property(change, (asked) => {
      const { listenPort, fwmark, peers } = asked;
      const wanted = {
        ifindex: 7,
        name: 'wg0',
        publicKey: undefined,
        listenPort,
        fwmark,
        peers: peers.map(({ publicKey, endpoint, allowedPrefixes, keepalive }) => ({
          publicKey: base64(publicKey),
          endpoint,
          allowedPrefixes,
          keepalive,
          rxBytes: 0,
          txBytes: 0,
        })),
      };
      t.deepEqual(JSON.parse(JSON.stringify(readBack(asked))), JSON.parse(JSON.stringify(wanted)));
    }),
  );
});

test('what is too long for one message goes in several, and its parts belong to one peer', (t) => {
  const prefixes = Array.from(
    { length: 3000 },
    (_, position) => `2001:db8:${(position + 1).toString(16)}::/48`,
  );
  const change = {
    privateKey: new Uint8Array(32).fill(1),
    replacePeers: true,
    peers: [
      { publicKey: new Uint8Array(32).fill(2), allowedPrefixes: prefixes, replaceAllowedPrefixes: true },
      { publicKey: new Uint8Array(32).fill(3), allowedPrefixes: ['::/0'] },
    ],
  };
  const messages = messagesOf(change);
  t.true(messages.length > 1);
  t.true(messages.every((message) => (message.bytes(WGDEVICE_A.PEERS)?.length ?? 0) < 0xffff));
  const { peers } = decodeWireguardDevice(messages);
  t.deepEqual(
    peers.map((peer) => peer.allowedPrefixes.map(String)),
    [prefixes, ['::/0']],
  );
  t.deepEqual(
    messages.map((message) => [message.has(WGDEVICE_A.PRIVATE_KEY), message.u32(WGDEVICE_A.FLAGS)]),
    messages.map((_, position) => [position === 0, position === 0 ? 1 : undefined]),
    'the device is set once',
  );
  const flags = messages.flatMap((message) =>
    (message.nested(WGDEVICE_A.PEERS)?.entries() ?? []).map(({ value }) =>
      new Attributes(value).u32(WGPEER_A.FLAGS),
    ),
  );
  t.deepEqual(flags, [2, ...Array.from({ length: 14 }, () => 4), 0], 'only the first part replaces');
});

test('a change without peers is one message', (t) => {
  const [message, ...more] = messagesOf({ fwmark: 0 });
  t.is(more.length, 0);
  t.is(message?.u32(WGDEVICE_A.FWMARK), 0);
  t.false(message?.has(WGDEVICE_A.PEERS));
});

test('secrets are not in what is read, nor in what is refused', (t) => {
  const secret = new Uint8Array(32).fill(0x5a);
  const body = new Writer()
    .attributeString(WGDEVICE_A.IFNAME, 'wg0')
    .attributeU32(WGDEVICE_A.IFINDEX, 7)
    .attribute(WGDEVICE_A.PRIVATE_KEY, secret)
    .nested(WGDEVICE_A.PEERS, (list) =>
      list.nested(0, (peer) =>
        peer.attribute(WGPEER_A.PUBLIC_KEY, new Uint8Array(32)).attribute(WGPEER_A.PRESHARED_KEY, secret),
      ),
    );
  const device = decodeWireguardDevice([new Attributes(body.finish())]);
  t.is(device.peers.length, 1);
  t.notRegex(JSON.stringify(device), /WlpaWlpa|5a5a5a|90,90,90/);

  const wrong = base64(secret).slice(0, -4);
  const refused = t.throws(() => messagesOf({ peers: [{ publicKey: wrong }] }), { code: 'NETLINK_ARGUMENT' });
  t.false(refused?.message.includes(wrong.slice(0, 8)));
});

test('a public key is 32 bytes or exactly their base64', (t) => {
  const text = base64(new Uint8Array(32).fill(9));
  t.is(readBack({ peers: [{ publicKey: text }] }).peers[0]?.publicKey, text);
  for (const publicKey of ['', 'x', text.slice(0, -1), `${text} `, new Uint8Array(33)]) {
    t.throws(() => messagesOf({ peers: [{ publicKey }] }), { code: 'NETLINK_ARGUMENT' });
  }
});

test('a handshake that never was, and one that was', (t) => {
  const peerWith = (seconds: number, nanoseconds: number): Date | undefined => {
    const time = new BigInt64Array([BigInt(seconds), BigInt(nanoseconds)]);
    const body = new Writer()
      .attributeString(WGDEVICE_A.IFNAME, 'wg0')
      .attributeU32(WGDEVICE_A.IFINDEX, 7)
      .nested(WGDEVICE_A.PEERS, (list) =>
        list.nested(0, (peer) =>
          peer
            .attribute(WGPEER_A.PUBLIC_KEY, new Uint8Array(32))
            .attribute(WGPEER_A.LAST_HANDSHAKE_TIME, new Uint8Array(time.buffer)),
        ),
      );
    return decodeWireguardDevice([new Attributes(body.finish())]).peers[0]?.lastHandshake;
  };
  t.is(peerWith(0, 0), undefined);
  t.is(peerWith(1_700_000_000, 123_999_999)?.toISOString(), '2023-11-14T22:13:20.123Z');
});
