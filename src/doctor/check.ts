/** `ok`: as it must be. `warn`: works, but look at it, or could not be looked at. `fail`: will not work. */
export type Verdict = 'ok' | 'warn' | 'fail';

/** One thing about this machine, in plain words. */
export interface Check {
  name: string;
  verdict: Verdict;
  /** What is there. */
  found: string;
  /** What to do; empty when nothing is. */
  advice: string;
  /** Of a feature of the kernel: whether it is there. Absent when that is not known, and for anything else. */
  offered?: boolean;
}

export function ok(name: string, found: string): Check {
  return { name, verdict: 'ok', found, advice: '' };
}

export function warn(name: string, found: string, advice: string): Check {
  return { name, verdict: 'warn', found, advice };
}

export function fail(name: string, found: string, advice: string): Check {
  return { name, verdict: 'fail', found, advice };
}

/** What a feature of the kernel was found to be. */
export function tried(check: Check, offered: boolean): Check {
  return { ...check, offered };
}

/** The text of whatever was thrown, first line only. */
export function reasonText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
