/** Random cases one after the other, until so many packets have been compared. */
import { Random } from '../../../../lab/random.js';
import { decide, PolicyError } from '../../../../src/policy/index.js';
import type { Reference } from './answer.js';
import { Coverage } from './coverage.js';
import { describeMismatches, type Mismatch, type OracleMachine } from './machine.js';
import type { OracleCase } from './oracle-case.js';
import { randomCase } from './random-case.js';
import { shrink } from './shrink.js';
import { smallerCases } from './smaller-case.js';

/** How often a failing case is tried again, smaller. */
export const MOST_TRIES = 1_000;
const PACKETS_OF_SET = 500;

export interface OracleRunOptions {
  readonly packets: number;
  readonly seed: number;
  readonly reference?: Reference;
  /** Told after each policy set. */
  readonly progress?: (totals: OracleTotals) => void;
}

export interface OracleTotals {
  sets: number;
  packets: number;
  mismatches: number;
  /** Policy sets that the compiler refused for their size; others took their place. */
  refused: number;
}

export interface OracleResult extends OracleTotals {
  readonly coverage: Coverage;
  /** The first case that failed, made smaller, and what is wrong with it. */
  readonly failed:
    | { readonly smallest: OracleCase; readonly text: string; readonly tries: number }
    | undefined;
}

/** The line that a run ends with. */
export function summary({ sets, packets, mismatches }: OracleTotals): string {
  return `oracle: ${sets} policy sets, ${packets} packets, ${mismatches} mismatches`;
}

/** Compares until so many packets are done; the first failing case is made smaller, the others are counted. */
export async function runOracle(machine: OracleMachine, options: OracleRunOptions): Promise<OracleResult> {
  const { packets, seed, reference = decide, progress } = options;
  const random = new Random(seed);
  const totals: OracleTotals = { sets: 0, packets: 0, mismatches: 0, refused: 0 };
  const coverage = new Coverage();
  let failed: OracleResult['failed'];
  while (totals.packets < packets) {
    const each = randomCase(random, Math.min(PACKETS_OF_SET, packets - totals.packets));
    const mismatches = await checkUnlessRefused(machine, each, reference, coverage);
    if (mismatches === undefined) {
      totals.refused += 1;
      if (totals.refused > 10 + totals.sets / 10)
        throw new Error('the compiler refuses too many policy sets');
      continue;
    }
    coverage.addSet(each, machine.datapath(each.role));
    totals.sets += 1;
    totals.packets += each.packets.length;
    totals.mismatches += mismatches.length;
    if (mismatches.length > 0) failed ??= await shrinkCase(machine, each, mismatches, reference);
    progress?.(totals);
  }
  return { ...totals, coverage, failed };
}

/** Undefined when the policies do not fit, which is no mismatch. */
async function checkUnlessRefused(
  machine: OracleMachine,
  each: OracleCase,
  reference: Reference,
  coverage?: Coverage,
): Promise<Mismatch[] | undefined> {
  try {
    return await machine.check(each, reference, coverage?.observe);
  } catch (error) {
    if (error instanceof PolicyError && error.code === 'POLICY_LIMIT') return undefined;
    throw error;
  }
}

/** Makes a failing case as small as it goes; the programs are asked each time. */
export async function shrinkCase(
  machine: OracleMachine,
  each: OracleCase,
  mismatches: readonly Mismatch[],
  reference: Reference = decide,
): Promise<NonNullable<OracleResult['failed']>> {
  const packet = mismatches.find((mismatch) => mismatch.packet !== undefined)?.packet;
  const fails = async (candidate: OracleCase): Promise<boolean> => {
    const found = await checkUnlessRefused(machine, candidate, reference);
    // A wrong answer says more than a wrong counter, and is not given up for one.
    return found?.some((mismatch) => packet === undefined || mismatch.packet !== undefined) ?? false;
  };
  const alone = packet && { ...each, packets: [packet] };
  const start = alone && (await fails(alone)) ? alone : each;
  const { smallest, tries } = await shrink(start, smallerCases, fails, MOST_TRIES);
  const again = await machine.check(smallest, reference);
  // A case that does not fail twice has another cause than its policies and packets.
  const text = describeMismatches(smallest, again.length > 0 ? again : mismatches);
  return { smallest, text, tries: tries + (alone ? 1 : 0) };
}
