/**
 * Runs the test suites one after the other and ends with one line, `N passed, N failed, N skipped`.
 * Arguments name the suites; default: all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addCounts, type Counts, formatCounts, judgeRunner, NO_TESTS, reportTap } from './tap.js';
import { OLDEST } from './vm/kernel.js';
import { VmSuite } from './vm/suite.js';

interface Suite {
  name: string;
  needsRoot: boolean;
  run: () => Promise<Counts>;
}

const SUITES: readonly Suite[] = [
  { name: 'unit', needsRoot: false, run: () => runAva('unit', 'ava.config.js') },
  { name: 'kernel', needsRoot: true, run: runKernel },
  { name: 'vm', needsRoot: true, run: runOldest },
];
const oldest = new VmSuite({ selection: 'short', unavailable: 'skipped' });

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** One suite: prints what is skipped and what fails, with its reason, as it happens. */
async function runAva(name: string, config: string): Promise<Counts> {
  process.stdout.write(`${name} tests\n`);
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const child: ChildProcess = spawn(process.execPath, [ava, '--config', config, '--tap'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (!child.stdout) {
    throw new Error('the test runner gave no output');
  }
  const counts = await reportTap(child.stdout);
  const [code] = await exit;
  return judgeRunner(counts, code, name);
}

/** Some of them start a guest. */
async function runKernel(): Promise<Counts> {
  await oldest.prepare(OLDEST);
  return runAva('kernel', 'ava.kernel.config.js');
}

/** The part of the kernel tests that says most about an old kernel; a machine that runs no guests skips it. */
async function runOldest(): Promise<Counts> {
  const { counts } = await oldest.run(OLDEST);
  return counts;
}

const names = process.argv.slice(2);
const suites = SUITES.filter((suite) => names.length === 0 || names.includes(suite.name));
let total: Counts = { ...NO_TESTS };
for (const suite of suites) {
  if (suite.needsRoot && process.getuid?.() !== 0) {
    process.stdout.write(`${suite.name} tests need root\n`);
    total.failed += 1;
    continue;
  }
  total = addCounts(total, await suite.run());
}
process.stdout.write(`${formatCounts(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
