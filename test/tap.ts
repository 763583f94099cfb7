/** What a test runner says in TAP, told line by line and counted. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export const NO_TESTS: Readonly<Counts> = { passed: 0, failed: 0, skipped: 0 };

export function addCounts(one: Readonly<Counts>, other: Readonly<Counts>): Counts {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

/** `N passed, N failed, N skipped`. */
export function formatCounts({ passed, failed, skipped }: Readonly<Counts>): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** One result as every suite shows it. */
export function sayResult(verdict: 'ok' | 'FAILED' | 'skipped', title: string): void {
  process.stdout.write(`  ${verdict.padEnd(8)} ${title}\n`);
}

/** What takes longer says so: seconds since the result before it of the same file, whose tests run one after the other. */
const SLOW_SECONDS = 10;
/** Between the parts of a title: folders, file, test. */
const SEPARATOR = ' › ';

/**
 * Prints each result as it comes, with the reason of what fails, until the output ends.
 * @param before told each line that comes before the runner's own words; prints it unless given
 */
export async function reportTap(
  output: Readable,
  before: (line: string) => void = (line) => process.stdout.write(`  ${line}\n`),
): Promise<Counts> {
  const counts: Counts = { ...NO_TESTS };
  let begun = false;
  let explaining = false;
  /** When a file had its last result. */
  const last = new Map<string, number>();
  for await (const line of createInterface({ input: output })) {
    const result = /^(not ok|ok) \d+ - (.*?)(?: # (SKIP|TODO).*)?$/.exec(line);
    if (result) {
      explaining = false;
      const [, verdict, name = '', directive] = result;
      const file = name.split(SEPARATOR).slice(0, -1).join(SEPARATOR);
      const now = performance.now();
      const seconds = Math.round((now - (last.get(file) ?? now)) / 1000);
      const title = seconds >= SLOW_SECONDS ? `${name} (${seconds} s)` : name;
      last.set(file, now);
      if (directive) {
        counts.skipped += 1;
        sayResult('skipped', title);
      } else if (verdict === 'ok') {
        counts.passed += 1;
        sayResult('ok', title);
      } else {
        counts.failed += 1;
        explaining = true;
        sayResult('FAILED', title);
      }
    } else if (!begun) {
      begun = line.startsWith('TAP version');
      if (!begun) before(line);
    } else if (explaining && /^\s/.test(line)) {
      process.stdout.write(`           ${line}\n`);
    }
  }
  return counts;
}

/** The runner itself broke: never lets that look like success. */
export function judgeRunner(counts: Readonly<Counts>, status: number | null, suite: string): Counts {
  if (status === 0 || counts.failed > 0) return { ...counts };
  sayResult('FAILED', `the ${suite} test runner ended with status ${status}`);
  return { ...counts, failed: 1 };
}
