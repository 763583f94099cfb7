import type { Command } from 'commander';
import type { Config, ConfigProblem } from '../../config/index.js';
import { CommandStatus } from '../command-status.js';
import { EXIT } from '../exit-code.js';
import { print } from '../output.js';
import { required } from '../target.js';

/** `coax check`: says whether a configuration file is right; needs no root and no daemon. */
export function addCheck(program: Command): void {
  program
    .command('check')
    .description('validate a configuration file')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .action(async (options: { config?: string; json?: boolean }) => {
      const file = required(options.config, '--config FILE');
      const { ConfigError, formatProblem, loadConfig } = await import('../../config/index.js');
      try {
        const config = await loadConfig(file);
        const warnings = await warningsHere(file, config);
        print(options.json === true, { file, ok: true, problems: [], warnings, ...summary(config) }, () =>
          [describe(file, config), ...warnings.map(formatProblem)].join('\n'),
        );
      } catch (error) {
        if (!(error instanceof ConfigError) || options.json !== true) throw error;
        print(true, { file, ok: false, problems: error.problems }, () => '');
        throw new CommandStatus(EXIT.BAD_CONFIG);
      }
    });
}

/** What the file names and this machine does not have: no error, the file may be for another one. */
async function warningsHere(file: string, config: Config): Promise<ConfigProblem[]> {
  const [{ loadPlaces }, { remarksHere }] = await Promise.all([
    import('../../config/index.js'),
    import('../../doctor/index.js'),
  ]);
  const remarks = await remarksHere(config);
  if (remarks.length === 0) return [];
  const places = await loadPlaces(file);
  return remarks.map(({ path, message, hint }) => places.problemAt(path, `warning: ${message}`, hint));
}

function summary(config: Config) {
  const routers = config.role === 'home-agent' ? config.routers : [config];
  const count = (list: readonly (readonly unknown[])[]) => list.reduce((sum, part) => sum + part.length, 0);
  return {
    role: config.role,
    instance: config.instance,
    routers: routers.length,
    bindings: count(routers.map((router) => router.bindings)),
    policies: count(routers.map((router) => router.policies)),
  };
}

function describe(file: string, config: Config): string {
  const { role, routers, bindings, policies } = summary(config);
  const who = role === 'home-agent' ? `home agent of ${plural(routers, 'router')}` : 'mobile router';
  return `${file}: ok, ${who}, ${plural(bindings, 'binding')}, ${plural(policies, 'policy', 'policies')}`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
