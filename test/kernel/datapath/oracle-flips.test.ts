/** Two random policy tables in turn, as fast as they go: each packet's answer is the old or the new one's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import test from 'ava';
import { Random } from '../../../lab/random.js';
import { CxSetting } from '../../../src/datapath/index.js';
import { decide } from '../../../src/policy/index.js';
import { withBpffs } from '../libbpf-ts/support.js';
import { Flips } from './flips.js';
import { foresee } from './oracle/answer.js';
import { OracleMachine, worldOf } from './oracle/machine.js';
import { describeRecipe, describeRouter, type OracleCase } from './oracle/oracle-case.js';
import { bytesOf, type PacketRecipe } from './oracle/packet-recipe.js';
import { randomCase, randomPackets } from './oracle/random-case.js';
import { shareMaps } from './updater.js';

const SEED = 20261126;
const PAIRS = 20;
const PACKETS = 500;
/** Flips that the packets of one pair must meet, and how often its packets are sent for that at most. */
const LEAST_FLIPS = 4;
const MOST_ROUNDS = 200;

/** The old table and the new one, with the same packets. */
type Pair = readonly [OracleCase, OracleCase];

/** Two tables over the same routers, bindings and usable ones, with one cgroup for all packets. */
function randomPair(random: Random): Pair {
  for (;;) {
    const [old, other] = [randomCase(random, 0), randomCase(random, 0)];
    if (old.role !== 'MOBILE_ROUTER' || other.role !== 'MOBILE_ROUTER') continue;
    const routers = old.routers.map((router, at) => ({
      ...router,
      policies: reused(other.routers[at]?.policies ?? [], router.bindings),
    }));
    const packets = randomPackets(random, [...old.routers, ...routers], PACKETS).map((packet) =>
      packet.cgroup === undefined ? packet : { ...packet, cgroup: '/coaxial/a' },
    );
    return [
      { ...old, packets },
      { ...old, routers, packets },
    ];
  }
}

type Router = OracleCase['routers'][number];

/** The same policies by the bindings that this router has. */
function reused(policies: Router['policies'], bindings: Router['bindings']): Router['policies'] {
  const bids = bindings.map(({ bid }) => bid);
  const rotated = (count: number): number[] => bids.slice(0, Math.max(1, count)).reverse();
  return policies.map((policy) => {
    const { action } = policy;
    if (action.kind === 'use' || action.kind === 'copy') {
      return { ...policy, action: { ...action, bindings: rotated(action.bindings.length) } };
    }
    if (action.kind === 'balance') {
      const shares = rotated(action.bindings.length).map((bid, at) => ({ bid, weight: at + 1 }));
      return { ...policy, action: { ...action, bindings: shares } };
    }
    return policy;
  });
}

/** A packet and what it may be answered with. */
interface Probe {
  readonly packet: PacketRecipe;
  readonly bytes: Uint8Array;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Whether its answer tells the tables apart. */
  readonly differs: boolean;
}

function probesOf([old, next]: Pair): Probe[] {
  return old.packets.map((packet) => {
    const [before, after] = [old, next].map((each) => foresee(each, packet, decide).answers) as [
      string[],
      string[],
    ];
    const differs = !before.some((answer) => after.includes(answer));
    return { packet, bytes: bytesOf(packet), before, after, differs };
  });
}

class Totals {
  packets = 0;
  flips = 0;
  differing = 0;
  old = 0;
  next = 0;
  readonly wrong: string[] = [];

  /** Sends the packets of a pair until they have met enough flips. */
  send(machine: OracleMachine, pair: Pair): void {
    const { settings } = machine.datapath('MOBILE_ROUTER');
    const probes = probesOf(pair);
    const first = settings.get(CxSetting.GENERATION_ID);
    const met = (): number => settings.get(CxSetting.GENERATION_ID) - first;
    for (let round = 0; round < MOST_ROUNDS && (round === 0 || met() < LEAST_FLIPS); round++) {
      for (const probe of probes) {
        this.#note(pair, probe, machine.answer('MOBILE_ROUTER', probe.packet, probe.bytes));
      }
    }
    this.differing += probes.filter(({ differs }) => differs).length;
    this.flips += met();
  }

  #note(pair: Pair, { packet, before, after, differs }: Probe, answer: string): void {
    this.packets += 1;
    if (differs && before.includes(answer)) this.old += 1;
    if (differs && after.includes(answer)) this.next += 1;
    if (before.includes(answer) || after.includes(answer)) return;
    const answers = `program: ${answer}, old: ${before.join(' or ')}, new: ${after.join(' or ')}`;
    const tables = pair.flatMap(({ routers }) => routers.flatMap(describeRouter));
    this.wrong.push([answers, ...describeRecipe(packet), ...tables].join('\n'));
  }
}

test.serial(`${PAIRS} pairs of random policy tables flip under ${PACKETS} packets each`, async (t) => {
  t.timeout(600_000);
  const random = new Random(SEED);
  const pairs = Array.from({ length: PAIRS }, () => randomPair(random));
  const scratch = mkdtempSync(join(tmpdir(), 'coaxial-flips-'));
  t.teardown(() => rmSync(scratch, { recursive: true }));
  await using machine = await OracleMachine.start();
  const datapath = machine.datapath('MOBILE_ROUTER');
  const file = join(scratch, 'generations.bin');
  writeFileSync(file, serialize(pairs.map((pair) => pair.map(({ routers }) => datapath.compile(routers)))));
  const totals = new Totals();
  await withBpffs(async (folder) => {
    shareMaps(datapath, folder, [
      'cx_blocks',
      'cx_policies',
      'cx_policy_sets',
      'cx_routers',
      'cx_cgroups',
      'cx_settings',
    ]);
    await using worker = await Flips.start(folder, file);
    for (const [number, pair] of pairs.entries()) {
      await datapath.become(worldOf(pair[0]));
      await worker.begin(number);
      totals.send(machine, pair);
      await worker.pause();
    }
  });
  const { packets, flips, differing, old, next, wrong } = totals;
  t.log(
    `${packets} packets met ${flips} flips; of each pair's ${PACKETS} packets ` +
      `${Math.round(differing / PAIRS)} are answered differently: ${old} as before, ${next} anew`,
  );
  t.is(wrong[0], undefined, `${wrong.length} wrong answers`);
  t.true(flips >= PAIRS * LEAST_FLIPS, `only ${flips} flips: the run says nothing`);
  t.true(differing > (PAIRS * PACKETS) / 10, `only ${differing} packets can tell the tables apart`);
  t.true(old > 0 && next > 0, 'both tables were seen');
});
