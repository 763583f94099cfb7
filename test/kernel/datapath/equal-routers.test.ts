/** Routers that share the rows of their policies have bindings and counters of their own. */
import test from 'ava';
import { formatIpv6 } from '../../../src/libbpf-ts/index.js';
import { type Action, ANY, type Policy } from '../../../src/policy/index.js';
import { TestDatapath, type World } from './test-datapath.js';
import { agentRow, agentWorld, down, LAN_HOST, OTHER_HOST } from './worlds.js';

const ROUTERS = [
  { router: 1, host: LAN_HOST },
  { router: 2, host: OTHER_HOST },
];
const BIDS = [1, 2, 3];
const OUTER_DESTINATION = 14 + 24;

const careOf = (router: number, bid: number): string => `2001:db8:c0a:${router}::${bid}`;
const forPort = (port: number, action: Action): Policy => ({
  fid: port,
  name: `port ${port}`,
  priority: port,
  selector: { ...ANY, destinationPort: [{ low: port, high: port }] },
  action,
  otherwise: 'next',
});
const POLICIES: Policy[] = [
  forPort(11, { kind: 'use', bindings: [3, 1] }),
  forPort(12, { kind: 'balance', bindings: [{ bid: 2, weight: 7 }] }),
  forPort(13, { kind: 'copy', bindings: [2] }),
];
const USED = [
  { port: 11, bid: 3 },
  { port: 12, bid: 2 },
  { port: 13, bid: 2 },
  { port: 14, bid: 1 },
];

function world(ofSecond: readonly Policy[]): World {
  return agentWorld({
    bindings: ROUTERS.flatMap(({ router }) =>
      BIDS.map((bid) => ({
        router,
        bid,
        row: agentRow('A', { outerDestination: careOf(router, bid) }),
      })),
    ),
    routers: ROUTERS.map(({ router }) => ({
      routerId: router,
      policies: router === 2 ? ofSecond : POLICIES,
      bindings: BIDS.map((bid) => ({ bid, priority: bid })),
    })),
    tunnels: [],
  });
}

test.serial(
  'each uses its own bindings and counts for itself, also when one gets a policy of its own',
  async (t) => {
    const datapath = await TestDatapath.load('HOME_AGENT');
    const setOf = (router: number) => datapath.generations.active().routers[router]?.policySet;
    const send = (host: string, port: number): string => {
      const packet = down({ destination: host }).udp({ destinationPort: port }).onEthernet().bytes();
      const { data } = datapath.send('coax_transit', packet, { ifindex: 1 });
      return formatIpv6(data.subarray(OUTER_DESTINATION, OUTER_DESTINATION + 16));
    };
    const hits = () =>
      ROUTERS.map(({ router }) => [10, 11, 12, 13].map((fid) => datapath.policyHits(router, fid)));
    try {
      await datapath.become(world(POLICIES));
      t.truthy(setOf(1));
      t.is(setOf(1), setOf(2));
      for (const { router, host } of ROUTERS) {
        for (const { port, bid } of USED) t.is(send(host, port), careOf(router, bid), `${router} ${port}`);
      }
      send(OTHER_HOST, 12);
      t.deepEqual(hits(), [
        [0, 1, 1, 1],
        [0, 1, 2, 1],
      ]);

      await datapath.become(world([forPort(10, { kind: 'use', bindings: [2] }), ...POLICIES]));
      t.not(setOf(1), setOf(2));
      for (const { router, host } of ROUTERS) {
        for (const { port, bid } of USED)
          t.is(send(host, port), careOf(router, bid), `${router} ${port} later`);
      }
      t.is(send(OTHER_HOST, 10), careOf(2, 2));
      t.deepEqual(hits(), [
        [0, 2, 2, 2],
        [1, 2, 3, 2],
      ]);
    } finally {
      datapath.close();
    }
  },
);
