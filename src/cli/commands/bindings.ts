import type { Command } from 'commander';
import { connectDaemon } from '../daemon-client.js';
import { formatBindings } from '../format-bindings.js';
import { print } from '../output.js';
import { addTargetOptions, type TargetOptions } from '../target.js';

/** `coax bindings`: state, addresses and traffic of every binding. */
export function addBindings(program: Command): void {
  addTargetOptions(
    program.command('bindings').description('state, addresses and traffic of every binding'),
  ).action(async (options: TargetOptions) => {
    const bindings = await (await connectDaemon(options)).bindings();
    print(options.json === true, bindings, () => formatBindings(bindings));
  });
}
