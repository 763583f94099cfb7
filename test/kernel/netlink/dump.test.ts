import test from 'ava';
import { inNamespace } from './namespace.js';

for (const [kind, atLeast] of [
  ['links', 4],
  ['addresses', 5],
  ['routes', 10],
  ['neighbours', 3],
  ['rules', 6],
] as const) {
  test.serial(`the dump of ${kind} says what ip says`, async (t) => {
    const [ours, theirs] = await inNamespace<[string[], string[]]>('dump', kind);
    t.deepEqual(ours, theirs);
    t.true(ours.length >= atLeast, `${ours.length} rows`);
  });
}

test.serial('filters and concurrent dumps', async (t) => {
  const pairs = await inNamespace<Record<string, [number, number]>>('dump', 'filters');
  for (const [name, [got, wanted]] of Object.entries(pairs)) t.is(got, wanted, name);
});
