/** The reference classifier and the programs agree on random policy sets and packets. */
import test, { type ExecutionContext } from 'ava';
import { Random } from '../../../lab/random.js';
import { formatIpv6 } from '../../../src/libbpf-ts/index.js';
import { type Decision, decide } from '../../../src/policy/index.js';
import { describePacket } from '../../support/packet-text.js';
import { describeCase, type OracleCase, type OracleProbe, randomCase, randomProbe } from './oracle-cases.js';
import { TestDatapath } from './test-datapath.js';
import { INTERFACES } from './world-writer.js';
import { mobileRow, mobileWorld } from './worlds.js';

const SEED = 20261125;
const CASES = 40;
const PROBES = 500;
const MOST_MS = 20_000;
const OUTER_SOURCE = 14 + 8;

let datapath: TestDatapath;

test.before(async () => {
  datapath = await TestDatapath.load('MOBILE_ROUTER');
});

test.after.always(() => datapath.close());

/** The address by which a sent packet tells its binding. */
const careOf = (bid: number): string => `2001:db8:c0a::${bid}`;

/** The whole address space is home and ours, so that only the policies decide. */
async function become({ policies, bindings, usable }: OracleCase): Promise<void> {
  const everything = [{ prefix: '::/0', router: 1 }];
  await datapath.become(
    mobileWorld({
      routes: everything,
      prefixes: everything,
      bindings: bindings.map(({ bid }) => ({
        router: 1,
        bid,
        row: usable.has(bid) ? mobileRow('A', { outerSource: careOf(bid) }) : undefined,
      })),
      routers: [{ routerId: 1, policies, bindings }],
      tunnels: [],
    }),
  );
}

/** The source a packet left with, or what became of it; which policy it was is seen in the counters. */
function observed({ packet, seen }: OracleProbe, markKnown: boolean): string {
  const bytes = packet.onEthernet().bytes();
  const { action, data } = markKnown
    ? datapath.send('coax_home', bytes, { mark: seen.mark ?? 0 })
    : datapath.send('coax_ingress', bytes, { ifindex: INTERFACES.get(seen.interface ?? '') ?? 0 });
  return action === 'redirect' ? formatIpv6(data.subarray(OUTER_SOURCE, OUTER_SOURCE + 16)) : action;
}

/** The reference's answer in the words of `observed`; of shares any may be the flow's. */
function foreseen(decision: Decision, markKnown: boolean): string[] {
  if (decision.kind === 'binding') return [careOf(decision.bid)];
  if (decision.kind === 'balance') return decision.bindings.map(({ bid }) => careOf(bid));
  return [markKnown || decision.kind === 'drop' ? 'drop' : 'pass'];
}

function checkCase(
  t: ExecutionContext,
  each: OracleCase,
  probes: readonly OracleProbe[],
  markKnown: boolean,
): void {
  const before = each.policies.map(({ fid }) => datapath.policyHits(1, fid));
  const hits = each.policies.map(() => 0);
  const kinds = { binding: 0, balance: 0, copy: 0, drop: 0, bypass: 0, 'mark-decides': 0, none: 0 };
  const { verdicts } = datapath.counting(() => {
    for (const probe of probes) {
      const decision = decide(each, probe.seen, { markKnown, usable: (bid) => each.usable.has(bid) });
      kinds[decision.kind] += 1;
      if ('fid' in decision && decision.kind !== 'mark-decides' && decision.fid !== null) {
        hits[decision.fid - 1] = (hits[decision.fid - 1] ?? 0) + 1;
      }
      const [answer, expected] = [observed(probe, markKnown), foreseen(decision, markKnown)];
      if (!expected.includes(answer)) {
        const packet = describePacket(probe.packet.onEthernet().bytes());
        const reference = `reference: ${JSON.stringify(decision)}, mark ${probe.seen.mark}`;
        t.is(answer, expected.join(' or '), [...describeCase(each), ...packet, reference].join('\n'));
      }
    }
  });
  const hitsSeen = each.policies.map(({ fid }, at) => datapath.policyHits(1, fid) - (before[at] ?? 0));
  t.deepEqual(hitsSeen, hits, `hits by policy\n${describeCase(each).join('\n')}`);
  const count = (...reasons: string[]): number =>
    verdicts.reduce((sum, { reason, packets }) => sum + (reasons.includes(reason) ? packets : 0), 0);
  t.is(count('ENCAPSULATED'), kinds.binding + kinds.balance);
  t.is(count(markKnown ? 'DROP_BYPASS' : 'BYPASS'), kinds.bypass);
  t.is(count('DROP_BY_POLICY'), kinds.drop);
  t.is(count('MARK_DECIDES'), kinds['mark-decides']);
  t.is(count('NO_BINDING', 'DROP_NO_BINDING'), kinds.none);
}

for (const markKnown of [false, true]) {
  const place = markKnown
    ? 'home interface, where the mark is known'
    : 'ingress, where the mark is not known';
  test.serial(`${CASES * PROBES} random packets: reference and program agree at the ${place}`, async (t) => {
    const start = performance.now();
    const random = new Random(SEED + Number(markKnown));
    for (let number = 0; number < CASES; number++) {
      const each = randomCase(random);
      await become(each);
      checkCase(
        t,
        each,
        Array.from({ length: PROBES }, () => randomProbe(random, each, markKnown)),
        markKnown,
      );
    }
    const took = performance.now() - start;
    t.true(took < MOST_MS, `${Math.round(took)} ms`);
  });
}
