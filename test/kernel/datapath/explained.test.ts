/** A load that explains is the same program: the same tag, the same answers, and steps that lead to them. */
import test from 'ava';
import { Random } from '../../../lab/random.js';
import { decodeSteps, type ExplainedSteps } from '../../../src/datapath/explained-steps.js';
import { setGenerationSizes } from '../../../src/datapath/generation-sizes.js';
import {
  CX_EXPLAINED_LOST,
  CX_EXPLAINED_ROWS,
  CxExplainStep,
  decodeCxBinding,
  decodeCxExplained,
  encodeCxExplained,
} from '../../../src/datapath/index.js';
import { MAP_NAMES } from '../../../src/datapath/map-catalogue.js';
import { objectFile } from '../../../src/datapath/object-file.js';
import { encodeWord } from '../../../src/datapath/word.js';
import { BpfObject, formatIpv6, type LoadedObject } from '../../../src/libbpf-ts/index.js';
import { decide } from '../../../src/policy/index.js';
import { FirstFragments, foresee } from './oracle/answer.js';
import { worldOf } from './oracle/machine.js';
import { describeRecipe, describeRouter, type OracleCase } from './oracle/oracle-case.js';
import { bytesOf, type PacketRecipe } from './oracle/packet-recipe.js';
import { randomCase } from './oracle/random-case.js';
import { FRAGMENT_SECRET, TestDatapath } from './test-datapath.js';
import { INTERFACES } from './world-writer.js';

const SEED = 20261127;
const CASES = 15;
const PROBES = 150;
const OUTER_SOURCE = 14 + 8;
/**
 * Instructions of coax_ingress that only explain; there are some 1200. Before 6.8 the verifier takes global functions
 * for called whoever calls them (kernel/bpf/verifier.c, do_check_subprogs), so there only those go that are not in one.
 */
const ONLY_EXPLAINING = { reached: 400, any: 150 };

let datapath: TestDatapath;
let explaining: LoadedObject;

test.before(async () => {
  datapath = await TestDatapath.load('MOBILE_ROUTER');
  const object = BpfObject.open(objectFile('tc.bpf.o'));
  for (const name of MAP_NAMES) {
    const map = datapath.object.maps.get(name);
    object.maps.get(name).maxEntries = map.maxEntries;
    if (!map.isPerCpu) object.maps.get(name).reuse(map);
  }
  object.maps.get('cx_explained').maxEntries = 1 << 14;
  object.rodata.set('cx_explaining', 1);
  object.rodata.set('cx_fragment_secret', FRAGMENT_SECRET);
  setGenerationSizes(object);
  explaining = await object.load();
});

test.after.always(() => {
  explaining.close();
  datapath.close();
});

test.serial('both loads of every program have one tag', (t) => {
  let count = 0;
  for (const program of datapath.object.programs) {
    t.is(explaining.programs.get(program.name).info.tag, program.info.tag, program.name);
    count++;
  }
  t.true(count >= 11);
});

test.serial('the datapath has no code that explains', (t) => {
  const more = (program: string): number => {
    const [all, left] = [explaining, datapath.object].map(
      (object) => object.programs.get(program).info.translatedBytes / 8,
    ) as [number, number];
    return all - left;
  };
  // This one explains nothing: what it has more is what nobody calls.
  const keepsUncalled = more('coax_tunnel') > 0;
  t.log(`coax_ingress: ${more('coax_ingress')} instructions, coax_tunnel: ${more('coax_tunnel')}`);
  t.true(more('coax_ingress') > ONLY_EXPLAINING[keepsUncalled ? 'any' : 'reached']);
  t.is(datapath.object.maps.get('cx_explained').maxEntries, 1);
  const head = decodeCxExplained(datapath.object.maps.get('cx_explained').getRange(0, 1));
  t.deepEqual(head.values, [0, 0, 0, 0]);
});

/** A case of a mobile router, whose packets come from no cgroup: a test run's is this process's. */
function mobileCase(random: Random): OracleCase {
  for (;;) {
    const each = randomCase(random, PROBES);
    if (each.role === 'MOBILE_ROUTER') {
      return { ...each, packets: each.packets.map((packet) => ({ ...packet, cgroup: undefined })) };
    }
  }
}

const PROGRAMS = {
  ingress: 'coax_ingress',
  xdp: 'coax_ingress', // what explains is its TC twin
  'ingress-l3': 'coax_ingress_l3',
  home: 'coax_home',
} as const;

