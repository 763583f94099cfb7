import type { Command } from 'commander';
import type { Check } from '../../doctor/index.js';
import { CommandStatus } from '../command-status.js';
import { EXIT } from '../exit-code.js';
import { type Paint, paint, print } from '../output.js';

const COLOURS: Readonly<Record<Check['verdict'], Paint>> = { ok: 'green', warn: 'yellow', fail: 'red' };

/** `coax doctor`: says in plain words whether this machine can run it and what is missing. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say whether this machine can run it and what is missing')
    .option(
      '--config <file>',
      'configuration file: its interfaces, addresses and registration keys are looked at, too',
    )
    .option('--json', 'print JSON')
    .action(async (options: { config?: string; json?: boolean }) => {
      const { examine } = await import('../../doctor/index.js');
      const config =
        options.config === undefined
          ? undefined
          : await (await import('../../config/index.js')).loadConfig(options.config);
      const checks = await examine(config);
      print(options.json === true, checks, () => describeChecks(checks));
      if (checks.some((check) => check.verdict === 'fail')) throw new CommandStatus(EXIT.FAILED);
    });
}

/** The checks as people read them: verdict, name and what was found, below it what to do. */
export function describeChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap((check) => [
    `${paint(COLOURS[check.verdict], check.verdict.padEnd(4))}  ${check.name.padEnd(width)}  ${check.found}`,
    ...(check.advice === '' ? [] : [`${' '.repeat(width + 8)}-> ${check.advice}`]),
  ]);
  const count = (verdict: Check['verdict']) => checks.filter((check) => check.verdict === verdict).length;
  const failed = count('fail');
  const verdict = failed === 0 ? 'This machine can run coaxial' : 'This machine cannot run coaxial yet';
  return [...lines, '', `${verdict}: ${count('ok')} ok, ${count('warn')} to look at, ${failed} failed.`].join(
    '\n',
  );
}
