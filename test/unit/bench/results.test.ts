import test from 'ava';
import { barChart } from '../../../bench/forwarding/chart.js';
import { forwardingRatios, GENERATOR, judged } from '../../../bench/forwarding/ratios.js';
import { forwardingResults, table } from '../../../bench/forwarding/results.js';
import type { ForwardingRates } from '../../../bench/forwarding/schedule.js';

const rates = (contender: string, received: number[], flows = 65_536, size = 64): ForwardingRates => ({
  contender,
  workload: { size, flows },
  received,
  withoutLoss: received.map((rate) => rate / 2),
  wrong: 0,
});

const measured = [
  rates(GENERATOR, [8e6, 8e6]),
  rates('one', [4e6, 4e6]),
  rates('one', [1, 1], 1),
  rates('one', [1, 1], 65_536, 1400),
  rates('other', [2e6, 2e6]),
];

test('ratios are of small packets and many flows, whole and net', (t) => {
  const wanted = [
    { a: 'one', b: 'other', target: 2.5 },
    { a: 'one', b: 'nobody', target: 1 },
    { a: 'one', b: 'other', target: null, apart: true },
  ];
  t.deepEqual(forwardingRatios(wanted, measured), [
    { name: 'one / other', value: 2, target: 2.5, ok: false },
    { name: 'one / other, net of the generator', value: 3, target: null, ok: null },
    { name: 'one / other', value: 2, target: null, ok: null },
    { name: 'one / other, net of the generator', value: 4, target: null, ok: null },
  ]);
});

test('a target is the least, or the most', (t) => {
  t.true(judged('x', 2, 2).ok);
  t.false(judged('x', 2, 1, true).ok ?? true);
  t.true(judged('x', 1, 1, true).ok);
  t.deepEqual(judged('x', Number.NaN, 2), { name: 'x', value: null, target: 2, ok: false });
});

test('each workload has two results', (t) => {
  const [, , received, withoutLoss] = forwardingResults(measured);
  t.deepEqual(received, {
    name: 'one',
    metric: 'received, 64 bytes, 65,536 flows',
    unit: 'packets/s',
    ...{ median: 4e6, min: 4e6, max: 4e6 },
  });
  t.is(withoutLoss?.metric, 'without loss, 64 bytes, 65,536 flows');
  t.is(withoutLoss?.median, 2e6);
});

test('the table says where a target is missed', (t) => {
  const machine = { cpu: 'A CPU', cpus: 2, memoryMiB: 1, kernel: '6.1', node: 'v20', load: 0.5 };
  const ratios = [judged('good', 1, 0.8), judged('bad', 0.5, 0.8), judged('only told', 0.5, null)];
  const text = table({ machine, results: forwardingResults(measured), ratios });
  t.regex(text, /2 x A CPU, Linux 6\.1, load 0\.5/);
  t.regex(
    text,
    /^one +received, 64 bytes, 65,536 flows +4\.000 {2}\(4\.000 - 4\.000\) Mpps, without loss 2\.000$/m,
  );
  t.regex(text, /^good +1\.000 {2}0\.8 ok$/m);
  t.regex(text, /^bad +0\.500 {2}0\.8 MISSED$/m);
  t.regex(text, /^only told +0\.500$/m);
});

test('the chart has a bar for each, in proportion, and escapes its text', (t) => {
  const svg = barChart('a < b', 'Mpps', [
    { label: 'whole', median: 4, min: 4, max: 4, group: 0 },
    { label: 'h&lf', median: 2, min: 1, max: 3, group: 1 },
  ]);
  const widths = [...svg.matchAll(/<rect x="330" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  t.deepEqual(widths, [560, 280]);
  t.true(svg.includes('a &#60; b') && svg.includes('h&#38;lf'));
  t.regex(svg, /M470 79H750/);
  t.is(svg.match(/<(svg|text|rect|path)\b/g)?.length, 1 + 3 + 2 + 2 + 4);
});
