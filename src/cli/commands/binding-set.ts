import { type Command, InvalidArgumentError } from 'commander';
import type { BindingChange } from '../../views/index.js';
import { UsageError } from '../cli-error.js';
import { connectDaemon } from '../daemon-client.js';
import { formatBindings } from '../format-bindings.js';
import { print } from '../output.js';
import { addTargetOptions, type TargetOptions } from '../target.js';

interface BindingSetOptions extends TargetOptions {
  bid?: number;
  router?: string;
  careOf?: string;
  acceptOnly?: boolean;
  down?: boolean;
  up?: boolean;
}

/** `coax binding set`: registers a care-of address or takes a binding out of use. */
export function addBinding(program: Command): void {
  const binding = program.command('binding').description('change one binding').helpCommand(false);
  addTargetOptions(binding.command('set').description('register a care-of address, or set the state by hand'))
    .option('--bid <number>', 'Binding ID, 1 to 65535', parseBid)
    .option('--router <name>', 'mobile router, when there are several')
    .option('--care-of <address>', 'care-of address of the binding (home agent)')
    .option('--accept-only', 'accept packets from that address, but do not send to it yet')
    .option('--down', 'take the binding out of use')
    .option('--up', 'give it back')
    .action(async (options: BindingSetOptions) => {
      if (options.bid === undefined) throw new UsageError('--bid is missing', 'say which binding: --bid N');
      const change = await readChange(options);
      const client = await connectDaemon(options);
      const view = await client.setBinding(options.router, options.bid, change);
      print(options.json === true, view, () => formatBindings([view]));
    });
}

async function readChange(options: BindingSetOptions): Promise<BindingChange> {
  const asked = [options.careOf !== undefined, options.down === true, options.up === true];
  if (asked.filter(Boolean).length !== 1) {
    throw new UsageError(
      'say one thing about the binding',
      'give --care-of ADDRESS [--accept-only], or --down, or --up',
    );
  }
  if (options.careOf === undefined) {
    if (options.acceptOnly === true) {
      throw new UsageError('--accept-only needs an address', 'add --care-of ADDRESS');
    }
    return { down: options.down === true };
  }
  const { Address } = await import('../../net/index.js');
  try {
    const careOf = Address.parse(options.careOf);
    if (careOf.family === 6 && careOf.isGlobal) {
      return options.acceptOnly === true
        ? { careOf: careOf.toString(), acceptOnly: true }
        : { careOf: careOf.toString() };
    }
  } catch {
    // Said below, in the words of the option.
  }
  throw new UsageError(
    `"${options.careOf}" is not a care-of address`,
    'give a global IPv6 unicast address, without a prefix length',
  );
}

function parseBid(text: string): number {
  const bid = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (bid < 1 || bid > 65_535) throw new InvalidArgumentError('a Binding ID is a number from 1 to 65535');
  return bid;
}
