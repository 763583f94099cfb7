// A module of the kernel for the time of a test: other files meet the kernel as it was.
import { existsSync } from 'node:fs';
import { run } from '../../lab/command.js';
import { until } from '../../lab/wait.js';

/** Built into the kernel it is none. */
function isLoaded(module: string): boolean {
  return existsSync(`/sys/module/${module}/initstate`);
}

/**
 * Runs `body` with a module loaded, and takes it out afterwards unless it was there before.
 * @throws CommandError, WaitTimeoutError when something goes on using it
 */
export async function withModule(module: string, body: () => Promise<void>): Promise<void> {
  const wasLoaded = isLoaded(module);
  if (!wasLoaded) await run('modprobe', [module]);
  try {
    await body();
  } finally {
    // What uses it, such as the security associations of a namespace, goes when the kernel gets round to it.
    const remove = async (): Promise<boolean> => {
      await run('modprobe', ['-r', module], { mayFail: true });
      return !isLoaded(module);
    };
    if (!wasLoaded) await until(remove, { what: `the module ${module} to be unused`, timeout: 20_000 });
  }
}
