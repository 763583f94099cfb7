/** The trees of one router: made from its policies, and kept to be made faster when few of these change. */
import { Box, type View } from './box.js';
import { type BuildOptions, TreeBuilder, TreeTooLarge } from './builder.js';
import { withoutEqual } from './equal-rules.js';
import { addRules, rulePartOf } from './expand.js';
import { Grouping, joinSmall } from './group.js';
import type { Layout } from './layout.js';
import { compactLists, type TreeNode } from './node.js';
import { RANGE_FIELD_COUNT, RuleStore, WORD_MAX } from './rule-store.js';
import { WordList } from './word-list.js';

/** Policies of a router, one behind the other in the order of their rank, see policy-words.ts. */
export interface PolicyWords {
  readonly words: Uint32Array;
  /** Where each policy starts, and behind the last one the end. */
  readonly starts: Uint32Array;
}

/** Where a packet starts, and the most nodes it visits. */
export interface Roots {
  readonly known: number;
  readonly unknown: number;
  readonly steps: number;
}

/** A policy that has more rules than there is room for. */
export interface TooManyRules {
  readonly rank: number;
}

interface PlacedTree {
  readonly best: number;
  readonly root: number;
  readonly steps: number;
}

/** Trees are kept only while at most this part of the policies differs. */
const MOST_CHANGE = 0.2;
/** Rules that are no longer used are forgotten when they are as many. */
const MOST_GARBAGE = 1.0;
/** Lists that no tree has any more stay, until all together are so many times as long as at first. */
const MOST_LISTS = 3;

export class RouterTrees {
  #store = new RuleStore();
  #before: PolicyWords | undefined;
  /** First rule of each policy, by rank; `#ruleCounts` how many follow each other. */
  #firstRules = new Uint32Array(0);
  #ruleCounts = new Uint32Array(0);
  #grouping: Grouping | undefined;
  #groupedRules = 0;
  readonly #trees = new Map<string, TreeNode>();
  /** The lists of the trees, and how long they were when all were made at once. */
  #lists = new WordList();
  #listsAtFirst = 0;
  #options: BuildOptions | undefined;

