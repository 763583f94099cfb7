/** What the verifier counted on each kernel, as recorded in the tree, and how a new count compares with that. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What the verifier says of one program. */
export interface ProgramCost {
  /** Instructions it went through; the kernel's limit is a million. */
  readonly instructions: number;
  /** Bytes of stack of the program and of each function that is verified apart, as the log has them. */
  readonly stack: string;
}

/** By program; `HOME_AGENT coax_transit` for one that is loaded with a role. */
export type ProgramCosts = Readonly<Record<string, ProgramCost>>;

/** By series of kernel releases, such as `6.18`. */
export type VerifierRecords = Readonly<Record<string, ProgramCosts>>;

/** Whatever is recorded: half of what the kernel allows. */
export const MOST_INSTRUCTIONS = 500_000;
/** How much more than recorded a program may take, on a kernel of the same series and on another one. */
const TOLERANCE = { same: 0.1, other: 0.5 } as const;
const HINT = 'if the growth is meant, "make record-verifier" writes down what is now';

const FILE = fileURLToPath(
  new URL('../../../../../../test/kernel/datapath/verified-instructions.json', import.meta.url),
);

export function readRecords(): VerifierRecords {
  return JSON.parse(readFileSync(FILE, 'utf8')) as VerifierRecords;
}

/** Puts what was counted in the place of the record of that series. */
export function writeRecord(series: string, costs: ProgramCosts): void {
  const all = { ...readRecords(), [series]: costs };
  const sorted = Object.entries(all).sort(([a], [b]) => compareSeries(a, b));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}

/** `6.18` of `6.18.44-amd64`. */
export function seriesOf(release: string): string {
  const series = /^\d+\.\d+/.exec(release)?.[0];
  if (series === undefined) throw new TypeError(`'${release}' is not the release of a kernel`);
  return series;
}

function compareSeries(a: string, b: string): number {
  const [[major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]] = [a, b].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return major - otherMajor || minor - otherMinor;
}

/** The series to compare with: its own, else the nearest older one, else the oldest there is. */
export function nearestSeries(series: string, records: VerifierRecords): string {
  const recorded = Object.keys(records).sort(compareSeries);
  const nearest = recorded.findLast((each) => compareSeries(each, series) <= 0) ?? recorded[0];
  if (nearest === undefined) throw new TypeError('no kernel is recorded: run "make record-verifier"');
  return nearest;
}

/** What is wrong with the costs on a kernel of `series`; empty when nothing is. */
export function findJumps(series: string, costs: ProgramCosts, records: VerifierRecords): string[] {
  const nearest = nearestSeries(series, records);
  const tolerance = nearest === series ? TOLERANCE.same : TOLERANCE.other;
  const wrong: string[] = [];
  for (const [program, { instructions }] of Object.entries(costs)) {
    const recorded = records[nearest]?.[program]?.instructions;
    if (instructions > MOST_INSTRUCTIONS) {
      wrong.push(`${program}: ${instructions} instructions, over ${MOST_INSTRUCTIONS}: make it simpler`);
    } else if (recorded === undefined) {
      wrong.push(`${program}: not recorded for ${nearest}: "make record-verifier" on such a kernel`);
    } else if (instructions > recorded * (1 + tolerance)) {
      wrong.push(
        `${program}: ${instructions} instructions, over ${recorded} (kernel ${nearest}) by more than ` +
          `${tolerance * 100} %: ${HINT}`,
      );
    }
  }
  return wrong;
}
