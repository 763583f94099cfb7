/** Flows are shared by weight, each stays on its way, and when a way goes only its own flows move. */
import test from 'ava';
import { formatIpv6 } from '../../../src/libbpf-ts/index.js';
import { ANY, type Policy } from '../../../src/policy/index.js';
import { TestDatapath } from './test-datapath.js';
import { mobileRow, mobileWorld, up } from './worlds.js';

const FLOWS = 4000;
const WEIGHTS = [
  { bid: 1, weight: 5 },
  { bid: 2, weight: 3 },
  { bid: 3, weight: 1 },
] as const;
const OUTER_SOURCE = 14 + 8;

const careOf = (bid: number): string => `2001:db8:c0a::${bid}`;
const policy: Policy = {
  fid: 1,
  name: 'shared',
  priority: 1,
  selector: ANY,
  action: { kind: 'balance', bindings: WEIGHTS },
  otherwise: 'next',
};

/** Source address that each flow leaves with, in order; flow n has source port n. */
async function ways(datapath: TestDatapath, usable: readonly number[]): Promise<string[]> {
  await datapath.become(
    mobileWorld({
      bindings: WEIGHTS.map(({ bid }) => ({
        router: 1,
        bid,
        row: usable.includes(bid) ? mobileRow('A', { outerSource: careOf(bid) }) : undefined,
      })),
      routers: [
        { routerId: 1, policies: [policy], bindings: WEIGHTS.map(({ bid }) => ({ bid, priority: bid })) },
      ],
    }),
  );
  return Array.from({ length: FLOWS }, (_, flow) => {
    const packet = up()
      .udp({ sourcePort: 10_000 + flow })
      .onEthernet()
      .bytes();
    const { data } = datapath.send('coax_ingress', packet, { ifindex: 1 });
    return formatIpv6(data.subarray(OUTER_SOURCE, OUTER_SOURCE + 16));
  });
}

test.serial('weights, stickiness, and the least movement when a binding goes and comes back', async (t) => {
  const datapath = await TestDatapath.load('MOBILE_ROUTER');
  try {
    const all = await ways(datapath, [1, 2, 3]);
    const total = WEIGHTS.reduce((sum, { weight }) => sum + weight, 0);
    for (const { bid, weight } of WEIGHTS) {
      const share = all.filter((way) => way === careOf(bid)).length;
      const expected = (FLOWS * weight) / total;
      // Five standard deviations of a binomial: chance alone is no failure, a wrong weight is.
      const slack = 5 * Math.sqrt(expected * (1 - weight / total));
      t.true(
        Math.abs(share - expected) < slack,
        `binding ${bid}: ${share} flows, about ${expected} expected`,
      );
    }
    t.deepEqual(await ways(datapath, [1, 2, 3]), all, 'a flow stays where it is');

    const without = await ways(datapath, [1, 3]);
    for (const [flow, way] of without.entries()) {
      t.not(way, careOf(2));
      if (all[flow] !== careOf(2)) t.true(way === all[flow], `flow ${flow} need not have moved`);
    }
    const moved = without.filter((_, flow) => all[flow] === careOf(2));
    const toFirst = moved.filter((way) => way === careOf(1)).length;
    t.true(Math.abs(toFirst - (moved.length * 5) / 6) < 5 * Math.sqrt(moved.length * (5 / 36)), `${toFirst}`);
    t.deepEqual(await ways(datapath, [1, 2, 3]), all, 'and back');
  } finally {
    datapath.close();
  }
});
