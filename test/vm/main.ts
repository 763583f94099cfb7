/**
 * `make test-vm`: the kernel tests under other kernels of Debian's, each in a virtual machine, one after the other.
 *
 *   --kernel=6.1     a release or its beginning, or `newest`; several are possible. Default: all that we support
 *   --only=netlink   only test files with this in their path
 *   --refresh        asks Debian for newer ones than the cache has
 *   --list           says which kernels there are
 *   -- COMMAND ...   runs a command in the guest instead of the tests; status and output are the command's
 */
import { parseArgs } from 'node:util';
import { cacheFolder } from './cache.js';
import { VmFailedError, VmTimeoutError, VmUnavailableError } from './errors.js';
import { KernelCache, NEWEST, OLDEST } from './kernel.js';
import { formatResult, type VmResult, VmSuite } from './suite.js';

/** The oldest we support has no TCX; then the two with long support, and what comes next. */
const KERNELS = [OLDEST, '6.12', '6.18', NEWEST];
/** Besides those of commands: called in a wrong way; as timeout(1) tells what it has ended, and what of its own. */
const STATUS = { usage: 2, timeout: 124, failed: 125 };

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', default: '' },
      refresh: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const { refresh, only } = values;
  const named = values.kernel.filter((name) => name !== '');
  if (values.list) {
    const offered = await new KernelCache(cacheFolder(), { refresh }).offered();
    for (const release of offered) process.stdout.write(`${release}\n`);
    return 0;
  }
  const suite = new VmSuite({ selection: 'all', unavailable: 'failed', record: true, refresh, only });
  if (positionals.length > 0) return suite.runCommand(named[0] ?? OLDEST, positionals);
  const results: VmResult[] = [];
  for (const name of named.length > 0 ? named : KERNELS) results.push(await suite.run(name));
  if (results.length > 1) for (const result of results) process.stdout.write(`${formatResult(result)}\n`);
  return results.every(({ counts }) => counts.failed === 0 && counts.passed > 0) ? 0 : 1;
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof VmTimeoutError) return STATUS.timeout;
  if (error instanceof VmUnavailableError || error instanceof VmFailedError) return STATUS.failed;
  const { code } = error as NodeJS.ErrnoException;
  return code?.startsWith('ERR_PARSE_ARGS') ? STATUS.usage : undefined;
}

try {
  process.exitCode = await main();
} catch (error) {
  const status = statusOf(error);
  if (status === undefined) throw error;
  process.stderr.write(`vm: error: ${(error as Error).message}\n`);
  process.exitCode = status;
}
