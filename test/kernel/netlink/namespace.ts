import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { patient } from '../../../lab/patience.js';

const run = promisify(execFile);
const SCENARIO_TIMEOUT_MS = patient(60_000);
let count = 0;

/** Runs `ip` with JSON output in the current namespace. */
export function ipJson<T>(...args: string[]): T[] {
  const text = execFileSync('ip', ['-json', ...args], { encoding: 'utf8' });
  // An empty list is printed as nothing or as a list of empty objects.
  return text.trim() === ''
    ? []
    : (JSON.parse(text) as T[]).filter((item) => Object.keys(item as object).length > 0);
}

/** Runs `ip` in the current namespace. */
export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * Runs one exported function of a scenario module in a fresh network namespace (Node cannot change its own) and
 * resolves to what it returned, as JSON. The function gets the name of a second, empty namespace.
 */
export async function inNamespace<T>(scenarios: string, name: string): Promise<T> {
  const own = `cxnl-${process.pid}-${count++}`;
  const peer = `${own}p`;
  try {
    for (const namespace of [own, peer]) {
      await run('ip', ['netns', 'add', namespace]);
      await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    }
    const runner = fileURLToPath(new URL('./scenario-runner.js', import.meta.url));
    const node = [process.execPath, '--enable-source-maps', '--expose-gc', runner, scenarios, name, peer];
    const { stdout } = await run('nsenter', [`--net=/run/netns/${own}`, ...node], {
      timeout: SCENARIO_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    return JSON.parse(stdout) as T;
  } finally {
    for (const namespace of [own, peer]) await run('ip', ['netns', 'del', namespace]).catch(() => undefined);
  }
}
