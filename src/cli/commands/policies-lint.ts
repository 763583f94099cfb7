import type { Command } from 'commander';
import type { LintReport } from '../../config/index.js';
import { CommandStatus } from '../command-status.js';
import { EXIT } from '../exit-code.js';
import { print } from '../output.js';
import { required } from '../target.js';

/** `coax policies lint`: names policies that never decide; needs no root and no daemon. */
export function addPoliciesLint(policies: Command): void {
  policies
    .command('lint')
    .description('name the policies of a configuration file that never decide, and what hides them')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .action(async (options: { config?: string; json?: boolean }) => {
      const file = required(options.config, '--config FILE');
      const { formatProblem, lintConfigFile } = await import('../../config/index.js');
      const report = await lintConfigFile(file);
      print(options.json === true, report, () =>
        [...report.findings.map(formatProblem), summary(report)].join('\n'),
      );
      if (!report.ok) throw new CommandStatus(EXIT.FAILED);
    });
}

function summary({ file, policies, findings }: LintReport): string {
  const never = findings.filter(({ kind }) => kind === 'hidden' || kind === 'equal').length;
  const notes = findings.length - never;
  const parts = [
    `${policies} ${policies === 1 ? 'policy' : 'policies'}`,
    never === 0 ? 'none is hidden' : `${never} never ${never === 1 ? 'decides' : 'decide'}`,
    ...(notes === 0 ? [] : [`${notes} ${notes === 1 ? 'note' : 'notes'}`]),
  ];
  return `${file}: ${parts.join(', ')}`;
}
