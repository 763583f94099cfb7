/** The decision tree in memory; `layout.ts` makes rows of it. */
import { WordList } from './word-list.js';

/** A list in the words of a tree: many small arrays would cost more than what they hold. */
export interface Span {
  /** Changes when the lists are put together anew. */
  at: number;
  readonly count: number;
}

/** Where a node stands in the rows of its router (`layout.ts`). */
export interface Place {
  /** Its first row, which belongs to the node above. */
  row: number;
  /** Rows of its own: where they start, and how many. */
  at: number;
  size: number;
  /** Most rows that a packet visits from here; 0 = not placed. */
  steps: number;
}

/** Every node keeps the rules it was made for, in the order of their rank: the same rules in the same box need
 * not be looked at again. */
interface Made extends Place {
  readonly rules: Span;
}

/** Rules to compare one after the other; those that others hide are not among `kept`. */
export interface Leaf extends Made {
  readonly kind: 'leaf';
  readonly kept: Span;
}

/** Inside `low..high` of a field, or not. */
export interface RangeNode extends Made {
  readonly kind: 'range';
  readonly field: number;
  readonly low: number;
  readonly high: number;
  /** `outside` is behind a split at `low` = the box's lowest a box, else all of the box. */
  readonly inside: TreeNode;
  readonly outside: TreeNode;
}

/** Pieces of 2^shift values from `low`; the last of `children` is for what is in none of them. */
export interface CutNode extends Made {
  readonly kind: 'cut';
  readonly field: number;
  readonly low: number;
  readonly shift: number;
  /** First piece of each child but the last; neighbours with equal rules are one child. */
  readonly starts: Span;
  /** Number of pieces. */
  readonly pieces: number;
  readonly children: readonly TreeNode[];
}

/** By some bits of the mark: child `mark >> shift & mask`. */
export interface BitsNode extends Made {
  readonly kind: 'bits';
  readonly shift: number;
  readonly mask: number;
  readonly children: readonly TreeNode[];
}

export type TreeNode = Leaf | RangeNode | CutNode | BitsNode;

/** The nodes right below one. */
export function childrenOf(node: TreeNode): readonly TreeNode[] {
  switch (node.kind) {
    case 'leaf':
      return [];
    case 'range':
      return [node.inside, node.outside];
    case 'cut':
    case 'bits':
      return node.children;
  }
}

/** How a node divides its rules. */
export type Decision =
  | Pick<RangeNode, 'kind' | 'field' | 'low' | 'high'>
  | Pick<CutNode, 'kind' | 'field' | 'low' | 'shift' | 'pieces'>
  | Pick<BitsNode, 'kind' | 'shift' | 'mask'>;

/** Copies the lists of trees to where only they are. @returns what they have moved to */
export function compactLists(trees: Iterable<TreeNode>, from: WordList): WordList {
  const to = new WordList(from.length);
  const moved = new Set<Span>();
  const move = (span: Span): void => {
    if (moved.has(span)) return;
    moved.add(span);
    const at = to.reserve(span.count);
    to.words.set(from.words.subarray(span.at, span.at + span.count), at);
    span.at = at;
  };
  const visit = (node: TreeNode): void => {
    move(node.rules);
    if (node.kind === 'leaf') move(node.kept);
    if (node.kind === 'cut') move(node.starts);
    for (const child of childrenOf(node)) visit(child);
  };
  for (const tree of trees) visit(tree);
  return to;
}
