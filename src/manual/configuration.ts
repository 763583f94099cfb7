import type { Command } from 'commander';
import { createProgram } from '../cli/program.js';
import { ENVIRONMENT } from './environment.js';
import { code, page, prose, table } from './markdown.js';
import { type Setting, settings } from './settings.js';

/** The text of `docs/configuration.md`. */
export function configurationPage(): string {
  const { 'mobile-router': router, 'home-agent': agent } = settings();
  const isCommon = (one: Setting): boolean => {
    const same = (other: Setting): boolean => JSON.stringify(other) === JSON.stringify(one);
    return router.some(same) && agent.some(same) && !/^(home|bindings|routers|policies)\b/.test(one.path);
  };
  return page('Configuration', '`src/config/schema.ts` and `src/cli/`', [
    'One YAML file for each instance: `coax daemon --config FILE`. `coax check --config FILE` tests it without root and without a daemon. Complete examples: [`examples/`](../examples/).',
    '`a.b` is the setting `b` inside the group `a`; `a[]` is each entry of the list `a`. Addresses are IPv6. A time is a number with `ms`, `s`, `m` or `h`.',
    '## Both roles',
    settingsTable(router.filter(isCommon)),
    '## Mobile router',
    settingsTable(router.filter((one) => !isCommon(one))),
    '## Home agent',
    settingsTable(agent.filter((one) => !isCommon(one))),
    '## Environment',
    table(
      ['variable', 'default', 'meaning'],
      Object.entries(ENVIRONMENT).map(([name, { default: value, means }]) => [code(name), value, means]),
    ),
    '## Flags',
    'Exit status: 0 done, 1 failed, 2 wrong usage, 3 daemon not reachable, 4 no permission, 78 bad configuration.',
    ...commands(createProgram(), ''),
  ]);
}

function settingsTable(list: readonly Setting[]): string {
  return table(
    ['setting', 'type', 'default', 'meaning'],
    list.map((one) => [
      code(one.path),
      prose(one.type),
      one.required ? '**required**' : one.default === undefined ? '' : code(one.default),
      prose(one.meaning),
    ]),
  );
}

function commands(parent: Command, path: string): string[] {
  return parent.commands.flatMap((command) => {
    const name = `${path === '' ? 'coax' : path} ${command.name()}`;
    // A command that only holds others has no options of its own.
    const inner = commands(command, name);
    if (inner.length > 0 && command.options.length === 0) return inner;
    const words = command.registeredArguments.map((argument) => `[${argument.name()}]`);
    const options = command.options.map((option) => [code(option.flags), prose(option.description)]);
    return [
      `### ${code([name, ...words].join(' '))}`,
      `${capitalized(command.description())}.`,
      table(['flag', 'meaning'], options),
      ...inner,
    ];
  });
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
