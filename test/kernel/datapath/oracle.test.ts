/** The reference classifier and the programs agree on random policy sets and packets. */
import test from 'ava';
import { OracleMachine } from './oracle/machine.js';
import { type OracleTotals, runOracle, summary } from './oracle/oracle-run.js';

const SEED = 20261125;
const PACKETS = 20_000;

/** Without these the run would not be what it is called. */
const TRIED = [
  ...['ingress', 'xdp', 'ingress-l3', 'home'].flatMap((hook) =>
    ['sent', 'dropped', 'bypass', 'no-binding', 'malformed'].map((ending) => `${hook} ${ending}`),
  ),
  'ingress mark-decides',
  'xdp mark-decides',
  'ingress-l3 mark-decides',
  'decision binding',
  'decision binding by no policy',
  'decision balance',
  'decision copy',
  ...['hop-by-hop', 'destination-options', 'routing', 'authentication', 'fragment'].map(
    (kind) => `header ${kind}`,
  ),
  'later fragment',
  'later fragment of a first one',
  'cut',
  'cut and told',
  'set MOBILE_ROUTER',
  'set HOME_AGENT',
  'router with all bindings usable',
  'router without a usable binding',
  'several trees',
  'one tree or none',
  ...['use', 'balance', 'copy'].flatMap((action) =>
    ['next', 'drop', 'default'].map((otherwise) => `action ${action} otherwise ${otherwise}`),
  ),
  'action drop otherwise next',
  'action bypass otherwise next',
  ...[
    'mark',
    'source',
    'destination',
    'protocol',
    'sourcePort',
    'destinationPort',
    'dscp',
    'flowLabel',
    'spi',
    'icmpType',
    'icmpCode',
    'interface',
    'cgroup',
  ].map((field) => `selector ${field}`),
  'list of destinationPort',
  'named set of source',
  'named set of destination',
];

test.serial(`${PACKETS} random packets: reference and programs agree`, async (t) => {
  t.timeout(600_000);
  await using machine = await OracleMachine.start();
  const result = await runOracle(machine, {
    packets: PACKETS,
    seed: SEED,
    progress: (totals: OracleTotals) => {
      if (totals.sets % 10 === 0) t.log(summary(totals));
    },
  });
  t.is(result.failed?.text, undefined);
  t.is(result.mismatches, 0);
  t.is(result.packets, PACKETS);
  t.deepEqual(
    TRIED.filter((what) => result.coverage.count(what) === 0),
    [],
    'what was not tried',
  );
});
