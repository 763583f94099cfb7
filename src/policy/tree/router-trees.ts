/** The trees of one router: made from its policies, and kept to be made faster when few of these change. */
import { CX_WALK_STEPS } from '../../datapath/generated.js';
import { Box, type View, viewOf } from './box.js';
import { type BuildOptions, TreeBuilder, TreeTooLarge } from './builder.js';
import { chooseGrouping, mostRowsOf } from './choose-grouping.js';
import { withoutEqual } from './equal-rules.js';
import { addRules } from './expand.js';
import { divide, type Grouping } from './group.js';
import { FIRST_ROW, Layout } from './layout.js';
import { childrenOf, compactLists, type TreeNode } from './node.js';
import { RuleStore } from './rule-store.js';
import { matchPolicies, NEW, type PolicyWords } from './same-policies.js';
import { WordList } from './word-list.js';

/** Where a packet starts, and the most nodes it visits; 0 = there are no policies. */
export interface Roots {
  readonly known: number;
  readonly unknown: number;
  readonly steps: number;
}

/** A policy that has more rules than there is room for. */
export interface TooManyRules {
  readonly rank: number;
}

/** A tree that is placed, and what it was made of. */
interface KeptTree {
  /** Rules that were given, in the order of their rank. */
  readonly group: Uint32Array;
  readonly view: View;
  readonly node: TreeNode;
  readonly root: number;
}

interface ChainLink {
  /** Rank of the best policy. */
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
  /** The one with the fewest copies, for when there is no room for the trees of another. */
  #safe: Grouping | undefined;
  /** By rule: its group, as far as it was asked for. */
  #groupOf = new Uint8Array(0);
  #grouped = 0;
  #groupedRules = 0;
  readonly #layout = new Layout();
  readonly #trees = new Map<string, KeptTree>();
  #chains: { at: number; rows: number }[] = [];
  /** The lists of the trees, and how long they were when all were made at once. */
  #lists = new WordList();
  #listsAtFirst = 0;
  #options: BuildOptions | undefined;

  /** Makes the policies the router's. @returns the policy that has more rules than `most`, if one has */
  update(policies: PolicyWords, most: number): TooManyRules | undefined {
    const count = policies.starts.length - 1;
    let matches = this.#before && matchPolicies(this.#before, policies);
    if (matches !== undefined) {
      const added = matches.reduce((sum, match) => sum + (match === NEW ? 1 : 0), 0);
      const live = this.#ruleCounts.reduce((sum, each) => sum + each, 0);
      const garbage = this.#store.count > (1 + MOST_GARBAGE) * live + 1000;
      if (added > 0 && (garbage || added > MOST_CHANGE * count)) {
        this.forget();
        matches = undefined;
      }
    }
    const store = this.#store;
    const firstRules = new Uint32Array(count);
    const ruleCounts = new Uint32Array(count);
    for (let rank = 0; rank < count; rank++) {
      const match = matches?.[rank] ?? NEW;
      if (match !== NEW) {
        const first = this.#firstRules[match] as number;
        firstRules[rank] = first;
        ruleCounts[rank] = this.#ruleCounts[match] as number;
        for (let i = ruleCounts[rank] as number; i > 0; i--) store.rank[first + i - 1] = rank;
        continue;
      }
      firstRules[rank] = store.count;
      if (!addRules(store, policies.words, policies.starts[rank] as number, rank, most - store.count)) {
        this.forget();
        return { rank };
      }
      ruleCounts[rank] = store.count - (firstRules[rank] as number);
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
    this.#grouped = 0;
    this.#forgetTrees();
  }

  #forgetTrees(): void {
    this.#trees.clear();
    this.#chains = [];
    this.#layout.clear();
    this.#lists.length = 0;
  }

  /** Rows behind the two that every table begins with. */
  get rows(): number {
    return this.#layout.rows - FIRST_ROW;
  }

  /** Writes them, so that they start at `base`. */
  write(into: Uint32Array, base: number): void {
    this.#layout.write(into, base, this.#store.rank);
  }

  /**
   * Makes the trees and places them.
   * @param mostRows rows that they may have
   * @returns where they start when their rows start at FIRST_ROW; undefined when there are more rows
   */
  place(options: BuildOptions, mostRows: number): Roots | undefined {
    const rules = this.#inOrder();
    this.#regroup(rules, options);
    const safe = this.#safe as Grouping;
    if (this.#grouping !== safe) {
      const roots = this.#placeWithin(rules, options, Math.min(mostRows, mostRowsOf(rules.length)));
      if (roots !== undefined && roots.steps <= CX_WALK_STEPS) return roots;
      this.#groupBy(safe);
    }
    return this.#placeWithin(rules, options, mostRows);
  }

