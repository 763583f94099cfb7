/** Rules into a decision tree. */
import { type Box, covers, type View } from './box.js';
import { type ChoiceOptions, chooseDecision } from './choose.js';
import {
  type BitsNode,
  type CutNode,
  childrenOf,
  type Decision,
  type Leaf,
  type RangeNode,
  type Span,
  type TreeNode,
} from './node.js';
import { ALWAYS, WORD_MAX } from './rule-store.js';
import type { WordList } from './word-list.js';

export interface BuildOptions extends ChoiceOptions {
  /** Rules that a leaf may have without another division. */
  readonly leafRules: number;
}

const DEEPEST = 48;
/** A node of another size than when its division was chosen gets a new one. */
const MOST_GROWTH = 1.5;

/** Scratch of `#cut`, which is done with it before it goes on to the children. */
let begins = new Uint8Array(1024);
let childOf = new Uint32Array(1024);
let from = new Uint32Array(1024);
let to = new Uint32Array(1024);

/** Thrown when a tree has more rows than it may have, before time is spent on the rest of it. */
export class TreeTooLarge extends Error {
  override readonly name = 'TreeTooLarge';
}

export class TreeBuilder {
  readonly #view: View;
  readonly #options: BuildOptions;
  readonly #lists: WordList;
  /** Nodes of before that are in the tree no more. */
  readonly retired: TreeNode[] = [];

  /** Rows that were made; never counts more than there will be. */
  rows = 0;
  readonly #mostRows: number;

  /**
   * @param lists where the lists of the nodes go; those of old nodes that may be used again are there
   * @param mostRows rows of the datapath that the tree may have
   */
  constructor(view: View, options: BuildOptions, lists: WordList, mostRows: number) {
    this.#view = view;
    this.#options = options;
    this.#lists = lists;
    this.#mostRows = mostRows;
  }

  /**
   * The tree for some rules, in the order of their rank, of which each matches something in the box.
   * @param old what stood here before for the same box: what is the same of it is used again
   * @throws TreeTooLarge
   */
  build(rules: Span, box: Box, old?: TreeNode, depth = 0): TreeNode {
    if (old !== undefined && this.#isEqual(old.rules, rules)) return old;
    const kept = this.#withoutHidden(rules, box);
    const isLeaf = kept.count <= this.#options.leafRules || depth >= DEEPEST;
    const reused =
      !isLeaf && old !== undefined && old.kind !== 'leaf' && isNear(old.rules, rules) ? old : undefined;
    if (reused !== undefined) this.retired.push(reused);
    else if (old !== undefined) this.retire(old);
    if (isLeaf) return this.#leaf(rules, kept);
    const decision = reused ?? this.#choose(kept, box) ?? this.#narrowing(kept, box);
    if (decision === undefined) return this.#leaf(rules, kept);
    switch (decision.kind) {
      case 'range':
        return this.#range(rules, kept, decision, box, reused as RangeNode | undefined, depth + 1);
      case 'cut':
        return this.#cut(rules, kept, decision, box, reused as CutNode | undefined, depth + 1);
      case 'bits':
        return this.#bits(rules, kept, decision, box, reused as BitsNode | undefined, depth + 1);
    }
  }

  /** Notes that a tree, or a part of one, is no more. */
  retire(node: TreeNode): void {
    this.retired.push(node);
    for (const child of childrenOf(node)) this.retire(child);
  }

  #leaf(rules: Span, kept: Span): Leaf {
    this.#count(kept.count);
    return { kind: 'leaf', rules, kept, row: 0, at: 0, size: 0, steps: 0 };
  }

  #count(rows: number): void {
    this.rows += rows;
    if (this.rows > this.#mostRows) throw new TreeTooLarge();
  }

  #choose(rules: Span, box: Box): Decision | undefined {
    return chooseDecision(this.#view, this.#lists.words, rules, box, this.#options);
  }

