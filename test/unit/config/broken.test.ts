/**
 * Every file in broken/ says on its first lines what must be said about it: `# expect LINE:COLUMN text`,
 * one for each problem, in order; the text must occur in that line of the message.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ConfigError, parseConfig } from '../../../src/config/index.js';

// The compiled test runs from build/js/test/unit/config; the files stay with the sources.
const folder = fileURLToPath(new URL('../../../../../test/unit/config/broken/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

test('there are files', (t) => {
  t.true(files.length > 150, `${files.length} files`);
});

for (const file of files) {
  test(`${file.slice(0, -5)}: every problem, and nothing else, at its line and column`, (t) => {
    const text = readFileSync(folder + file, 'utf8');
    const expected = [...text.matchAll(/^# expect (\d+:\d+) (.+)$/gm)];
    const error = t.throws(() => parseConfig(text, file), {
      instanceOf: ConfigError,
      code: 'CONFIG_INVALID',
    });
    const lines = error?.message.split('\n') ?? [];
    t.is(lines.length, expected.length, error?.message);
    for (const [position, [, place, part]] of expected.entries()) {
      const line = lines[position] ?? '';
      t.true(line.startsWith(`${file}:${place}: `), line);
      t.true(line.includes(part ?? '?'), line);
      t.regex(line, /; \S/, 'every problem has a hint');
    }
  });
}
