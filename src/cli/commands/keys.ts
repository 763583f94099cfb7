import type { Command } from 'commander';
import { UsageError } from '../cli-error.js';

const DEFAULT_PAIRS = 64;

/** `coax keys FILE`: makes the keys of a binding that is protected by ESP. */
export function addKeys(program: Command): void {
  program
    .command('keys')
    .description('make the keys of a binding with a device of kind xfrm (ESP), for both of its ends')
    .argument('<file>', 'a new file, which only its owner will be able to read')
    .option('--pairs <number>', `how many care-of addresses they are enough for (default ${DEFAULT_PAIRS})`)
    .action(async (file: string, options: { pairs?: string }) => {
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
