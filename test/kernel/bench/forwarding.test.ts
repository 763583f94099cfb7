// The benchmark itself, for a fraction of a second: what it sends arrives, is right, and is reported in its format.
import test from 'ava';
import { encapsulating, ways } from '../../../bench/forwarding/contenders/coaxial.js';
import { limits } from '../../../bench/forwarding/contenders/limits.js';
import { mixOf } from '../../../bench/forwarding/contenders/policy-sets.js';
import type { Contender } from '../../../bench/forwarding/lane.js';
import { Progress } from '../../../bench/forwarding/progress.js';
import { forwardingRatios } from '../../../bench/forwarding/ratios.js';
import { type BenchReport, forwardingResults, machine } from '../../../bench/forwarding/results.js';
import { measureForwarding } from '../../../bench/forwarding/schedule.js';
import { namespaceNames } from '../../../lab/removal.js';
import { readStates } from '../../../lab/state.js';

const ROUNDS = 2;
const WORKLOAD = { size: 64, flows: 65_536 };

async function measure(contenders: readonly Contender[]) {
  const names = new Set<string>();
  const progress = new (class extends Progress {
    override say(): void {
      for (const { pid, namespaces } of readStates()) {
        if (pid === process.pid) for (const name of namespaces) names.add(name);
      }
    }
  })();
  const rates = await measureForwarding({
    contenders,
    workloads: [WORKLOAD],
    ...{ rounds: ROUNDS, seconds: 0.02, searchTrials: 1, cpu: 0 },
    progress,
  });
  return { rates, names: [...names] };
}

test.serial('what contenders forward is counted and reported', async (t) => {
  const coaxial = encapsulating(ways.tc, mixOf(100));
  const generator = limits.filter(({ name }) => name === 'generator alone');
  const { rates, names } = await measure([...generator, coaxial]);
  t.deepEqual(
    rates.map(({ contender, wrong }) => ({ contender, wrong })),
    [
      { contender: 'generator alone', wrong: 0 },
      { contender: 'coaxial TC, 100 policies', wrong: 0 },
    ],
  );
  for (const { received, withoutLoss } of rates) {
    t.is(received.length, ROUNDS);
    t.is(withoutLoss.length, ROUNDS);
    for (const rate of received) t.true(rate > 0);
  }
  const ratios = forwardingRatios([{ a: coaxial.name, b: 'generator alone', target: 0 }], rates);
  const report: BenchReport = JSON.parse(
    JSON.stringify({ machine: machine(), results: forwardingResults(rates), ratios }),
  );
  t.is(report.results.length, 4);
  for (const result of report.results) {
    t.deepEqual(Object.keys(result), ['name', 'metric', 'unit', 'median', 'min', 'max']);
    t.true(result.min <= result.median && result.median <= result.max);
  }
  t.is(report.ratios.length, 2);
  for (const each of report.ratios) t.deepEqual(Object.keys(each), ['name', 'value', 'target', 'ok']);
  t.true(report.ratios[0]?.ok);
  // Nothing is left of the labs.
  t.true(names.length > 0);
  const left = await namespaceNames();
  t.deepEqual(
    names.filter((name) => left.has(name)),
    [],
  );
});

test.serial('packets that are not what they should have been are counted as wrong', async (t) => {
  const [plain] = limits.filter(({ name }) => name === 'plain forwarding');
  if (plain === undefined) return t.fail();
  const mistaken: Contender = {
    name: 'another source is expected',
    async setUp(site) {
      const lane = await plain.setUp(site);
      const exits = lane.exits.map((exit) => ({
        ...exit,
        expected: { ...exit.expected, sourceMask: 'ffff:ffff::', source: '2001:dead::' },
      }));
      return { ...lane, exits };
    },
  };
  const [rate] = (await measure([mistaken])).rates;
  t.true((rate?.wrong ?? 0) > 0);
  t.deepEqual(rate?.received, [0, 0]);
  t.deepEqual(rate?.withoutLoss, [0, 0]);
});
