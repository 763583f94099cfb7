/**
 * Which grouping of a router's rules is best: each is tried on some of the rules, and packets that these are about
 * are led through the trees to count the steps. More groups are less copies, but every packet asks each tree.
 */
import { Box, type View, viewOf } from './box.js';
import { type BuildOptions, TreeBuilder, TreeTooLarge } from './builder.js';
import { divide, type GroupedBy, Grouping, ONE_GROUP, Widths } from './group.js';
import type { CutNode, Leaf, TreeNode } from './node.js';
import { RANGE_FIELD_COUNT, type RuleStore } from './rule-store.js';
import { WordList } from './word-list.js';

/** Where rules are few, so are the copies of a wide one. */
const FEW_RULES = 4096;
const WIDE_SHARES = [0.04];
const WIDE_SHARES_OF_FEW = [0.2, 0.5];
/** Rules that are tried. */
const SAMPLE = 1024;
/** Packets that are led through the trees. */
const PACKETS = 512;
/** Where only a part is tried, another grouping must need this part of the steps, and may have so many times the rows:
 * copies grow faster than rules do. */
const MUCH_BETTER = 0.75;
const HARDLY_LARGER = 1.25;
/** Rows for each rule, which is what the tables have room for: datapath/map-catalogue.ts. */
const ROWS_PER_RULE = 24;
/** However few rules there are. */
const LEAST_ROWS = 4096;

/** A tree of a group, and the rank of its best rule. */
interface TriedTree {
  readonly view: View;
  readonly root: TreeNode;
  readonly best: number;
}

/** A packet: a value of each range field, and a mark. */
interface TriedPacket {
  readonly values: Uint32Array;
  mark: number;
}

/** The grouping that has fewest copies of so many rules, and the others, which are taken when they are better. */
function candidates(rules: number): [GroupedBy, ...GroupedBy[]] {
  const [first = 0, ...more] = rules <= FEW_RULES ? WIDE_SHARES_OF_FEW : WIDE_SHARES;
  const shares = [first, ...more];
  return [
    { source: true, destination: true, wideShare: first },
    ...more.map((wideShare) => ({ source: true, destination: true, wideShare })),
    ...shares.map((wideShare) => ({ source: false, destination: true, wideShare })),
    ...shares.map((wideShare) => ({ source: true, destination: false, wideShare })),
    { source: false, destination: false, wideShare: first },
  ];
}

/** Rows that the trees of so many rules may have: with more another grouping is none. */
export function mostRowsOf(rules: number): number {
  return 2 * triedRowsOf(rules);
}

/** The same when it is tried, where nothing stands twice because of marks. */
function triedRowsOf(rules: number): number {
  return Math.max(LEAST_ROWS, ROWS_PER_RULE * rules);
}

/** The groupings of a router's rules that matter; the same one twice where none is better. */
export interface Groupings {
  /** The one with the fewest copies. */
  readonly safe: Grouping;
  /** The one with the fewest steps. */
  readonly best: Grouping;
}

/** Chooses for the rules of a router, which are in the order of their rank. */
export function chooseGrouping(store: RuleStore, rules: Uint32Array, options: BuildOptions): Groupings {
  const [first, ...others] = candidates(rules.length);
  const widths = rules.length <= ONE_GROUP ? undefined : new Widths(store, rules);
  const safe = new Grouping(widths, first);
  if (widths === undefined) return { safe, best: safe };
  let best = safe;
  const sample = someOf(rules, SAMPLE);
  const groupsOf = (grouping: Grouping): Uint32Array[] =>
    divide((rule) => grouping.of(store, rule), store.rank, sample);
  const bothGroups = groupsOf(safe);
  // Groups of the same sizes are the same ones, but for a rare chance that costs a step or two.
  const tried = new Set([sizesOf(bothGroups)]);
  const both = tryGroups(store, bothGroups, sample, options, Number.POSITIVE_INFINITY);
  const isPart = sample.length < rules.length;
  const mostRows = isPart ? HARDLY_LARGER * both.rows : triedRowsOf(sample.length);
  let least = isPart ? MUCH_BETTER * both.steps : both.steps;
  for (const by of others) {
    const grouping = new Grouping(widths, by);
    const groups = groupsOf(grouping);
    if (tried.has(sizesOf(groups))) continue;
    tried.add(sizesOf(groups));
    const { steps } = tryGroups(store, groups, sample, options, mostRows);
    if (steps >= least) continue;
    least = steps;
    best = grouping;
  }
  return { safe, best };
}

function sizesOf(groups: readonly Uint32Array[]): string {
  return groups.map(({ length }) => length).join(' ');
}

/** At most so many of a list, from all of it. */
function someOf(rules: Uint32Array, most: number): Uint32Array {
  if (rules.length <= most) return rules;
  return Uint32Array.from(
    { length: most },
    (_, at) => rules[Math.floor((at * rules.length) / most)] as number,
  );
}

