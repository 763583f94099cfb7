/**
 * Trees as rows of the datapath (`struct cx_node`): children of a node stand side by side, each begins with one
 * row there and goes on behind all rows that are already placed.
 */
import { CX_FIELDS, CX_NODE_FIELD_SHIFT, CX_NODE_STEP_SHIFT, CxNodeKind } from '../../datapath/generated.js';
import type { Box, View } from './box.js';
import type { BitsNode, CutNode, Leaf, TreeNode } from './node.js';
import { MARK_FIELD } from './rule-store.js';
import { WordList } from './word-list.js';

/** Words of one row. */
export const NODE_WORDS = 4;

/** Row 0 stands for "no node", row 1 ends a tree wherever a leaf has no row of its own for it. */
export const END_ROW = 1;
const FIRST_ROW = 2;

/** Comparisons of one rule; in columns, because millions of them are made. */
class Checks {
  count = 0;
  readonly kind = new Uint8Array(CX_FIELDS);
  readonly field = new Uint8Array(CX_FIELDS);
  readonly low = new Uint32Array(CX_FIELDS);
  readonly extent = new Uint32Array(CX_FIELDS);
  /** Part of the packets here that passes. */
  readonly #share = new Float64Array(CX_FIELDS);

  /** Puts one behind those that let fewer packets pass: the narrowest fails soonest. */
  add(kind: number, field: number, low: number, extent: number, share: number): void {
    let place = this.count++;
    for (; place > 0 && (this.#share[place - 1] as number) > share; place--) {
      this.kind[place] = this.kind[place - 1] as number;
      this.field[place] = this.field[place - 1] as number;
      this.low[place] = this.low[place - 1] as number;
      this.extent[place] = this.extent[place - 1] as number;
      this.#share[place] = this.#share[place - 1] as number;
    }
    this.kind[place] = kind;
    this.field[place] = field;
    this.low[place] = low;
    this.extent[place] = extent;
    this.#share[place] = share;
  }
}

/** The rows of a generation while it is built. */
export class Layout {
  readonly #words = new WordList(1 << 14);
  /** Of the rule at hand. */
  readonly #checks = new Checks();

  constructor() {
    this.#words.reserve(FIRST_ROW * NODE_WORDS);
  }

  get rows(): number {
    return this.#words.length / NODE_WORDS;
  }

  /** Forgets everything behind a number of rows. */
  truncate(rows: number): void {
    this.#words.length = rows * NODE_WORDS;
  }

  words(): Uint32Array<ArrayBuffer> {
    return this.#words.copy();
  }

  reserve(rows: number): number {
    return this.#words.reserve(rows * NODE_WORDS) / NODE_WORDS;
  }

  /** A row that leads to a tree unless a better policy than `best` has matched; 0 as `next` ends the chain. */
  placeTree(row: number, best: number, root: number, next: number): void {
    this.#put(row, CxNodeKind.TREE, 0, 0, best, next, root);
  }

  /**
   * Places a tree with its first row at `row`.
   * @param lists where the lists of the nodes are
   * @returns the most rows that a packet visits in it
   */
  place(view: View, node: TreeNode, row: number, box: Box, lists: WordList): number {
    switch (node.kind) {
      case 'leaf':
        return this.#leaf(view, node, row, box, lists.words);
      case 'range': {
        const { field, low, high, inside, outside } = node;
        const target = this.reserve(2);
        this.#put(row, CxNodeKind.RANGE, field, 1, low, high - low, target);
        const [first, last] = [box.low[field] as number, box.high[field] as number];
        box.low[field] = low;
        box.high[field] = high;
        const a = this.place(view, inside, target, box, lists);
        box.low[field] = low === first ? high + 1 : first;
        box.high[field] = last;
        const b = this.place(view, outside, target + 1, box, lists);
        box.low[field] = first;
        return 1 + Math.max(a, b);
      }
      case 'cut':
        return this.#cut(view, node, row, box, lists);
      case 'bits':
        return this.#bits(view, node, row, box, lists);
    }
  }

