import test from 'ava';
import fc from 'fast-check';
import { NetlinkDecodeError } from '../../../src/netlink/errors.js';
import { decodeInterfaceAddress } from '../../../src/netlink/interface-address.js';
import { decodeLink } from '../../../src/netlink/link.js';
import { newVethBody } from '../../../src/netlink/link-request.js';
import { decodeNeighbour } from '../../../src/netlink/neighbour.js';
import { decodeReply } from '../../../src/netlink/reply.js';
import { decodeRoute } from '../../../src/netlink/route.js';
import { newRouteBody } from '../../../src/netlink/route-request.js';
import { decodeRule } from '../../../src/netlink/rule.js';
import { newRuleBody } from '../../../src/netlink/rule-request.js';
import { newIp6GreBody, newIp6TunnelBody } from '../../../src/netlink/tunnel-request.js';
import { Attributes, decodeMessages, encodeMessage, Writer } from '../../../src/netlink/wire.js';
import { decodeWireguardDevice } from '../../../src/netlink/wireguard-device.js';
import { setDeviceMessages } from '../../../src/netlink/wireguard-request.js';
import { decodePolicy, putPolicyBody } from '../../../src/netlink/xfrm-policy.js';
import { decodeState, newStateBody } from '../../../src/netlink/xfrm-state.js';

const wireguard = new Writer();
for (const write of setDeviceMessages(7, {
  fwmark: 1,
  peers: [
    {
      publicKey: new Uint8Array(32),
      endpoint: { address: '2001:db8::1', port: 7 },
      allowedPrefixes: ['::/0', '192.0.2.0/24'],
    },
  ],
})) {
  write(wireguard.attributeString(2, 'wg0'));
}

const message = fc.record({
  type: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  sequence: fc.integer({ min: 0, max: 0xffffffff }),
  portId: fc.integer({ min: 0, max: 0xffffffff }),
  body: fc.uint8Array({ maxLength: 64 }),
});

const decoders = {
  messages: decodeMessages,
  attributes: (bytes: Uint8Array) => new Attributes(bytes),
  link: decodeLink,
  address: decodeInterfaceAddress,
  route: decodeRoute,
  neighbour: decodeNeighbour,
  rule: decodeRule,
  wireguard: (body: Uint8Array) => decodeWireguardDevice([new Attributes(body)]),
  policy: decodePolicy,
  state: decodeState,
  reply: (body: Uint8Array) =>
    decodeReply({ type: 2, flags: body[0] === 0 ? 0x200 : 0x300, sequence: 0, portId: 0, body }, 'error'),
  done: (body: Uint8Array) => decodeReply({ type: 3, flags: 0x202, sequence: 0, portId: 0, body }, 'done'),
};

const samples = [
  newRouteBody({
    destination: '2001:db8::/32',
    mtu: 1280,
    nextHops: [
      { gateway: 'fe80::1', ifindex: 1 },
      { gateway: 'fe80::2', ifindex: 2 },
    ],
  }),
  newRuleBody({ priority: 5, source: '2001:db8::/32', table: 1000, iif: 'eth0' }),
  newVethBody({ name: 'a', peer: 'b', mtu: 1500 }),
  newIp6TunnelBody({ name: 'a', mtu: 1400, local: '2001:db8::1', remote: '2001:db8::2', flowLabel: 5 }),
  newIp6GreBody({ name: 'a', mtu: 1400, local: '2001:db8::1', key: 7 }),
  wireguard.finish(),
  putPolicyBody({ direction: 'out', selector: {}, templates: [{ mode: 'tunnel' }] }, ''),
  newStateBody({ destination: '::1', spi: 1, mode: 'tunnel', key: new Uint8Array(20), replayWindow: 64 }, ''),
];

test('messages round-trip through one datagram', (t) => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      const padded = messages.map(encodeMessage).flatMap((bytes) => {
        const padding = new Uint8Array((4 - (bytes.length % 4)) % 4);
        return [bytes, padding];
      });
      const decoded = decodeMessages(Uint8Array.from(Buffer.concat(padded)));
      return JSON.stringify(decoded) === JSON.stringify(messages);
    }),
  );
  t.deepEqual(decodeMessages(new Uint8Array()), []);
});

test('attributes round-trip, also nested and repeated', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), fc.uint8Array({ maxLength: 300 })), {
        maxLength: 9,
      }),
      (list) => {
        const bytes = new Writer()
          .nested(7, (content) => {
            for (const [type, value] of list) content.attribute(type, value);
          })
          .finish();
        const inner = new Attributes(bytes).nested(7);
        return list.every(([type], i) => {
          const position = list.slice(0, i).filter(([other]) => other === type).length;
          return Buffer.compare(inner?.all(type)[position] ?? Buffer.of(), list[i]?.[1] ?? Buffer.of()) === 0;
        });
      },
    ),
  );
  t.is(new Attributes(new Writer().attributeU32(3, 1).attributeU32(3, 2).finish()).u32(3), 2);
});

for (const [name, decode] of Object.entries(decoders)) {
  const survives = (bytes: Uint8Array): boolean => {
    try {
      decode(bytes);
      return true;
    } catch (error) {
      return error instanceof NetlinkDecodeError;
    }
  };

  test(`${name}: any bytes decode or raise NetlinkDecodeError`, (t) => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives));
    // The first byte is the family of most headers.
    const family = fc.constantFrom(0, 2, 10);
    fc.assert(
      fc.property(family, fc.uint8Array({ minLength: 8, maxLength: 120 }), (first, bytes) =>
        survives(Uint8Array.of(first, ...bytes)),
      ),
      { numRuns: 300 },
    );
    t.true(survives(new Uint8Array()));
  });

  test(`${name}: damaged real messages decode or raise NetlinkDecodeError`, (t) => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.constantFrom(...samples), damage, fc.nat(), (sample, changes, cut) => {
        const bytes = Uint8Array.from(sample).subarray(0, sample.length - (cut % 5));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return survives(bytes);
      }),
      { numRuns: 500 },
    );
    t.true(samples.every(survives));
  });
}

test('lengths that lie are named', (t) => {
  const datagram = encodeMessage({ type: 1, flags: 0, sequence: 0, portId: 0, body: new Uint8Array(4) });
  datagram[0] = 200;
  t.throws(() => decodeMessages(datagram), {
    code: 'NETLINK_DECODE',
    message: /Message of 200 bytes at 0 in 20 bytes/,
  });
  t.throws(() => new Attributes(Uint8Array.of(3, 0, 1, 0)), { code: 'NETLINK_DECODE' });
});

test('an acknowledgement carries errno and the text of the kernel', (t) => {
  const text = new Writer().attributeString(1, 'No such thing').finish();
  const capped = new Writer()
    .u32(-22 >>> 0)
    .bytes(new Uint8Array(16))
    .bytes(text)
    .finish();
  const reply = decodeReply({ type: 2, flags: 0x300, sequence: 0, portId: 0, body: capped }, 'error');
  t.deepEqual(reply, { errno: 22, extack: 'No such thing' });
  const full = new Writer()
    .u32(-1 >>> 0)
    .u32(24)
    .bytes(new Uint8Array(20))
    .bytes(text)
    .finish();
  t.is(
    decodeReply({ type: 2, flags: 0x200, sequence: 0, portId: 0, body: full }, 'error').extack,
    'No such thing',
  );
  const success = new Writer().u32(0).bytes(new Uint8Array(16)).finish();
  t.deepEqual(decodeReply({ type: 2, flags: 0, sequence: 0, portId: 0, body: success }, 'error'), {
    errno: 0,
    extack: undefined,
  });
});
