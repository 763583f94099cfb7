/** Trees of small routers: those whose policies ask the same share one, also with the generation before. */
import type { BuildOptions } from './builder.js';
import { rulePartOf } from './expand.js';
import { FIRST_ROW, moveRows, NODE_WORDS } from './layout.js';
import { type Roots, RouterTrees, type TooManyRules } from './router-trees.js';
import type { PolicyWords } from './same-policies.js';
import { hash, isEqual } from './word-list.js';

/** A tree for all routers whose policies are these. */
export interface SharedTree {
  /** What the policies ask, one behind the other. */
  readonly asked: Uint32Array;
  /** The rows as they are from FIRST_ROW on. */
  readonly rows: Uint32Array;
  readonly roots: Roots;
  /** Where the rows stand in the generation at hand, 0 = nowhere yet. */
  base: number;
}

export class SharedTrees {
  /** By what is asked, as a number; those of the last generation and of the one that is made. */
  #before = new Map<number, SharedTree[]>();
  #now = new Map<number, SharedTree[]>();
  #options: BuildOptions | undefined;
  readonly #maker = new RouterTrees();
  #asked = new Uint32Array(256);

  /** Begins a generation: only trees of the last one are known. */
  begin(options: BuildOptions): void {
    this.#before = this.#options === options ? this.#now : new Map();
    this.#now = new Map();
    this.#options = options;
    for (const trees of this.#before.values()) for (const tree of trees) tree.base = 0;
  }

  /**
   * The tree of a router.
   * @param mostRules that a policy may have
   * @param mostRows that the tree may have
   * @returns undefined when it has more
   */
  of(policies: PolicyWords, mostRules: number, mostRows: number): SharedTree | TooManyRules | undefined {
    const options = this.#options as BuildOptions;
    const asked = this.#read(policies);
    const key = hash(asked);
    const known = find(this.#now.get(key), asked);
    if (known !== undefined) return known;
    const kept = find(this.#before.get(key), asked);
    if (kept !== undefined) return this.#remember(key, kept);
    this.#maker.forget();
    const tooMany = this.#maker.update(policies, mostRules);
    if (tooMany !== undefined) return tooMany;
    const roots = this.#maker.place(options, mostRows);
    if (roots === undefined) return undefined;
    const rows = new Uint32Array((FIRST_ROW + this.#maker.rows) * NODE_WORDS);
    this.#maker.write(rows, FIRST_ROW);
    return this.#remember(key, {
      asked: asked.slice(),
      rows: rows.subarray(FIRST_ROW * NODE_WORDS),
      roots,
      base: 0,
    });
  }

  /** Writes the trees that stand somewhere. */
  write(into: Uint32Array): void {
    for (const trees of this.#now.values()) {
      for (const { rows, base } of trees) if (base !== 0) moveRows(rows, into, FIRST_ROW, base);
    }
  }

  #remember(key: number, tree: SharedTree): SharedTree {
    const others = this.#now.get(key);
    if (others === undefined) this.#now.set(key, [tree]);
    else others.push(tree);
    return tree;
  }

  /** What the trees of a router depend on; ranks are positions, so that equal policies have equal trees. */
  #read({ words, starts }: PolicyWords): Uint32Array {
    const most = (starts.at(-1) ?? 0) - (starts[0] ?? 0);
    if (this.#asked.length < most) this.#asked = new Uint32Array(2 * most);
    const asked = this.#asked;
    let count = 0;
    for (let rank = 0; rank + 1 < starts.length; rank++) {
      const end = starts[rank + 1] as number;
      let at = rulePartOf(words, starts[rank] as number);
      // How long each is, so that one policy is not taken for two.
      asked[count++] = end - at;
      for (; at < end; at++) asked[count++] = words[at] as number;
    }
    return asked.subarray(0, count);
  }
}

function find(trees: readonly SharedTree[] | undefined, asked: Uint32Array): SharedTree | undefined {
  return trees?.find((tree) => isEqual(tree.asked, asked));
}