  /** Makes the policies the router's. @returns the policy that has more rules than `most`, if one has */
  update(policies: PolicyWords, most: number): TooManyRules | undefined {
    const count = policies.starts.length - 1;
    const before = this.#before;
    const oldCount = before === undefined ? 0 : before.starts.length - 1;
    let head = 0;
    let tail = 0;
    if (before !== undefined) {
      const shorter = Math.min(count, oldCount);
      while (head < shorter && isSamePolicy(before, head, policies, head)) head++;
      while (tail < shorter - head && isSamePolicy(before, oldCount - 1 - tail, policies, count - 1 - tail)) {
        tail++;
      }
      const live = this.#ruleCounts.reduce((sum, each) => sum + each, 0);
      if (count - head - tail > MOST_CHANGE * count || this.#store.count > (1 + MOST_GARBAGE) * live + 1000) {
        this.forget();
        [head, tail] = [0, 0];
      }
    }
    const firstRules = new Uint32Array(count);
    const ruleCounts = new Uint32Array(count);
    firstRules.set(this.#firstRules.subarray(0, head));
    ruleCounts.set(this.#ruleCounts.subarray(0, head));
    firstRules.set(this.#firstRules.subarray(oldCount - tail, oldCount), count - tail);
    ruleCounts.set(this.#ruleCounts.subarray(oldCount - tail, oldCount), count - tail);
    for (let rank = head; rank < count - tail; rank++) {
      firstRules[rank] = this.#store.count;
      if (
        !addRules(
          this.#store,
          policies.words,
          policies.starts[rank] as number,
          rank,
          most - this.#store.count,
        )
      ) {
        this.forget();
        return { rank };
      }
      ruleCounts[rank] = this.#store.count - (firstRules[rank] as number);
    }
    for (let rank = count - tail; rank < count; rank++) {
      const first = firstRules[rank] as number;
      this.#store.rank.fill(rank, first, first + (ruleCounts[rank] as number));
    }
    this.#before = policies;
    this.#firstRules = firstRules;
    this.#ruleCounts = ruleCounts;
    return undefined;
  }

  forget(): void {
    this.#store.clear();
    this.#before = undefined;
    this.#firstRules = new Uint32Array(0);
    this.#ruleCounts = new Uint32Array(0);
    this.#grouping = undefined;
    this.#forgetTrees();
  }

  #forgetTrees(): void {
    this.#trees.clear();
    this.#lists.length = 0;
  }

  /**
   * Makes the trees and places them.
   * @param mostRows rows of all routers together
   * @returns undefined when they are more
   */
  place(layout: Layout, options: BuildOptions, mostRows: number): Roots | undefined {
    try {
      const roots = this.#place(layout, options, mostRows);
      if (layout.rows <= mostRows) return roots;
    } catch (error) {
      if (!(error instanceof TreeTooLarge)) throw error;
    }
    this.#forgetTrees();
    return undefined;
  }

  #place(layout: Layout, options: BuildOptions, mostRows: number): Roots {
    if (this.#options !== options) this.#forgetTrees();
    if (this.#lists.length > MOST_LISTS * this.#listsAtFirst) {
      this.#lists = compactLists(this.#trees.values(), this.#lists);
      this.#listsAtFirst = this.#lists.length;
    }
    this.#options = options;
    const rules = this.#inOrder();
    if (rules.length === 0) return { known: 0, unknown: 0, steps: 0 };
    const store = this.#store;
    if (
      this.#grouping === undefined ||
      rules.length > 1.5 * this.#groupedRules ||
      this.#groupedRules > 1.5 * rules.length
    ) {
      this.#grouping = new Grouping(store, rules);
      this.#groupedRules = rules.length;
      this.#forgetTrees();
    }
    const isFirst = this.#trees.size === 0;
    const known: PlacedTree[] = [];
    const unknown: PlacedTree[] = [];
    for (const [position, group] of divide(this.#grouping, store, rules).entries()) {
      const marked = group.some((rule) => store.markMask[rule] !== 0);
      const tree = this.#tree(layout, `${position} known`, group, marked, options, mostRows);
      known.push(tree);
      unknown.push(
        marked ? this.#tree(layout, `${position} unknown`, group, false, options, mostRows) : tree,
      );
    }
    if (isFirst) this.#listsAtFirst = this.#lists.length;
    return {
      known: chain(layout, known),
      unknown: chain(layout, unknown),
      steps: Math.max(stepsOf(known), stepsOf(unknown)),
    };
  }

  #inOrder(): Uint32Array {
    const rules = new Uint32Array(this.#ruleCounts.reduce((sum, count) => sum + count, 0));
    let at = 0;
    for (let rank = 0; rank < this.#ruleCounts.length; rank++) {
      const first = this.#firstRules[rank] as number;
      const end = first + (this.#ruleCounts[rank] as number);
      for (let rule = first; rule < end; rule++) rules[at++] = rule;
    }
    return rules;
  }

  #tree(
    layout: Layout,
    name: string,
    group: Uint32Array,
    marks: boolean,
    options: BuildOptions,
    mostRows: number,
  ): PlacedTree {
    const view: View = { store: this.#store, fields: restrictedFields(this.#store, group), marks };
    const rules = group.length > options.leafRules ? withoutEqual(view, group) : group;
    const box = new Box();
    const span = { at: this.#lists.reserve(rules.length), count: rules.length };
    this.#lists.words.set(rules, span.at);
    const builder = new TreeBuilder(view, options, this.#lists, mostRows - layout.rows);
    const tree = builder.build(span, box, this.#trees.get(name));
    this.#trees.set(name, tree);
    const root = layout.reserve(1);
    const steps = layout.place(view, tree, root, box, this.#lists);
    return { best: this.#store.rank[rules[0] as number] as number, root, steps };
  }
}

function isSamePolicy(a: PolicyWords, rankA: number, b: PolicyWords, rankB: number): boolean {
  const startA = rulePartOf(a.words, a.starts[rankA] as number);
  const startB = rulePartOf(b.words, b.starts[rankB] as number);
  const length = (a.starts[rankA + 1] as number) - startA;
  if ((b.starts[rankB + 1] as number) - startB !== length) return false;
  for (let at = 0; at < length; at++) {
    if (a.words[startA + at] !== b.words[startB + at]) return false;
  }
  return true;
}

function divide(grouping: Grouping, store: RuleStore, rules: Uint32Array): Uint32Array[] {
  const groupOf = Uint8Array.from(rules, (rule) => grouping.of(store, rule));
  const sizes = new Uint32Array(8);
  for (const group of groupOf) sizes[group] = (sizes[group] as number) + 1;
  const groups = Array.from(sizes, (size) => new Uint32Array(size));
  sizes.fill(0);
  for (let i = 0; i < rules.length; i++) {
    const group = groupOf[i] as number;
    (groups[group] as Uint32Array)[sizes[group] as number] = rules[i] as number;
    sizes[group] = (sizes[group] as number) + 1;
  }
  return joinSmall(groups, store.rank);
}

/** Fields that some rule restricts, the most restricted first. */
function restrictedFields(store: RuleStore, rules: Uint32Array): number[] {
  const counts: [field: number, count: number][] = [];
  for (let field = 0; field < RANGE_FIELD_COUNT; field++) {
    const low = store.low[field] as Uint32Array;
    const high = store.high[field] as Uint32Array;
    let count = 0;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as number;
      if (low[rule] !== 0 || high[rule] !== WORD_MAX) count++;
    }
    if (count > 0) counts.push([field, count]);
  }
  return counts.sort((a, b) => b[1] - a[1]).map(([field]) => field);
}

/** One tree starts at its root; several are a chain of rows, the one with the best policy first. */
function chain(layout: Layout, trees: readonly PlacedTree[]): number {
  const [only] = trees;
  if (trees.length === 1 && only !== undefined) return only.root;
  const inOrder = [...trees].sort((a, b) => a.best - b.best);
  const first = layout.reserve(trees.length);
  for (const [position, { best, root }] of inOrder.entries()) {
    const next = position + 1 < trees.length ? first + position + 1 : 0;
    layout.placeTree(first + position, best, root, next);
  }
  return first;
}

function stepsOf(trees: readonly PlacedTree[]): number {
  return trees.reduce((sum, { steps }) => sum + steps + 1, 0);
}
