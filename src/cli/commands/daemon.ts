import type { Command } from 'commander';
import { required } from '../target.js';

/** `coax daemon`: runs in the foreground until it is stopped; the log goes to stderr. */
export function addDaemon(program: Command): void {
  program
    .command('daemon')
    .description('run the controller in the foreground; logs JSON lines on stderr')
    .option('--config <file>', 'configuration file')
    .option('--json', 'accepted for symmetry: the log is JSON anyway')
    .action(async (options: { config?: string }) => {
      const file = required(options.config, '--config FILE');
      // Before the rest is loaded.
      const { keepCollectionsShort } = await import('../../daemon/heap.js');
      keepCollectionsShort();
      const { runDaemon } = await import('../../daemon/index.js');
      await runDaemon(file);
    });
}
