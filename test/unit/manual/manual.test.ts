import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ENVIRONMENT } from '../../../src/manual/environment.js';
import { PAGES } from '../../../src/manual/pages.js';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('manual/'))
  .map((name) => ({ name, text: readFileSync(join('src', name), 'utf8') }));

for (const [name, text] of Object.entries(PAGES)) {
  test(`docs/${name} is what the sources say: make docs`, (t) => {
    t.is(readFileSync(join('docs', name), 'utf8'), text());
  });
}

test('every error class with a code has a table of its codes beside it, and errors.md has the table', (t) => {
  const page = PAGES['errors.md']();
  const tables = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/^export const (\w+) = \{\n( {2}\w+: \{\s*means:.*?)\} as const/gms)].map((match) => ({
      name,
      table: match[1] ?? '',
      codes: [...(match[2] ?? '').matchAll(/^ {2}([A-Z0-9_]+): \{/gm)].map((code) => code[1] ?? ''),
    })),
  );
  t.true(tables.length >= 14, `${tables.length} tables`);
  for (const { name, table, codes } of tables) {
    for (const code of codes) t.true(page.includes(`| \`${code}\` |`), `${code} of ${table} in ${name}`);
  }
  // What a daemon answers carries the daemon's code.
  const relay = ['api/client.ts'];
  const classes = sources.filter(
    ({ name, text }) => /class \w+ extends Error \{[^}]*\bcode\b/.test(text) && !relay.includes(name),
  );
  t.true(classes.length >= 12, `${classes.length} classes`);
  t.deepEqual(
    classes.map(({ name }) => name).filter((name) => !tables.some((table) => table.name === name)),
    [],
  );
});

test('every environment variable that is read is documented, and no other', (t) => {
  const read = sources.flatMap(({ text }) =>
    [...text.matchAll(/(?:process\.env|environment)\.([A-Z_]+)/g)].map((match) => match[1] ?? ''),
  );
  t.deepEqual([...new Set(read)].sort(), Object.keys(ENVIRONMENT).sort());
});

test('every setting has a meaning', (t) => {
  const rows = PAGES['configuration.md']()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  t.true(rows.length > 100, `${rows.length} rows`);
  t.deepEqual(
    rows.filter((row) => / \| +\|$/.test(row)),
    [],
  );
});

test('what reliability.md names as proof is there', (t) => {
  const page = readFileSync('docs/reliability.md', 'utf8');
  const files = [...page.matchAll(/`((?:test|lab)\/[^`]+\.ts)`/g)].map((match) => match[1] ?? '');
  t.true(files.length > 30, `${files.length} files`);
  t.deepEqual(
    files.filter((name) => !existsSync(name)),
    [],
  );
});
