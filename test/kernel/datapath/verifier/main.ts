/** `make record-verifier`: writes down what the running kernel's verifier counts. */
import { release } from 'node:os';
import { measureCosts } from './costs.js';
import { findJumps, readRecords, seriesOf, writeRecord } from './records.js';

const series = seriesOf(release());
const costs = await measureCosts();
const old = readRecords()[series] ?? {};
for (const [program, { instructions, stack }] of Object.entries(costs)) {
  const before = old[program]?.instructions;
  const change = before === undefined ? 'new' : `was ${before}`;
  process.stdout.write(
    `  ${program.padEnd(32)} ${String(instructions).padStart(7)}  ${change}, stack ${stack}\n`,
  );
}
writeRecord(series, costs);
const wrong = findJumps(series, costs, readRecords());
process.stdout.write([...wrong, `recorded for kernel ${series}`].join('\n').concat('\n'));
process.exitCode = wrong.length > 0 ? 1 : 0;
