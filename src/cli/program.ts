import { Command, CommanderError } from 'commander';
import { CommandStatus } from './command-status.js';
import { addBinding } from './commands/binding-set.js';
import { addBindings } from './commands/bindings.js';
import { addCheck } from './commands/check.js';
import { addDaemon } from './commands/daemon.js';
import { addDeregister } from './commands/deregister.js';
import { addDoctor } from './commands/doctor.js';
import { addDown } from './commands/down.js';
import { addExplain } from './commands/explain.js';
import { addKeys } from './commands/keys.js';
import { addMaps } from './commands/maps.js';
import { addMobilityHeaders } from './commands/mh.js';
import { addPolicies } from './commands/policies.js';
import { addReload } from './commands/reload.js';
import { addStatus } from './commands/status.js';
import { addUp } from './commands/up.js';
import { addVersion } from './commands/version.js';
import { EXIT } from './exit-code.js';
import { reportFailure } from './failure.js';

const EXIT_TEXT = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 daemon not reachable, 4 no permission, 78 bad configuration`;

/**
 * Runs one command line and returns its exit status; never throws.
 * @param words what stands behind `coax`
 */
export async function runCli(words: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(words, { from: 'user' });
    return EXIT.OK;
  } catch (error) {
    if (error instanceof CommandStatus) return error.status;
    if (!(error instanceof CommanderError)) return reportFailure(error);
    // Commander has written its message already; help that was asked for is not an error.
    if (error.exitCode === 0) return EXIT.OK;
    if (error.code === 'commander.help')
      process.stderr.write('\ncoax: error: a command is missing (USAGE)\n');
    return EXIT.USAGE;
  }
}

/** Every command with its options; nothing is run. */
export function createProgram(): Command {
  const program = new Command('coax')
    .description('Steers the traffic of a multihomed IPv6 mobile router over its bindings, in the kernel.')
    .addHelpText('after', EXIT_TEXT)
    .helpCommand(false)
    .showHelpAfterError(false)
    // A command with options that has commands of its own must not take theirs.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const what = text.trim().replace(/^error: /, '');
        write(
          `coax: error: ${what} (USAGE)\nhint: \`coax --help\` and \`coax COMMAND --help\` show what there is\n`,
        );
      },
    });
  const add = [
    addDaemon,
    addCheck,
    addUp,
    addDown,
    addStatus,
    addBindings,
    addPolicies,
    addExplain,
    addMaps,
    addMobilityHeaders,
    addKeys,
    addBinding,
    addReload,
    addDeregister,
    addDoctor,
    addVersion,
  ];
  for (const addCommand of add) addCommand(program);
  return program;
}
