import type { Command } from 'commander';
import { connectDaemon } from '../daemon-client.js';
import { print } from '../output.js';
import { addTargetOptions, type TargetOptions } from '../target.js';

/** `coax reload`: the daemon reads its configuration file again, as on SIGHUP, and says how it went. */
export function addReload(program: Command): void {
  addTargetOptions(
    program.command('reload').description('let the daemon read its configuration file again'),
  ).action(async (options: TargetOptions) => {
    const result = await (await connectDaemon(options)).reload();
    print(options.json === true, result, () =>
      [
        `generation ${result.generation} is active`,
        ...(result.changes.length === 0 ? ['nothing is different'] : result.changes),
      ].join('\n'),
    );
  });
}
