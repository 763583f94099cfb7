/**
 * Trees as rows of the datapath (`struct cx_node`): children of a node stand side by side, each begins with one
 * row there and goes on behind all rows that are already placed.
 */
import { CX_FIELDS, CX_NODE_FIELD_SHIFT, CX_NODE_STEP_SHIFT, CxNodeKind } from '../../datapath/generated.js';
import type { Box, View } from './box.js';
import type { BitsNode, CutNode, Leaf, RangeNode, TreeNode } from './node.js';
import { MARK_FIELD } from './rule-store.js';
import { WordList } from './word-list.js';

/** Words of one row. */
export const NODE_WORDS = 4;

/** Row 0 stands for "no node", row 1 ends a tree wherever a leaf has no row of its own for it. */
const END_ROW = 1;
export const FIRST_ROW = 2;

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

/**
 * The rows of one router's trees. What stays of a tree keeps its rows; those of what went are used again. The
 * target of a match is the number of its rule here, because ranks move with every policy that comes or goes.
 */
export class Layout {
  readonly #words = new WordList(1 << 10);
  /** Rows that nothing uses: where they start, by how many follow each other. */
  readonly #free = new Map<number, number[]>();
  #freeRows = 0;
  /** Of the rule at hand. */
  readonly #checks = new Checks();

  constructor() {
    this.clear();
  }

  /** Rows, the two that every table begins with and those that are free among them. */
  get rows(): number {
    return this.#words.length / NODE_WORDS;
  }

  get hasFree(): boolean {
    return this.#freeRows > 0;
  }

  /** Whether so much is free that all should be placed anew. */
  get isSparse(): boolean {
    return this.#freeRows > this.rows / 3 + 1024;
  }

  clear(): void {
    this.#words.length = 0;
    this.#free.clear();
    this.#freeRows = 0;
    this.#words.reserve(FIRST_ROW * NODE_WORDS);
  }

  reserve(rows: number): number {
    const at = this.#free.get(rows)?.pop();
    if (at === undefined) return this.#words.reserve(rows * NODE_WORDS) / NODE_WORDS;
    this.#freeRows -= rows;
    this.#words.words.fill(0, at * NODE_WORDS, (at + rows) * NODE_WORDS);
    return at;
  }

  /** Rows that may be given to others. */
  release(at: number, rows: number): void {
    if (rows === 0) return;
    const list = this.#free.get(rows);
    if (list === undefined) this.#free.set(rows, [at]);
    else list.push(at);
    this.#freeRows += rows;
  }

  /** A row that leads to a tree unless a better policy than `best` has matched; 0 as `next` ends the chain. */
  placeTree(row: number, best: number, root: number, next: number): void {
    this.#put(row, CxNodeKind.TREE, 0, 0, best, next, root);
  }

  /**
   * The rows behind the two that every table begins with, as they are in a table where they start at `base`.
   * @param rank of each rule
   */
  write(into: Uint32Array, base: number, rank: Uint32Array): void {
    const rows = this.#words.words.subarray(FIRST_ROW * NODE_WORDS, this.#words.length);
    moveRows(rows, into, FIRST_ROW, base, rank);
  }

  /**
   * Places a tree with its first row at `row`; what is placed already only gets that row.
   * @param lists where the lists of the nodes are
   * @returns the most rows that a packet visits in it
   */
  place(view: View, node: TreeNode, row: number, box: Box, lists: WordList): number {
    if (node.steps > 0) this.#repeat(node.row, row, 1);
    else node.steps = this.#placeNew(view, node, row, box, lists);
    node.row = row;
    return node.steps;
  }

