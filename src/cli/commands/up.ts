import type { Command } from 'commander';
import { describeStatus } from '../describe-status.js';
import { print } from '../output.js';
import { required } from '../target.js';

/** `coax up`: loads and reconciles once and leaves everything running. */
export function addUp(program: Command): void {
  program
    .command('up')
    .description('load and reconcile once, leave everything pinned and running, exit')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .action(async (options: { config?: string; json?: boolean }) => {
      const file = required(options.config, '--config FILE');
      const [{ loadConfig }, { bringUp }] = await Promise.all([
        import('../../config/index.js'),
        import('../../daemon/index.js'),
      ]);
      const status = await bringUp(await loadConfig(file));
      print(options.json === true, status, () => describeStatus(status));
    });
}
