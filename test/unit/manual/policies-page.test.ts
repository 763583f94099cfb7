import { readFileSync } from 'node:fs';
import test from 'ava';
import { DSCP_NAMES, ICMP_TYPE_NAMES } from '../../../src/policy/number-names.js';
import { RANGE_FIELDS, RANGE_KEYS } from '../../../src/policy/range.js';
import { check, examplesOf } from './policies-page.js';

const page = readFileSync('docs/policies.md', 'utf8');
const { frame, examples } = examplesOf(page);

for (const example of examples) {
  test(`docs/policies.md:${example.line}: the example means what its table says`, (t) => {
    t.true(example.rows.length > 0, 'every example has a table');
    t.deepEqual(check(frame, example), []);
  });
}

test('every action, every answer and every field has an example', (t) => {
  const answers = examples.flatMap(({ rows }) => rows.map(({ answer }) => answer.split(' ')[0] ?? ''));
  for (const answer of ['use', 'balance', 'copy', 'drop', 'bypass', 'mark', 'default', 'no']) {
    t.true(answers.includes(answer), answer);
  }
  const yaml = examples.map((one) => one.yaml).join('\n');
  const fields = [...RANGE_KEYS.map((key) => RANGE_FIELDS[key].word), 'source', 'destination', 'mark'];
  for (const field of [...fields, 'interface', 'cgroup']) t.regex(yaml, new RegExp(`[{ ]${field}: `), field);
  for (const word of ['use', 'balance', 'copy', 'drop', 'bypass', 'otherwise']) {
    t.regex(yaml, new RegExp(`[{ ]${word}: `), word);
  }
  for (const otherwise of ['next', 'drop', 'default']) t.true(yaml.includes(`otherwise: ${otherwise}`));
  // Names that the text mentions are names.
  for (const name of ['ef', 'af11', 'af43', 'cs0', 'cs7', 'be']) t.true(DSCP_NAMES.has(name), name);
  for (const [, name = ''] of page.matchAll(
    /`((?:echo|packet|time|parameter|destination)-(?!port)[a-z-]+)`/g,
  )) {
    t.true(ICMP_TYPE_NAMES.has(name), name);
  }
});

test('a wrong answer, packet, binding or setting is found', (t) => {
  const [example] = examples;
  if (example === undefined) throw new Error('the page has no examples');
  let tried = 0;
  for (const one of examples) {
    for (const [at, row] of one.rows.entries()) {
      const other = one.rows.find(({ answer }) => answer !== row.answer)?.answer ?? 'no binding';
      const rows = one.rows.with(at, { ...row, answer: other });
      t.is(check(frame, { ...one, rows }).length, 1, `line ${row.line} with ${other}`);
      tried++;
    }
  }
  t.true(tried > 60, `${tried} rows`);
  const row = { packet: 'any', usable: 'all', answer: 'default lte', line: 1 };
  const wrong = [{ packet: 'port 5' }, { packet: 'dscp 64' }, { usable: 'gsm' }, { packet: 'dscp' }];
  for (const change of wrong) {
    t.is(check(frame, { ...example, rows: [{ ...row, ...change }] }).length, 1, JSON.stringify(change));
  }
  t.regex(check(frame, { ...example, yaml: example.yaml.replace('use:', 'uses:') }).join(), /unknown key/);
});
