import test from 'ava';
import fc from 'fast-check';
import { NetlinkDecodeError } from '../../../src/netlink/errors.js';
import { Attributes, Writer } from '../../../src/netlink/wire.js';
import {
  decodeDefaults,
  decodePolicy,
  deletePolicyBody,
  formatXfrmPolicy,
  putPolicyBody,
  type XfrmPolicySpec,
} from '../../../src/netlink/xfrm-policy.js';
import {
  decodeState,
  deleteStateBody,
  newStateBody,
  type XfrmStateSpec,
} from '../../../src/netlink/xfrm-state.js';
import { address4, address6, ifindex, optional, prefixOf, u32 } from './samples.js';

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

const port = fc.record({
  value: fc.integer({ min: 0, max: 65535 }),
  mask: fc.integer({ min: 1, max: 65535 }),
});
const mark = fc.record({ value: u32, mask: u32 });
const mode = fc.constantFrom('transport', 'tunnel', 'beet', 'iptfs');

const policies = fc.constantFrom(address4, address6).chain((address) =>
  fc.record({
    direction: fc.constantFrom('in', 'out', 'fwd'),
    selector: fc.record({
      source: prefixOf(address),
      destination: prefixOf(address),
      protocol: fc.integer({ min: 0, max: 255 }),
      sourcePort: optional(port),
      destinationPort: optional(port),
      ifindex: optional(ifindex),
    }),
    priority: fc.oneof(fc.constant(0), u32),
    action: fc.constantFrom('allow', 'block'),
    ifId: optional(u32),
    mark: optional(mark),
    templates: fc.constantFrom(address4, address6).chain((end) =>
      fc.array(
        fc.record({
          source: end,
          destination: end,
          spi: fc.oneof(fc.constant(0), u32),
          protocol: fc.constantFrom(50, 51, 108),
          reqid: fc.oneof(fc.constant(0), u32),
          mode,
          optional: fc.boolean(),
        }),
        { maxLength: 6 },
      ),
    ),
  } as const),
);

test('what a policy request asks for is what a policy message says', (t) => {
  fc.assert(
    fc.property(policies, (policy) => {
      t.deepEqual(plain(decodePolicy(putPolicyBody(policy, 'put'))), plain({ ...policy, type: 'main' }));
    }),
  );
});

const TUNNEL: XfrmPolicySpec = {
  direction: 'out',
  selector: { source: '2001:db8:1::/64', protocol: 17, destinationPort: 53 },
  templates: [{ source: '2001:db8:a::2', destination: '2001:db8:ffff::1', reqid: 7, mode: 'tunnel' }],
};

test('defaults of a policy, and its line', (t) => {
  const policy = decodePolicy(putPolicyBody(TUNNEL, 'put'));
  t.like(plain(policy), {
    selector: { destination: '::/0', destinationPort: { value: 53, mask: 0xffff } },
    priority: 0,
    action: 'allow',
    templates: [{ spi: 0, protocol: 50, reqid: 7, optional: false }],
  });
  t.is(
    policy && formatXfrmPolicy(policy),
    'src 2001:db8:1::/64 dst ::/0 proto 17 dport 53 dir out tmpl src 2001:db8:a::2 dst 2001:db8:ffff::1 proto esp mode tunnel',
  );
  const blocked = decodePolicy(
    putPolicyBody(
      { direction: 'fwd', selector: {}, action: 'block', ifId: 9, mark: { value: 2, mask: 15 } },
      '',
    ),
  );
  t.is(blocked && formatXfrmPolicy(blocked), 'src ::/0 dst ::/0 dir fwd mark 0x2/0xf if_id 0x9 action block');
});

test('templates without addresses are of the family of the selector', (t) => {
  const template = { mode: 'transport' } as const;
  for (const [destination, any] of [
    ['192.0.2.0/24', '0.0.0.0'],
    ['2001:db8::/32', '::'],
  ] as const) {
    const spec = { direction: 'in', selector: { destination }, templates: [template] } as const;
    t.is(decodePolicy(putPolicyBody(spec, ''))?.templates[0]?.source.toString(), any);
  }
});