  #placeNew(view: View, node: TreeNode, row: number, box: Box, lists: WordList): number {
    switch (node.kind) {
      case 'leaf':
        return this.#leaf(view, node, row, box, lists.words);
      case 'range':
        return this.#range(view, node, row, box, lists);
      case 'cut':
        return this.#cut(view, node, row, box, lists);
      case 'bits':
        return this.#bits(view, node, row, box, lists);
    }
  }

  #own(node: TreeNode, rows: number): number {
    node.at = this.reserve(rows);
    node.size = rows;
    return node.at;
  }

  #range(view: View, node: RangeNode, row: number, box: Box, lists: WordList): number {
    const { field, low, high, inside, outside } = node;
    const target = this.#own(node, 2);
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

  #cut(view: View, node: CutNode, row: number, box: Box, lists: WordList): number {
    const { field, low, shift, pieces, starts, children } = node;
    const target = this.#own(node, pieces + 1);
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
      this.#repeat(target + piece, target + piece + 1, next - piece - 1);
    }
    box.low[field] = first;
    box.high[field] = last;
    return (
      1 + Math.max(most, this.place(view, children[starts.count] as TreeNode, target + pieces, box, lists))
    );
  }

  #bits(view: View, node: BitsNode, row: number, box: Box, lists: WordList): number {
    const { shift, mask, children } = node;
    const target = this.#own(node, mask + 1);
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
  #leaf(view: View, node: Leaf, row: number, box: Box, words: Uint32Array): number {
    const { kept } = node;
    if (kept.count === 0) {
      this.#put(row, CxNodeKind.END, 0, 0, 0, 0, 0);
      return 1;
    }
    let size = -1;
    let checks = 0;
    for (let i = 0; i < kept.count; i++) {
      checks = this.#compare(view, words[kept.at + i] as number, box, false);
      size += checks + 1;
    }
    // One more where the last rule's comparisons lead to.
    const start = this.#own(node, checks > 0 ? size + 1 : size);
    // Row 0 of the leaf stands at `row`, the others one behind the other from `start`.
    const at = (position: number): number => (position === 0 ? row : start + position - 1);
    let position = 0;
    for (let i = 0; i < kept.count; i++) {
      const rule = words[kept.at + i] as number;
      checks = this.#compare(view, rule, box, true);
      const next = position + checks + 1;
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
      this.#put(at(next - 1), kind, 0, 0, 0, after, rule);
      position = next;
    }
    return position + 1;
  }

  /** What is left to compare; answers how much. @param note whether it is to be in `#checks` then */
  #compare(view: View, rule: number, box: Box, note: boolean): number {
    const { store } = view;
    const checks = this.#checks;
    checks.count = 0;
    let count = 0;
    for (const field of view.fields) {
      const low = (store.low[field] as Uint32Array)[rule] as number;
      const high = (store.high[field] as Uint32Array)[rule] as number;
      const first = box.low[field] as number;
      const last = box.high[field] as number;
      if (low <= first && high >= last) continue;
      count++;
      if (!note) continue;
      const share = (Math.min(high, last) - Math.max(low, first) + 1) / (last - first + 1);
      checks.add(CxNodeKind.RANGE, field, low, high - low, share);
    }
    if (view.marks) {
      const mask = ((store.markMask[rule] as number) & ~box.markKnown) >>> 0;
      const value = ((store.markValue[rule] as number) & mask) >>> 0;
      if (mask !== 0) {
        count++;
        if (note) checks.add(CxNodeKind.MASK, MARK_FIELD, value, mask, 2 ** -bitCount(mask));
      }
    }
    return count;
  }

  /** Copies a row to `times` others from `to`. */
  #repeat(row: number, to: number, times: number): void {
    const { words } = this.#words;
    for (let i = 0; i < times; i++) {
      words.copyWithin((to + i) * NODE_WORDS, row * NODE_WORDS, (row + 1) * NODE_WORDS);
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

/**
 * Copies rows that stood from row `from` on to `base`: what they lead to moves with them.
 * @param rank of each rule, where matches name rules; without, they name ranks already
 */
export function moveRows(
  rows: Uint32Array,
  into: Uint32Array,
  from: number,
  base: number,
  rank?: Uint32Array,
): void {
  const shift = base - from;
  let to = base * NODE_WORDS;
  for (let at = 0; at < rows.length; at += NODE_WORDS, to += NODE_WORDS) {
    const operation = rows[at] as number;
    let extent = rows[at + 2] as number;
    let target = rows[at + 3] as number;
    switch (operation & 7) {
      case CxNodeKind.MATCH:
      case CxNodeKind.DECIDE:
        if (extent !== END_ROW) extent += shift;
        if (rank !== undefined) target = rank[target] as number;
        break;
      case CxNodeKind.TREE:
        if (extent !== 0) extent += shift;
        target += shift;
        break;
      case CxNodeKind.END:
        break;
      default:
        target += shift;
    }
    into[to] = operation;
    into[to + 1] = rows[at + 1] as number;
    into[to + 2] = extent;
    into[to + 3] = target;
  }
}

function bitCount(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left &= left - 1) count++;
  return count;
}