function contextOf({ mark, interface: name }: PacketRecipe): { mark: number; ingressIfindex?: number } {
  return name === undefined ? { mark } : { mark, ingressIfindex: INTERFACES.get(name) ?? 0 };
}

/** The answer of the load that explains, and its steps. */
function explain(
  program: string,
  data: Uint8Array,
  { ingressIfindex = 0, mark = 0 }: { mark?: number; ingressIfindex?: number },
): { answer: unknown[]; steps: ExplainedSteps } {
  const map = explaining.maps.get('cx_explained');
  map.set(encodeWord(0), encodeCxExplained({ step: CxExplainStep.NONE, values: [0, 0, 0, 0] }));
  const btf = explaining.btf;
  if (!btf) throw new Error('the object has no BTF');
  const run = explaining.programs
    .get(program)
    .testRun({ data, context: btf.encode('__sk_buff', { mark, ingressIfindex }) });
  const { values } = decodeCxExplained(map.getRange(0, 1));
  if (values[CX_EXPLAINED_LOST] !== 0) throw new Error('steps were lost');
  const steps = decodeSteps(map.getRange(1, values[CX_EXPLAINED_ROWS] ?? 0), map.valueSize);
  const action = new Map([
    [-1, 'pass'],
    [2, 'drop'],
    [7, 'redirect'],
  ]).get(run.returnValue | 0);
  return { answer: [action, Buffer.from(run.data).toString('hex')], steps };
}

test.serial('explained answers are the answers, and the steps lead to them', async (t) => {
  const random = new Random(SEED);
  const seen = { sent: 0, dropped: 0, undecided: 0, nodes: 0, copies: 0 };
  for (let count = 0; count < CASES; count++) {
    const each = mobileCase(random);
    await datapath.become(worldOf(each));
    const firsts = new FirstFragments();
    const [router] = each.routers;
    const ranks = [...(router?.policies ?? [])].sort((a, b) => a.priority - b.priority);
    for (const packet of each.packets) {
      const [program, bytes, context] = [PROGRAMS[packet.hook], bytesOf(packet), contextOf(packet)];
      const { action, data } = datapath.send(program, bytes, context);
      const { answer, steps } = explain(program, bytes, context);
      const about = [
        `case ${count}`,
        ...each.routers.flatMap(describeRouter),
        ...describeRecipe(packet),
      ].join('\n');
      t.deepEqual(answer, [action, Buffer.from(data).toString('hex')], about);

      const { ending, decision, answers } = foresee(each, packet, decide, firsts);
      if (ending === 'malformed') continue;
      const markKnown = packet.hook === 'home';
      t.deepEqual(steps.router, { id: 1, slot: steps.router?.slot ?? -1, markKnown }, about);
      seen.nodes += steps.nodes.length;
      const fid = decision && 'fid' in decision ? decision.fid : null;
      const tried = steps.policies.map(({ rank }) => ranks[rank]?.fid);
      if (fid !== null) t.true(tried.includes(fid), `${about}\npolicy ${fid} was not among ${tried}`);
      const sources = steps.choices.map(({ row }) => {
        const content = datapath.object.maps.get('cx_binding_rows').get(encodeWord(row));
        return content && decodeCxBinding(content).outerSource;
      });
      if (action === 'redirect') {
        t.is(sources.at(-1), formatIpv6(data.subarray(OUTER_SOURCE, OUTER_SOURCE + 16)), about);
        seen.sent++;
      } else if (action === 'drop') seen.dropped++;
      else seen.undecided++;
      if (decision?.kind === 'copy') {
        t.deepEqual([...sources].sort(), [...answers].sort(), about);
        seen.copies++;
      }
    }
  }
  t.log(seen);
  t.true(
    seen.sent > 100 && seen.dropped > 10 && seen.undecided > 10 && seen.nodes > 1000 && seen.copies > 10,
  );
});

test.serial('nothing is counted or left behind by an explanation', async (t) => {
  const each = mobileCase(new Random(SEED));
  await datapath.become(worldOf(each));
  const table = (): string[] =>
    [...datapath.object.maps.get('cx_fragments').readAll()].map(([, row]) =>
      Buffer.from(row).toString('hex'),
    );
  const before = table();
  const { verdicts } = datapath.counting(() => {
    for (const packet of each.packets) explain(PROGRAMS[packet.hook], bytesOf(packet), contextOf(packet));
  });
  t.deepEqual(verdicts, []);
  t.deepEqual(table(), before);
});
