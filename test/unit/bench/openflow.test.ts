import test from 'ava';
import { maskedRange, openFlows } from '../../../bench/forwarding/contenders/openflow.js';
import { mixOf } from '../../../bench/forwarding/contenders/policy-sets.js';
import { Random } from '../../../lab/random.js';
import { Prefix } from '../../../src/net/index.js';
import { ANY, matchOfPrefix, type Policy, type Selector } from '../../../src/policy/index.js';

const PORTS = {
  ingress: 1,
  tunnel: 10,
  homeAgent: '2001:db8:f::1',
  careOf: ['2001:db8:a::2', '2001:db8:b::2'],
};

const policy = (selector: Partial<Selector>, fields: Partial<Policy> = {}): Policy => ({
  fid: 1,
  name: 'p',
  priority: 1,
  selector: { ...ANY, ...selector },
  action: { kind: 'use', bindings: [2, 1] },
  otherwise: 'next',
  ...fields,
});

const text = (low: number, high: number): string[] =>
  maskedRange(BigInt(low), BigInt(high), 16).map(
    ({ value, mask }) => `${value}/${mask.toString(16).padStart(4, '0')}`,
  );

/** What a flow asks of packets, without its priority and its actions. */
const asked = (flow: string): string => flow.replace(/^priority=\d+,in_port=1,(.*),actions=.*$/, '$1');

test('a range is the fewest values below masks', (t) => {
  t.deepEqual(text(80, 80), ['80/ffff']);
  t.deepEqual(text(0, 65_535), ['0/0000']);
  t.deepEqual(text(1024, 65_535), [
    '1024/fc00',
    '2048/f800',
    '4096/f000',
    '8192/e000',
    '16384/c000',
    '32768/8000',
  ]);
  t.deepEqual(text(5, 10), ['5/ffff', '6/fffe', '8/fffe', '10/ffff']);
  t.is(text(1, 65_534).length, 30);
});

test('each value of a range is matched once, and no other', (t) => {
  const random = new Random(11);
  const wrong: string[] = [];
  for (let round = 0; round < 50; round++) {
    const [low, high] = [random.below(1024), random.below(1024)].sort((a, b) => a - b) as [number, number];
    const masked = maskedRange(BigInt(low), BigInt(high), 10);
    for (let value = 0; value < 1024; value++) {
      const hits = masked.filter((each) => (BigInt(value) & each.mask) === each.value).length;
      if (hits !== (low <= value && value <= high ? 1 : 0)) wrong.push(`${value} in ${low}-${high}: ${hits}`);
    }
  }
  t.deepEqual(wrong, []);
});

test('what is no range of so many bits is refused', (t) => {
  for (const [low, high] of [
    [2n, 1n],
    [0n, 65_536n],
    [-1n, 1n],
  ] as const) {
    t.throws(() => maskedRange(low, high, 16), { code: 'BENCH_OPENFLOW_UNFIT' });
  }
});

test('a policy is one flow for each combination, above what no policy decides', (t) => {
  const one = policy({
    source: matchOfPrefix(Prefix.parse('2001:db8:1::/64')),
    destinationPort: [{ low: 6, high: 9 }],
    dscp: [{ low: 46, high: 46 }],
  });
  const [rest = '', ...flows] = openFlows([one], PORTS);
  t.deepEqual(flows.map(asked), [
    'tcp6,ipv6_src=2001:0db8:0001:0000:0000:0000:0000:0000/ffff:ffff:ffff:ffff:0000:0000:0000:0000,tp_dst=6/0xfffe,ip_dscp=46',
    'tcp6,ipv6_src=2001:0db8:0001:0000:0000:0000:0000:0000/ffff:ffff:ffff:ffff:0000:0000:0000:0000,tp_dst=8/0xfffe,ip_dscp=46',
    'udp6,ipv6_src=2001:0db8:0001:0000:0000:0000:0000:0000/ffff:ffff:ffff:ffff:0000:0000:0000:0000,tp_dst=6/0xfffe,ip_dscp=46',
    'udp6,ipv6_src=2001:0db8:0001:0000:0000:0000:0000:0000/ffff:ffff:ffff:ffff:0000:0000:0000:0000,tp_dst=8/0xfffe,ip_dscp=46',
  ]);
  t.is(asked(rest), 'ipv6');
  t.regex(rest, /^priority=0,.*set_field:1->pkt_mark,set_field:2001:db8:a::2->tun_ipv6_src/);
  for (const flow of flows) {
    t.regex(flow, /^priority=65534,.*set_field:2->pkt_mark,set_field:2001:db8:b::2->tun_ipv6_src/);
  }
});

test('a protocol without ports is asked for by its number', (t) => {
  const [, flow = ''] = openFlows([policy({ protocol: [{ low: 50, high: 50 }] })], PORTS);
  t.is(asked(flow), 'ipv6,nw_proto=50');
});

test('the first policy has the highest priority', (t) => {
  const { policies } = mixOf(100);
  const flows = openFlows(policies, PORTS).slice(1);
  const priorities = flows.map((flow) => Number(/^priority=(\d+)/.exec(flow)?.[1]));
  t.deepEqual(
    priorities,
    [...priorities].sort((a, b) => b - a),
  );
  t.is(new Set(priorities).size, policies.length);
});

test('what flows cannot say is refused', (t) => {
  for (const each of [
    policy({ mark: { value: 1, mask: 1 } }),
    policy({ protocol: [{ low: 50, high: 50 }], sourcePort: [{ low: 1, high: 1 }] }),
    policy({}, { priority: 65_535 }),
    policy({}, { action: { kind: 'use', bindings: [3] } }),
    policy({}, { action: { kind: 'drop' } }),
  ]) {
    t.throws(() => openFlows([each], PORTS), { code: 'BENCH_OPENFLOW_UNFIT' });
  }
});