  #placeWithin(rules: Uint32Array, options: BuildOptions, mostRows: number): Roots | undefined {
    try {
      let roots = this.#place(rules, options, mostRows);
      // Now and not the next time: what does not change is to have the same rows.
      if (this.#layout.isSparse || (this.rows > mostRows && this.#layout.hasFree)) {
        this.#placeAnew();
        roots = this.#place(rules, options, mostRows);
      }
      if (this.rows <= mostRows) return roots;
    } catch (error) {
      if (!(error instanceof TreeTooLarge)) throw error;
    }
    this.#forgetTrees();
    return undefined;
  }

  #place(rules: Uint32Array, options: BuildOptions, mostRows: number): Roots {
    if (this.#options !== options) this.#forgetTrees();
    if (this.#lists.length > MOST_LISTS * this.#listsAtFirst) {
      const nodes = [...this.#trees.values()].map(({ node }) => node);
      this.#lists = compactLists(nodes, this.#lists);
      this.#listsAtFirst = this.#lists.length;
    }
    this.#options = options;
    const store = this.#store;
    const groups = rules.length === 0 ? [] : this.#divide(rules);
    const isFirst = this.#trees.size === 0;
    const known: ChainLink[] = [];
    const unknown: ChainLink[] = [];
    const names = new Set<string>();
    const tree = (name: string, group: Uint32Array, marks: boolean): ChainLink => {
      names.add(name);
      return this.#tree(name, group, marks, options, mostRows);
    };
    for (const [position, group] of groups.entries()) {
      const marked = group.some((rule) => store.markMask[rule] !== 0);
      const link = tree(`${position} known`, group, marked);
      known.push(link);
      unknown.push(marked ? tree(`${position} unknown`, group, false) : link);
    }
    for (const [name, { node, root }] of this.#trees) {
      if (names.has(name)) continue;
      this.#trees.delete(name);
      this.#layout.release(root, 1);
      this.#releaseAll(node);
    }
    if (isFirst) this.#listsAtFirst = this.#lists.length;
    // The last one first, so that each gets its rows again.
    for (const { at, rows } of this.#chains.reverse()) this.#layout.release(at, rows);
    this.#chains = [];
    return {
      known: this.#chain(known),
      unknown: this.#chain(unknown),
      steps: Math.max(stepsOf(known), stepsOf(unknown)),
    };
  }

  /** Chooses a grouping where there is none, or it was chosen for another number of rules. */
  #regroup(rules: Uint32Array, options: BuildOptions): void {
    const before = this.#groupedRules;
    if (this.#grouping && rules.length <= 1.5 * before && before <= 1.5 * rules.length) return;
    const { safe, best } = chooseGrouping(this.#store, rules, options);
    this.#groupBy(best);
    this.#safe = safe;
    this.#groupedRules = rules.length;
  }

  #divide(rules: Uint32Array): Uint32Array[] {
    const store = this.#store;
    const grouping = this.#grouping as Grouping;
    if (this.#groupOf.length < store.count) {
      const larger = new Uint8Array(2 * store.count);
      larger.set(this.#groupOf);
      this.#groupOf = larger;
    }
    for (; this.#grouped < store.count; this.#grouped++) {
      this.#groupOf[this.#grouped] = grouping.of(store, this.#grouped);
    }
    return divide((rule) => this.#groupOf[rule] as number, store.rank, rules);
  }

  #groupBy(grouping: Grouping): void {
    this.#grouping = grouping;
    this.#grouped = 0;
    this.#forgetTrees();
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
    name: string,
    group: Uint32Array,
    marks: boolean,
    options: BuildOptions,
    mostRows: number,
  ): ChainLink {
    const store = this.#store;
    const best = store.rank[group[0] as number] as number;
    const old = this.#trees.get(name);
    if (old !== undefined && old.view.marks === marks && isEqual(old.group, group)) {
      return { best, root: old.root, steps: old.node.steps };
    }
    const view = viewOf(store, group, marks);
    const rules = group.length > options.leafRules ? withoutEqual(view, group) : group;
    const box = new Box();
    const span = { at: this.#lists.reserve(rules.length), count: rules.length };
    this.#lists.words.set(rules, span.at);
    const builder = new TreeBuilder(view, options, this.#lists, mostRows - this.rows);
    // Boxes are told by marks too, so trees of the other kind are others.
    const before = old?.view.marks === marks ? old.node : undefined;
    if (old !== undefined && before === undefined) builder.retire(old.node);
    const node = builder.build(span, box, before);
    const root = old?.root ?? this.#layout.reserve(1);
    const steps = this.#layout.place(view, node, root, box, this.#lists);
    for (const { at, size } of builder.retired) this.#layout.release(at, size);
    this.#trees.set(name, { group, view, node, root });
    return { best, root, steps };
  }

  #releaseAll(node: TreeNode): void {
    this.#layout.release(node.at, node.size);
    for (const child of childrenOf(node)) this.#releaseAll(child);
  }

  /** Places all trees once more, one behind the other. */
  #placeAnew(): void {
    this.#layout.clear();
    this.#chains = [];
    for (const [name, { group, view, node }] of this.#trees) {
      unplace(node);
      const root = this.#layout.reserve(1);
      this.#layout.place(view, node, root, new Box(), this.#lists);
      this.#trees.set(name, { group, view, node, root });
    }
  }

  /** One tree starts at its root; several are a chain of rows, the one with the best policy first. */
  #chain(trees: readonly ChainLink[]): number {
    const [only] = trees;
    if (only === undefined) return 0;
    if (trees.length === 1) return only.root;
    const inOrder = [...trees].sort((a, b) => a.best - b.best);
    const first = this.#layout.reserve(trees.length);
    this.#chains.push({ at: first, rows: trees.length });
    for (const [position, { best, root }] of inOrder.entries()) {
      const next = position + 1 < trees.length ? first + position + 1 : 0;
      this.#layout.placeTree(first + position, best, root, next);
    }
    return first;
  }
}

function unplace(node: TreeNode): void {
  node.steps = 0;
  for (const child of childrenOf(node)) unplace(child);
}

function isEqual(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function stepsOf(trees: readonly ChainLink[]): number {
  return trees.reduce((sum, { steps }) => sum + steps + 1, 0);
}
