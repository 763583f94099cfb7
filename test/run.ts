/**
 * Runs the test suites one after the other and ends with one line, `N passed, N failed, N skipped`.
 * Arguments name the suites; default: all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

interface Suite {
  name: string;
  config: string;
  needsRoot: boolean;
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const SUITES: readonly Suite[] = [
  { name: 'unit', config: 'ava.config.js', needsRoot: false },
  { name: 'kernel', config: 'ava.kernel.config.js', needsRoot: true },
];

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** One suite: prints what is skipped and what fails, with its reason, as it happens. */
async function runSuite(suite: Suite): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  process.stdout.write(`${suite.name} tests\n`);
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const child: ChildProcess = spawn(process.execPath, [ava, '--config', suite.config, '--tap'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (!child.stdout) {
    throw new Error('the test runner gave no output');
  }
  let explaining = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const result = /^(not ok|ok) \d+ - (.*?)(?: # (SKIP|TODO).*)?$/.exec(line);
    if (result) {
      explaining = false;
      const [, verdict, title = '', directive] = result;
      if (directive) {
        counts.skipped += 1;
        process.stdout.write(`  skipped  ${title}\n`);
      } else if (verdict === 'ok') {
        counts.passed += 1;
        process.stdout.write(`  ok       ${title}\n`);
      } else {
        counts.failed += 1;
        explaining = true;
        process.stdout.write(`  FAILED   ${title}\n`);
      }
    } else if (explaining && /^\s/.test(line)) {
      process.stdout.write(`           ${line}\n`);
    }
  }
  const [code] = await exit;
  if (code !== 0 && counts.failed === 0) {
    // The runner itself broke: never let that look like success.
    counts.failed += 1;
    process.stdout.write(`  FAILED   the ${suite.name} test runner ended with status ${code}\n`);
  }
  return counts;
}

const names = process.argv.slice(2);
const suites = SUITES.filter((suite) => names.length === 0 || names.includes(suite.name));
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const suite of suites) {
  if (suite.needsRoot && process.getuid?.() !== 0) {
    process.stdout.write(`${suite.name} tests need root\n`);
    total.failed += 1;
    continue;
  }
  const counts = await runSuite(suite);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
