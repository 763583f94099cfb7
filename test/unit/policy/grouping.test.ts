// Which rules share a tree: as few trees as their copies allow.
import test from 'ava';
import { CxField } from '../../../src/datapath/generated.js';
import { chooseGrouping } from '../../../src/policy/tree/choose-grouping.js';
import { ALWAYS, RuleStore } from '../../../src/policy/tree/rule-store.js';

const OPTIONS = { leafRules: 4, copyCost: 0.4 };
const COUNT = 400;

interface Shape {
  /** Of rule number n: the first word of its destination and of its source; undefined = any. */
  readonly destination: (n: number) => number | undefined;
  readonly source: (n: number) => number | undefined;
}

/** The number of groups that rules of a shape are put into. */
function groupsOf({ destination, source }: Shape): number {
  const store = new RuleStore();
  const rules = Uint32Array.from({ length: COUNT }, (_, n) => {
    const rule = store.add(n, ALWAYS, 0, 0);
    for (const [field, value] of [
      [CxField.DESTINATION, destination(n)],
      [CxField.SOURCE, source(n)],
    ] as const) {
      if (value !== undefined) store.restrict(rule, field, 1000 + value, 1000 + value);
    }
    return rule;
  });
  const { best: grouping } = chooseGrouping(store, rules, OPTIONS);
  return new Set(Array.from(rules, (rule) => grouping.of(store, rule))).size;
}

test('what one address divides well is one tree, whatever the other one is', (t) => {
  t.is(groupsOf({ destination: (n) => n, source: (n) => (n % 2 === 0 ? undefined : n) }), 1);
});

test('rules of which each is wide in one address are two trees: in one, each would be in most leaves', (t) => {
  const isWide = (n: number): boolean => n % 2 === 0;
  t.is(
    groupsOf({
      destination: (n) => (isWide(n) ? undefined : n),
      source: (n) => (isWide(n) ? n : undefined),
    }),
    2,
  );
});
