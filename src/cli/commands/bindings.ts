import type { Command } from 'commander';
import { connectDaemon } from '../daemon-client.js';
import { formatBindings, formatProbedBindings } from '../format-bindings.js';
import { print } from '../output.js';
import { addTargetOptions, type TargetOptions } from '../target.js';

interface BindingsOptions extends TargetOptions {
  probe?: boolean;
}

/** `coax bindings`: state, addresses and traffic of every binding. */
export function addBindings(program: Command): void {
  addTargetOptions(program.command('bindings').description('state, addresses and traffic of every binding'))
    .option('--probe', 'send an echo by way of every binding first; takes seconds')
    .action(async (options: BindingsOptions) => {
      const client = await connectDaemon(options);
      const probes = options.probe === true ? await client.probe() : undefined;
      const bindings = await client.bindings();
      if (probes === undefined) {
        print(options.json === true, bindings, () => formatBindings(bindings));
        return;
      }
      const probed = bindings.map((binding) => {
        const probe = probes.find(({ router, bid }) => router === binding.router && bid === binding.bid);
        return { ...binding, probe: probe ?? null };
      });
      print(options.json === true, probed, () => formatProbedBindings(probed));
    });
}