  /**
   * Leaves out what cannot decide: below rules that cover the box and of which one is active whenever it is
   * itself.
   */
  #withoutHidden(rules: Span, box: Box): Span {
    const { active } = this.#view.store;
    const lists = this.#lists;
    const at = lists.reserve(rules.count);
    const { words } = lists;
    let count = 0;
    let union = 0;
    for (let i = 0; i < rules.count; i++) {
      const rule = words[rules.at + i] as number;
      const own = active[rule] as number;
      if (own !== ALWAYS && (own & ~union) === 0) continue;
      words[at + count++] = rule;
      if (!covers(this.#view, rule, box)) continue;
      if (own === ALWAYS) break;
      union |= own;
    }
    // Nothing is hidden most of the time: one list is enough then.
    lists.length = count === rules.count ? at : at + count;
    return count === rules.count ? rules : { at, count };
  }

  /** Where no division helps: the part of the box that holds all rules, in which some of them may hide others. */
  #narrowing(rules: Span, box: Box): Decision | undefined {
    if (rules.count <= 2 * this.#options.leafRules) return undefined;
    const { words } = this.#lists;
    for (const field of this.#view.fields) {
      const low = this.#view.store.low[field] as Uint32Array;
      const high = this.#view.store.high[field] as Uint32Array;
      let [first, last] = [WORD_MAX, 0];
      for (let i = 0; i < rules.count; i++) {
        const rule = words[rules.at + i] as number;
        first = Math.min(first, low[rule] as number);
        last = Math.max(last, high[rule] as number);
      }
      first = Math.max(first, box.low[field] as number);
      last = Math.min(last, box.high[field] as number);
      if (first > (box.low[field] as number) || last < (box.high[field] as number)) {
        return { kind: 'range', field, low: first, high: last };
      }
    }
    return undefined;
  }

  #range(
    rules: Span,
    kept: Span,
    { field, low, high }: Pick<RangeNode, 'field' | 'low' | 'high'>,
    box: Box,
    old: RangeNode | undefined,
    depth: number,
  ): RangeNode {
    const [first, last] = [box.low[field] as number, box.high[field] as number];
    const lows = this.#view.store.low[field] as Uint32Array;
    const highs = this.#view.store.high[field] as Uint32Array;
    const inside = this.#filter(
      kept,
      (rule) => (lows[rule] as number) <= high && (highs[rule] as number) >= low,
    );
    const outside = this.#filter(
      kept,
      (rule) =>
        (low > first && (lows[rule] as number) < low) || (high < last && (highs[rule] as number) > high),
    );
    box.low[field] = low;
    box.high[field] = high;
    const insideNode = this.build(inside, box, old?.inside, depth);
    box.low[field] = low === first ? high + 1 : first;
    box.high[field] = last;
    const outsideNode = this.build(outside, box, old?.outside, depth);
    box.low[field] = first;
    return {
      kind: 'range',
      field,
      low,
      high,
      inside: insideNode,
      outside: outsideNode,
      rules,
      row: 0,
      at: 0,
      size: 0,
      steps: 0,
    };
  }

  #cut(
    rules: Span,
    kept: Span,
    decision: Pick<CutNode, 'field' | 'low' | 'shift' | 'pieces'>,
    box: Box,
    old: CutNode | undefined,
    depth: number,
  ): CutNode {
    const { field, low, shift, pieces } = decision;
    this.#count(pieces);
    const size = 2 ** shift;
    const [first, last] = [box.low[field] as number, box.high[field] as number];
    const { starts, sizes, lists, outside } = this.#deal(kept, decision, first, last);
    const children: TreeNode[] = [];
    let at = lists;
    let oldChild = 0;
    let nextKept = 0;
    for (let child = 0; child < starts.count; child++) {
      // Read anew each time: the words move as they grow.
      const { words } = this.#lists;
      const piece = words[starts.at + child] as number;
      const next = child + 1 < starts.count ? (words[starts.at + child + 1] as number) : pieces;
      const count = words[sizes + child] as number;
      let before: TreeNode | undefined;
      if (old !== undefined) {
        const oldStarts = old.starts;
        const startOf = (which: number): number =>
          which < oldStarts.count ? (words[oldStarts.at + which] as number) : pieces;
        while (oldChild < oldStarts.count && startOf(oldChild) < piece) oldChild++;
        if (startOf(oldChild) === piece && startOf(oldChild + 1) === next) {
          before = old.children[oldChild];
          for (; nextKept < oldChild; nextKept++) this.retire(old.children[nextKept] as TreeNode);
          nextKept = oldChild + 1;
        }
      }
      box.low[field] = Math.max(first, low + piece * size);
      box.high[field] = Math.min(last, low + next * size - 1);
      children.push(this.build({ at, count }, box, before, depth));
      at += count;
    }
    box.low[field] = first;
    box.high[field] = last;
    for (; old !== undefined && nextKept < old.children.length - 1; nextKept++) {
      this.retire(old.children[nextKept] as TreeNode);
    }
    children.push(this.build(outside, box, old?.children.at(-1), depth));
    return {
      kind: 'cut',
      field,
      low,
      shift,
      pieces,
      starts,
      children,
      rules,
      row: 0,
      at: 0,
      size: 0,
      steps: 0,
    };
  }

  /** Deals rules out to the children of a cut. Pieces between which none starts or ends are one child. */
  #deal(
    kept: Span,
    { field, low: start, shift, pieces }: Pick<CutNode, 'field' | 'low' | 'shift' | 'pieces'>,
    first: number,
    last: number,
  ): { starts: Span; sizes: number; lists: number; outside: Span } {
    const end = start + pieces * 2 ** shift - 1;
    const lows = this.#view.store.low[field] as Uint32Array;
    const highs = this.#view.store.high[field] as Uint32Array;
    makeRoom(pieces + 1, kept.count);
    begins.fill(0, 0, pieces + 1);
    begins[0] = 1;
    let { words } = this.#lists;
    let elsewhere = 0;
    for (let i = 0; i < kept.count; i++) {
      const rule = words[kept.at + i] as number;
      const a = Math.max(lows[rule] as number, first);
      const b = Math.min(highs[rule] as number, last);
      const isElsewhere = (a < start && first < start) || (b > end && last > end);
      if (isElsewhere) elsewhere++;
      if (b < start || a > end) {
        // In no piece.
        from[i] = 1;
        to[i] = 0;
        continue;
      }
      from[i] = a <= start ? 0 : (a - start) >>> shift;
      to[i] = b >= end ? pieces - 1 : (b - start) >>> shift;
      begins[from[i] as number] = 1;
      begins[(to[i] as number) + 1] = 1;
    }
    let count = 0;
    for (let piece = 0; piece < pieces; piece++) {
      count += begins[piece] as number;
      childOf[piece] = count - 1;
    }
    const starts = { at: this.#lists.reserve(count), count };
    const sizes = this.#lists.reserve(count);
    ({ words } = this.#lists);
    for (let piece = 0; piece < pieces; piece++) {
      if (begins[piece] === 1) words[starts.at + (childOf[piece] as number)] = piece;
    }
    let total = 0;
    for (let i = 0; i < kept.count; i++) {
      if ((from[i] as number) > (to[i] as number)) continue;
      const firstChild = childOf[from[i] as number] as number;
      const lastChild = childOf[to[i] as number] as number;
      total += lastChild - firstChild + 1;
      for (let child = firstChild; child <= lastChild; child++) {
        words[sizes + child] = (words[sizes + child] as number) + 1;
      }
    }
    // While they are filled, `childEnds` says where each list goes on.
    const lists = this.#lists.reserve(total + elsewhere);
    const childEnds = this.#lists.reserve(count);
    ({ words } = this.#lists);
    let at = lists;
    for (let child = 0; child < count; child++) {
      words[childEnds + child] = at;
      at += words[sizes + child] as number;
    }
    const outside = { at, count: elsewhere };
    for (let i = 0; i < kept.count; i++) {
      const rule = words[kept.at + i] as number;
      const a = lows[rule] as number;
      const b = highs[rule] as number;
      if ((a < start && first < start) || (b > end && last > end)) words[at++] = rule;
      if ((from[i] as number) > (to[i] as number)) continue;
      const lastChild = childOf[to[i] as number] as number;
      for (let child = childOf[from[i] as number] as number; child <= lastChild; child++) {
        const place = words[childEnds + child] as number;
        words[place] = rule;
        words[childEnds + child] = place + 1;
      }
    }
    this.#lists.length = childEnds;
    return { starts, sizes, lists, outside };
  }

  #bits(
    rules: Span,
    kept: Span,
    { shift, mask }: Pick<BitsNode, 'shift' | 'mask'>,
    box: Box,
    old: BitsNode | undefined,
    depth: number,
  ): BitsNode {
    const { markValue, markMask } = this.#view.store;
    const known = box.markKnown;
    box.markKnown = known | (mask << shift);
    const children: TreeNode[] = [];
    for (let piece = 0; piece <= mask; piece++) {
      const here = this.#filter(kept, (rule) => {
        const asked = ((markMask[rule] as number) >>> shift) & mask;
        return (((markValue[rule] as number) >>> shift) & asked) === (piece & asked);
      });
      children.push(this.build(here, box, old?.children[piece], depth));
    }
    box.markKnown = known;
    return { kind: 'bits', shift, mask, children, rules, row: 0, at: 0, size: 0, steps: 0 };
  }

  #filter(rules: Span, isIn: (rule: number) => boolean): Span {
    const at = this.#lists.reserve(rules.count);
    const { words } = this.#lists;
    let count = 0;
    for (let i = 0; i < rules.count; i++) {
      const rule = words[rules.at + i] as number;
      if (isIn(rule)) words[at + count++] = rule;
    }
    this.#lists.length = at + count;
    return { at, count };
  }

  #isEqual(a: Span, b: Span): boolean {
    if (a.count !== b.count) return false;
    const { words } = this.#lists;
    for (let i = 0; i < a.count; i++) if (words[a.at + i] !== words[b.at + i]) return false;
    return true;
  }
}

function makeRoom(pieces: number, rules: number): void {
  if (begins.length < pieces) {
    begins = new Uint8Array(2 * pieces);
    childOf = new Uint32Array(2 * pieces);
  }
  if (from.length < rules) {
    from = new Uint32Array(2 * rules);
    to = new Uint32Array(2 * rules);
  }
}

function isNear(old: Span, rules: Span): boolean {
  return rules.count <= old.count * MOST_GROWTH && old.count <= rules.count * MOST_GROWTH;
}
