import test from 'ava';
import { field } from '../../../bench/forwarding/contenders/index.js';
import { readPeers } from '../../../bench/forwarding/peers.js';

const among = (peers: string): readonly string[] =>
  field(['Open vSwitch, 1 policy', 'bare XDP'], {
    ...{ quick: true, cpu: 0, classBench: undefined },
    peers: readPeers(peers),
  }).contenders.map(({ name }) => name);

test('a word of PEERS that nobody knows is refused, with those that are known', (t) => {
  t.throws(() => readPeers('ovs,dpdk'), { code: 'BENCH_PEERS_UNFIT', message: /'dpdk'.* say ovs$/ });
});

test('without PEERS there are none', (t) => {
  t.is(readPeers('').size, 0);
  t.deepEqual(among(''), ['generator alone', 'bare XDP redirect']);
});

test('Open vSwitch is measured on request, as the ratios name it', (t) => {
  t.deepEqual([...readPeers(' ovs, ovs')], ['ovs']);
  t.deepEqual(among('ovs'), ['generator alone', 'bare XDP redirect', 'Open vSwitch, 1 policy']);
});