/** Steps of all packets together, infinite when the trees have too many rows; and the rows. */
function tryGroups(
  store: RuleStore,
  groups: readonly Uint32Array[],
  rules: Uint32Array,
  options: BuildOptions,
  mostRows: number,
): { steps: number; rows: number } {
  const lists = new WordList();
  let rows = 0;
  let trees: TriedTree[];
  try {
    trees = groups.map((group) => {
      const view = viewOf(
        store,
        group,
        group.some((rule) => store.markMask[rule] !== 0),
      );
      const span = { at: lists.reserve(group.length), count: group.length };
      lists.words.set(group, span.at);
      const builder = new TreeBuilder(view, options, lists, mostRows - rows);
      const root = builder.build(span, new Box());
      rows += builder.rows;
      return { view, root, best: store.rank[group[0] as number] as number };
    });
  } catch (error) {
    if (error instanceof TreeTooLarge) return { steps: Number.POSITIVE_INFINITY, rows };
    throw error;
  }
  trees.sort((a, b) => a.best - b.best);
  const packet: TriedPacket = { values: new Uint32Array(RANGE_FIELD_COUNT), mark: 0 };
  let steps = 0;
  for (const [at, rule] of someOf(rules, PACKETS).entries()) {
    fill(packet, store, rule, at);
    steps += stepsOf(trees, packet, lists);
  }
  return { steps, rows };
}

/** Makes the packet one that a rule matches, at a place inside it that its number says. */
function fill(packet: TriedPacket, store: RuleStore, rule: number, number: number): void {
  let random = number + 1;
  for (let field = 0; field < RANGE_FIELD_COUNT; field++) {
    random = Math.imul(random ^ (random >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    const low = (store.low[field] as Uint32Array)[rule] as number;
    const high = (store.high[field] as Uint32Array)[rule] as number;
    packet.values[field] = low + Math.floor(((random >>> 0) / 2 ** 32) * (high - low + 1));
  }
  const mask = store.markMask[rule] as number;
  packet.mark = ((store.markValue[rule] as number) | (random & ~mask)) >>> 0;
}

/** Steps of a packet through the trees, the one with the best rule first. */
function stepsOf(trees: readonly TriedTree[], packet: TriedPacket, lists: WordList): number {
  let best = Number.POSITIVE_INFINITY;
  let count = 0;
  for (const tree of trees) {
    count++;
    if (tree.best >= best) break;
    let node = tree.root;
    while (node.kind !== 'leaf') {
      node = childFor(node, packet, lists);
      count++;
    }
    // A rule that does not match costs about one comparison, one that does about two and its match.
    const matched = firstMatch(tree.view, node, packet, lists);
    count += matched.tried + (matched.rule === undefined ? 0 : 2);
    if (matched.rule !== undefined) best = Math.min(best, tree.view.store.rank[matched.rule] as number);
  }
  return count;
}

function childFor(node: Exclude<TreeNode, Leaf>, { values, mark }: TriedPacket, lists: WordList): TreeNode {
  switch (node.kind) {
    case 'bits':
      return node.children[(mark >>> node.shift) & node.mask] as TreeNode;
    case 'range': {
      const value = values[node.field] as number;
      return value >= node.low && value <= node.high ? node.inside : node.outside;
    }
    case 'cut':
      return node.children[childOfCut(node, values[node.field] as number, lists)] as TreeNode;
  }
}

function childOfCut({ low, shift, pieces, starts }: CutNode, value: number, lists: WordList): number {
  const piece = value < low ? pieces : Math.floor((value - low) / 2 ** shift);
  if (piece >= pieces) return starts.count;
  let [first, last] = [0, starts.count - 1];
  while (first < last) {
    const middle = (first + last + 1) >> 1;
    if ((lists.words[starts.at + middle] as number) <= piece) first = middle;
    else last = middle - 1;
  }
  return first;
}

function firstMatch(
  { store, fields, marks }: View,
  { kept }: Leaf,
  { values, mark }: TriedPacket,
  lists: WordList,
): { tried: number; rule: number | undefined } {
  for (let i = 0; i < kept.count; i++) {
    const rule = lists.words[kept.at + i] as number;
    const matches = fields.every((field) => {
      const value = values[field] as number;
      const low = (store.low[field] as Uint32Array)[rule] as number;
      return value >= low && value <= ((store.high[field] as Uint32Array)[rule] as number);
    });
    const isMarked =
      !marks || ((mark ^ (store.markValue[rule] as number)) & (store.markMask[rule] as number)) === 0;
    if (matches && isMarked) return { tried: i, rule };
  }
  return { tried: kept.count, rule: undefined };
}
