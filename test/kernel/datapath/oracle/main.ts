/**
 * `make check-oracle N=<packets> [SEED=<number>] [CASE=<file>]`: compares random policy sets and packets, or one case
 * that an earlier run has written. The last line says how many; the status is 1 when something differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMismatches, OracleMachine } from './machine.js';
import { type OracleCase, OracleCaseError, readCase, writeCase } from './oracle-case.js';
import { type OracleResult, type OracleTotals, runOracle, shrinkCase, summary } from './oracle-run.js';

const DEFAULT_PACKETS = 20_000;
const DEFAULT_SEED = 20261125;
const DEFAULT_OUTPUT = 'build/oracle-case.json';
const REPORT_EVERY = 20;

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A whole number that is not negative. @throws TypeError saying what to write */
function numberOption(name: string, text: string | undefined, usual: number): number {
  if (text === undefined || text === '') return usual;
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new TypeError(`${name}=${text} is not a number: write for example ${name}=${usual}`);
  }
  return number;
}

function report(failed: NonNullable<OracleResult['failed']>, output: string): void {
  writeFileSync(output, writeCase(failed.smallest));
  note(`\nThe first mismatch, after ${failed.tries} attempts to make it smaller:\n${failed.text}`);
  note(`\nIt is in ${output}; make check-oracle CASE=${output} tries it again`);
}

async function run(machine: OracleMachine, packets: number, seed: number, output: string): Promise<number> {
  note(`${packets} packets, SEED=${seed}`);
  const progress = (totals: OracleTotals): void => {
    if (totals.sets % REPORT_EVERY === 0) note(summary(totals));
  };
  const result = await runOracle(machine, { packets, seed, progress });
  for (const [what, count] of result.coverage.entries()) note(`  ${String(count).padStart(9)}  ${what}`);
  if (result.refused > 0) note(`${result.refused} policy sets did not fit and were replaced`);
  if (result.failed) report(result.failed, output);
  process.stdout.write(`${summary(result)}\n`);
  return result.mismatches === 0 ? 0 : 1;
}

async function replay(machine: OracleMachine, file: string, output: string): Promise<number> {
  const each: OracleCase = readCase(readFileSync(file, 'utf8'));
  const mismatches = await machine.check(each);
  if (mismatches.length > 0) {
    note(describeMismatches(each, mismatches));
    if (each.packets.length > 1) report(await shrinkCase(machine, each, mismatches), output);
  }
  const totals = { sets: 1, packets: each.packets.length, mismatches: mismatches.length, refused: 0 };
  process.stdout.write(`${summary(totals)}\n`);
  return mismatches.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      packets: { type: 'string' },
      seed: { type: 'string' },
      case: { type: 'string' },
      output: { type: 'string', default: DEFAULT_OUTPUT },
    },
  });
  const packets = numberOption('N', values.packets, DEFAULT_PACKETS);
  const seed = numberOption('SEED', values.seed, DEFAULT_SEED);
  await using machine = await OracleMachine.start();
  // Awaited here, while the machine lives.
  return values.case
    ? await replay(machine, values.case, values.output)
    : await run(machine, packets, seed, values.output);
}

try {
  process.exitCode = await main();
} catch (error) {
  const isInput =
    error instanceof OracleCaseError ||
    error instanceof TypeError ||
    (error as { code?: string }).code === 'ENOENT';
  note(isInput ? (error as Error).message : String((error as Error).stack));
  process.exitCode = 2;
}
