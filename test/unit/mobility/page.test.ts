/** docs/mobility.md says what is: its tables, its command and its program. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { run } from '../../../lab/command.js';
import { MessageType, OptionType } from '../../../src/mobility/index.js';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const page = readFileSync('docs/mobility.md', 'utf8');

test('every message and every option is in its table, and no other', (t) => {
  const [messages = '', options = ''] = page.split('| option |');
  const numbers = (text: string): number[] =>
    [...text.matchAll(/^\| [^|]+ \| ([\d, ]+) \|/gm)].flatMap(([, list = '']) =>
      list.split(', ').map(Number),
    );
  t.deepEqual(numbers(messages), Object.values(MessageType));
  t.deepEqual(numbers(options), [0, 1, ...Object.values(OptionType)]);
});

test('the command prints what the page shows', async (t) => {
  const [, words = '', shown = ''] = /^\$ coax (.*)\n([^`]*)```/m.exec(page) ?? [];
  const { stdout } = await run(process.execPath, [MAIN, ...words.split(' ')]);
  t.is(stdout, shown);
  t.true(shown.length > 100);
});

test('the program of the page runs, by the name under which the package exports it', async (t) => {
  const [, program = ''] = /```ts\n([^`]*)```/.exec(page) ?? [];
  // Within the package, so that its own name is found.
  const folder = mkdtempSync(join('build', 'mobility-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'program.mjs'), program);
  const { stdout } = await run(process.execPath, [join(folder, 'program.mjs')]);
  t.is(stdout, '104\nMOBILITY_TRUNCATED 1 RFC 6275 section 6.1.1\n');
});
