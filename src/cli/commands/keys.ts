import type { Command } from 'commander';
import { UsageError } from '../cli-error.js';

const DEFAULT_PAIRS = 64;

/** `coax keys FILE`: makes keys that both ends share. */
export function addKeys(program: Command): void {
  program
    .command('keys')
    .description('make the keys of a binding that ESP protects, or the one of registration, for both ends')
    .argument('<file>', 'a new file, which only its owner will be able to read')
    .option('--registration', 'the key by which a mobile router registers with its home agent')
    .option(
      '--pairs <number>',
      `ESP: how many care-of addresses they are enough for (default ${DEFAULT_PAIRS})`,
    )
    .action(async (file: string, options: { pairs?: string; registration?: true }) => {
      if (options.registration) {
        if (options.pairs !== undefined) {
          throw new UsageError(
            '--pairs does not go with --registration',
            'there is one key for all bindings',
          );
        }
        const { makeRegistrationKey } = await import('../../keys/index.js');
        makeRegistrationKey(file);
        process.stdout.write(`${file}: a key for registration; copy it to the other end in a safe way\n`);
        return;
      }
      const { makeEspKeys, MOST_PAIRS } = await import('../../keys/index.js');
      const pairs = Number(options.pairs ?? DEFAULT_PAIRS);
      if (!Number.isInteger(pairs) || pairs < 1 || pairs > MOST_PAIRS) {
        throw new UsageError(
          `--pairs ${options.pairs} is not possible`,
          `write a number from 1 to ${MOST_PAIRS}`,
        );
      }
      makeEspKeys(file, pairs);
      process.stdout.write(
        `${file}: keys for ${pairs} care-of addresses; copy it to the other end in a safe way\n`,
      );
    });
}
