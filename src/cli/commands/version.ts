import { release } from 'node:os';
import type { Command } from 'commander';
import { print } from '../output.js';
import { formatPairs } from '../table.js';

/** `coax version`: everything a bug report needs to name. */
export function addVersion(program: Command): void {
  program
    .command('version')
    .description('versions of coaxial, Node, the kernel, libbpf and the map layout')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const [{ packageVersion }, { libbpfVersion, mapSchema }] = await Promise.all([
        import('../../daemon/version.js'),
        import('../../doctor/build-info.js'),
      ]);
      const versions = {
        version: packageVersion(),
        node: process.version,
        kernel: release(),
        architecture: process.arch,
        libbpf: await libbpfVersion(),
        schema: mapSchema,
      };
      print(options.json === true, versions, () =>
        formatPairs([
          ['coaxial', versions.version],
          ['node', versions.node],
          ['kernel', `${versions.kernel} (${versions.architecture})`],
          ['libbpf', versions.libbpf],
          ['map layout', versions.schema],
        ]),
      );
    });
}
