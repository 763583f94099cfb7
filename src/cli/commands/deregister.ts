import type { Command } from 'commander';
import { CommandStatus } from '../command-status.js';
import { connectDaemon } from '../daemon-client.js';
import { EXIT } from '../exit-code.js';
import { print } from '../output.js';
import { addTargetOptions, type TargetOptions } from '../target.js';

/** The daemon answers when the last of its tries is over. */
const TIMEOUT_MS = 60_000;

/** `coax deregister`: a mobile router that is about to leave tells its home agent. */
export function addDeregister(program: Command): void {
  addTargetOptions(
    program
      .command('deregister')
      .description('end all registrations of this mobile router, until the next reload or start'),
  ).action(async (options: TargetOptions) => {
    const result = await (await connectDaemon(options, { timeoutMs: TIMEOUT_MS })).deregister();
    print(options.json === true, result, () =>
      result.answered
        ? 'the home agent has ended all bindings of this router'
        : 'the home agent has not answered: its bindings end with their lifetime',
    );
    if (!result.answered) throw new CommandStatus(EXIT.FAILED);
  });
}
