import type { Command } from 'commander';
import { connectDaemon } from '../daemon-client.js';
import { describeStatus } from '../describe-status.js';
import { formatSpan } from '../format.js';
import { print } from '../output.js';
import { formatPairs } from '../table.js';
import { addTargetOptions, type TargetOptions } from '../target.js';

/** `coax status`: what the daemon does, where it sits and how packets left. */
export function addStatus(program: Command): void {
  addTargetOptions(program.command('status').description('what the daemon does and how packets left')).action(
    async (options: TargetOptions) => {
      const status = await (await connectDaemon(options)).status();
      print(options.json === true, status, () => {
        const daemon = formatPairs([
          ['version', status.version],
          ['pid', status.pid],
          ['running for', formatSpan(status.uptimeSeconds)],
        ]);
        return `${daemon}\n${describeStatus(status)}`;
      });
    },
  );
}
