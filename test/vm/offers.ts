/** What a kernel offers, from what `coax doctor --json` said in a guest, and where the manual keeps it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeChecks } from '../../src/cli/commands/doctor.js';
import type { Check } from '../../src/doctor/index.js';
import { type Kernels, withOffers } from '../../src/manual/kernels.js';

/** The checks on a line; undefined when it is anything else. */
export function parseChecks(line: string): Check[] | undefined {
  if (!line.startsWith('[')) return undefined;
  try {
    return JSON.parse(line) as Check[];
  } catch {
    return undefined;
  }
}

/** As `coax doctor` prints them, line by line. */
export function describeOffers(checks: readonly Check[]): string[] {
  return describeChecks(checks).split('\n');
}

/**
 * Puts one kernel in the place of the one with its two first numbers, in `kernels.json` and the table of `tunnels.md`.
 * What is the same already is not written; nothing is when no feature was tried.
 */
export function recordOffers(release: string, checks: readonly Check[], docs: string): void {
  const features = checks.flatMap(({ name, offered }) =>
    offered === undefined ? [] : [[name, offered] as const],
  );
  if (features.length === 0) return;
  const file = join(docs, 'kernels.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kernels) : {};
  const series = /^\d+\.\d+/.exec(release)?.[0] ?? release;
  const all = { ...known, [series]: { release, offers: Object.fromEntries(features) } };
  const kernels = Object.fromEntries(Object.entries(all).sort(([a], [b]) => inOrder(a, b)));
  writeChanged(file, `${JSON.stringify(kernels, null, 2)}\n`);
  const page = join(docs, 'tunnels.md');
  writeChanged(page, withOffers(readFileSync(page, 'utf8'), kernels));
}

function inOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function writeChanged(file: string, text: string): void {
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}