  #cut(view: View, node: CutNode, row: number, box: Box, lists: WordList): number {
    const { field, low, shift, pieces, starts, children } = node;
    const target = this.reserve(pieces + 1);
    this.#put(row, CxNodeKind.CUT, field, shift, low, pieces, target);
    const [first, last] = [box.low[field] as number, box.high[field] as number];
    const size = 2 ** shift;
    let most = 0;
    for (let child = 0; child < starts.count; child++) {
      const piece = lists.words[starts.at + child] as number;
      const next = child + 1 < starts.count ? (lists.words[starts.at + child + 1] as number) : pieces;
      box.low[field] = Math.max(first, low + piece * size);
      box.high[field] = Math.min(last, low + next * size - 1);
      most = Math.max(most, this.place(view, children[child] as TreeNode, target + piece, box, lists));
      this.#repeat(target + piece, next - piece - 1);
    }
    box.low[field] = first;
    box.high[field] = last;
    return (
      1 + Math.max(most, this.place(view, children[starts.count] as TreeNode, target + pieces, box, lists))
    );
  }

  #bits(view: View, { shift, mask, children }: BitsNode, row: number, box: Box, lists: WordList): number {
    const target = this.reserve(mask + 1);
    this.#put(row, CxNodeKind.BITS, MARK_FIELD, shift, 0, mask, target);
    const known = box.markKnown;
    box.markKnown = known | (mask << shift);
    let most = 0;
    for (let piece = 0; piece <= mask; piece++) {
      most = Math.max(most, this.place(view, children[piece] as TreeNode, target + piece, box, lists));
    }
    box.markKnown = known;
    return 1 + most;
  }

  /** The comparisons of each rule that are not settled by the way here, then its match. */
  #leaf(view: View, { kept }: Leaf, row: number, box: Box, words: Uint32Array): number {
    if (kept.count === 0) {
      this.#put(row, CxNodeKind.END, 0, 0, 0, 0, 0);
      return 1;
    }
    const start = this.rows;
    // Row 0 of the leaf stands at `row`, the others one behind the other from `start`.
    const at = (position: number): number => (position === 0 ? row : start + position - 1);
    let position = 0;
    let checks = 0;
    for (let i = 0; i < kept.count; i++) {
      const rule = words[kept.at + i] as number;
      checks = this.#compare(view, rule, box);
      const next = position + checks + 1;
      this.reserve(position === 0 ? checks : checks + 1);
      for (let check = 0; check < checks; check++) {
        const { kind, field, low, extent } = this.#checks;
        const target = at(position + check + 1);
        this.#put(
          at(position + check),
          kind[check] as number,
          field[check] as number,
          at(next) - target,
          low[check] as number,
          extent[check] as number,
          target,
        );
      }
      const asksForMark = !view.marks && view.store.markMask[rule] !== 0;
      const kind = asksForMark ? CxNodeKind.DECIDE : CxNodeKind.MATCH;
      const after = i + 1 < kept.count ? at(next) : END_ROW;
      this.#put(at(next - 1), kind, 0, 0, 0, after, view.store.rank[rule] as number);
      position = next;
    }
    // Where the last rule's comparisons lead to.
    if (checks > 0) this.reserve(1);
    return position + 1;
  }

  /** What is left to compare; answers how much. */
  #compare(view: View, rule: number, box: Box): number {
    const { store } = view;
    const checks = this.#checks;
    checks.count = 0;
    for (const field of view.fields) {
      const low = (store.low[field] as Uint32Array)[rule] as number;
      const high = (store.high[field] as Uint32Array)[rule] as number;
      const first = box.low[field] as number;
      const last = box.high[field] as number;
      if (low <= first && high >= last) continue;
      const share = (Math.min(high, last) - Math.max(low, first) + 1) / (last - first + 1);
      checks.add(CxNodeKind.RANGE, field, low, high - low, share);
    }
    if (view.marks) {
      const mask = ((store.markMask[rule] as number) & ~box.markKnown) >>> 0;
      const value = ((store.markValue[rule] as number) & mask) >>> 0;
      if (mask !== 0) checks.add(CxNodeKind.MASK, MARK_FIELD, value, mask, 2 ** -bitCount(mask));
    }
    return checks.count;
  }

  #repeat(row: number, times: number): void {
    const { words } = this.#words;
    for (let i = 1; i <= times; i++) {
      words.copyWithin((row + i) * NODE_WORDS, row * NODE_WORDS, (row + 1) * NODE_WORDS);
    }
  }

  #put(
    row: number,
    kind: number,
    field: number,
    step: number,
    low: number,
    extent: number,
    target: number,
  ): void {
    const { words } = this.#words;
    const at = row * NODE_WORDS;
    words[at] = (kind | (field << CX_NODE_FIELD_SHIFT) | (step << CX_NODE_STEP_SHIFT)) >>> 0;
    words[at + 1] = low;
    words[at + 2] = extent;
    words[at + 3] = target;
  }
}

function bitCount(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}