test('the policy of a socket is passed over, half a policy is an error', (t) => {
  const body = putPolicyBody(TUNNEL, '');
  const ofSocket = body.slice();
  ofSocket[160] = 4;
  t.is(decodePolicy(ofSocket), undefined);
  t.throws(() => decodePolicy(body.subarray(0, 150)), { instanceOf: NetlinkDecodeError });
  t.throws(() => decodePolicy(body.subarray(0, body.length - 30)), { instanceOf: NetlinkDecodeError });
});

test('a policy of two families or of too many templates is refused', (t) => {
  const selector = { source: '192.0.2.0/24', destination: '2001:db8::/32' };
  for (const spec of [
    { direction: 'out', selector },
    { direction: 'out', selector: {}, templates: Array.from({ length: 7 }, () => ({ mode: 'tunnel' })) },
  ] as XfrmPolicySpec[]) {
    t.throws(() => putPolicyBody(spec, 'put a policy'), {
      code: 'NETLINK_ARGUMENT',
      message: /^Cannot put a policy: /,
    });
  }
  t.throws(() => deletePolicyBody({ direction: 'in', selector }, 'delete'), { code: 'NETLINK_ARGUMENT' });
});

test('the default policies', (t) => {
  t.deepEqual(decodeDefaults(Uint8Array.of(2, 1, 0)), { in: 'accept', fwd: 'block', out: 'accept' });
});

const KEY = Uint8Array.from({ length: 20 }, (_, at) => 0xa0 + at);
const STATE: XfrmStateSpec = { destination: '2001:db8::1', spi: 0x101, mode: 'tunnel', key: KEY };

test('what a state request asks for is what a state message says, but for the key', (t) => {
  const states = fc.constantFrom(address4, address6).chain((address) =>
    fc.record({
      source: address,
      destination: address,
      spi: u32,
      mode: fc.constantFrom('transport', 'tunnel'),
      reqid: u32,
      ifId: optional(u32),
      mark: optional(mark),
      replayWindow: fc.integer({ min: 1, max: 4096 }),
      esn: fc.boolean(),
    } as const),
  );
  fc.assert(
    fc.property(states, (state) => {
      const decoded = decodeState(newStateBody({ ...state, key: KEY }, 'add'));
      const more = { protocol: 50, aead: 'rfc4106(gcm(aes))', packets: 0, bytes: 0 };
      t.deepEqual(plain(decoded), plain({ ...state, ...more }));
    }),
  );
});

test('the key is in the request and in nothing else', (t) => {
  const body = newStateBody(STATE, 'add');
  const aead = new Attributes(body.subarray(224)).bytes(18);
  t.deepEqual(aead?.subarray(72), KEY);
  t.deepEqual(new Uint32Array(aead?.slice(64, 72).buffer ?? new ArrayBuffer()), new Uint32Array([160, 128]));
  const hex = Buffer.from(KEY).toString('hex');
  const said = JSON.stringify(decodeState(body), (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
  t.false(said.includes(hex.slice(0, 8)));
  for (const wrong of [
    { key: KEY.subarray(4) },
    { esn: true },
    { replayWindow: 4097 },
    { source: '192.0.2.1' },
  ]) {
    const error = t.throws(() => newStateBody({ ...STATE, ...wrong }, 'add a state'), {
      code: 'NETLINK_ARGUMENT',
    });
    t.false(/a1|161/.test(error?.message ?? ''), error?.message);
  }
});

test('a state has no limit that is reached at once', (t) => {
  const limits = new BigUint64Array(newStateBody(STATE, 'add').slice(96, 160).buffer);
  t.deepEqual([...limits], [...Array(4).fill(2n ** 64n - 1n), 0n, 0n, 0n, 0n]);
});

test('a state is deleted by destination, protocol and SPI', (t) => {
  const body = deleteStateBody({ destination: '192.0.2.1', spi: 0x0102, protocol: 51 });
  t.deepEqual([...body.subarray(0, 4), ...body.subarray(16)], [192, 0, 2, 1, 0, 0, 1, 2, 2, 0, 51, 0]);
});

test('every byte is kept where a message outgrows its buffer', (t) => {
  for (const write of [
    (writer: Writer) => writer.u8(7),
    (writer: Writer) => writer.be16(7),
    (writer: Writer) => writer.be32(7),
  ]) {
    const writer = write(new Writer().zeros(256));
    t.is(writer.finish().at(-1), 7);
  }
});
