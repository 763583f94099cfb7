import type { Command } from 'commander';
import { print } from '../output.js';
import { addTargetOptions, resolveTarget, type TargetOptions } from '../target.js';

/** `coax down`: removes everything of one instance; stops its daemon first if one runs. */
export function addDown(program: Command): void {
  const command = program.command('down').description('remove everything of an instance, and only that');
  addTargetOptions(command)
    .option('--bpffs <folder>', 'where the instance is pinned, without --config')
    .action(async (options: TargetOptions & { bpffs?: string }) => {
      const target = await resolveTarget(options);
      const { takeDown } = await import('../../daemon/index.js');
      const { stopped, removed } = await takeDown(
        options.bpffs === undefined ? target : { ...target, bpffs: options.bpffs, config: undefined },
      );
      print(options.json === true, { instance: target.instance, stopped, removed }, () =>
        [
          ...(stopped === null ? [] : [`stopped the daemon (pid ${stopped})`]),
          ...(removed.length === 0 ? [`nothing of instance ${target.instance} was there`] : []),
          ...removed.map((what) => `removed ${what}`),
        ].join('\n'),
      );
    });
}
