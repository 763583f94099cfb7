/**
 * A whole policy table from the words of `generation-words.ts`: the pure part of compiling, which runs in the
 * worker. What it is given and what it gives are plain words and bytes.
 */
import { CX_WALK_STEPS, CxRouterSize, encodeCxRouter } from '../../datapath/generated.js';
import type { BuildOptions } from './builder.js';
import { FIRST_ROW, NODE_WORDS } from './layout.js';
import { PolicySets, type SetWords } from './policy-sets.js';
import { AT_FID } from './policy-words.js';
import { type Roots, RouterTrees } from './router-trees.js';
import { SharedTrees } from './shared-trees.js';

/** Rows of the datapath's tables that one generation may fill. */
export interface TableSizes {
  /** Rows of cx_blocks times the nodes of each. */
  readonly nodes: number;
}

/** The rows of a policy table, in the byte order of this machine. */
export interface GenerationRows {
  /** `struct cx_node`, four words each. */
  readonly nodes: Uint32Array<ArrayBuffer>;
  /** `struct cx_policy`. */
  readonly policies: Uint8Array<ArrayBuffer>;
  /** `struct cx_policy_set`. */
  readonly policySets: Uint8Array<ArrayBuffer>;
  /** `struct cx_router`; index = router id. */
  readonly routers: Uint8Array<ArrayBuffer>;
}

/** Why there is no table: what did not fit, and the policy at which that was seen. */
export interface Refusal {
  readonly refused: 'rules' | 'nodes' | 'steps';
  readonly routerId: number;
  readonly fid: number;
}

/** From small leaves to large ones: larger leaves hold fewer copies. */
const ATTEMPTS: readonly BuildOptions[] = [
  { leafRules: 4, copyCost: 0.4 },
  { leafRules: 4, copyCost: 0.8 },
  { leafRules: 8, copyCost: 1.5 },
  { leafRules: 16, copyCost: 3 },
  { leafRules: 32, copyCost: 6 },
  { leafRules: 64, copyCost: 20 },
  { leafRules: Number.POSITIVE_INFINITY, copyCost: 20 },
];
/** More policies than these begin with the second attempt: the first one's copies would cost more in misses of
 * the cache, and in time to compile, than they save. */
const MANY_POLICIES = 3000;
/** When a packet would visit too many nodes: whatever it takes. */
const FINEST: BuildOptions = { leafRules: 4, copyCost: 0.2 };

/** A table of so much fewer policies is tried with small leaves again. */
const MUCH_SMALLER = 0.8;

/** Routers with fewer policies keep nothing for the next time, and share their trees with equals. */
const SMALL_ROUTER = 32;

interface RouterWords extends SetWords {
  readonly routerId: number;
}

/** Compiles one generation after the other; what did not change since the last one is not made again. */
export class GenerationBuilder {
  readonly #large = new Map<number, RouterTrees>();
  readonly #small = new SharedTrees();
  /** The leaves that fitted last time, and for how many policies. */
  #fitted = { attempt: 0, policies: 0 };

  build(words: Uint32Array, sizes: TableSizes): GenerationRows | Refusal {
    const routers = readRouters(words);
    const large = new Set(routers.filter(isLarge).map(({ routerId }) => routerId));
    for (const id of this.#large.keys()) if (!large.has(id)) this.#large.delete(id);
    const policies = routers.reduce((sum, { starts }) => sum + starts.length - 1, 0);
    // The next table is likely to be as large.
    const usual = policies > MANY_POLICIES ? 1 : 0;
    const first =
      policies < MUCH_SMALLER * this.#fitted.policies ? usual : Math.max(usual, this.#fitted.attempt);
    let refusal: Refusal | undefined;
    for (let attempt = first; attempt < ATTEMPTS.length; attempt++) {
      const result = this.#buildWith(routers, sizes, ATTEMPTS[attempt] as BuildOptions);
      if (!('refused' in result)) {
        if (attempt !== this.#fitted.attempt || first === usual) this.#fitted = { attempt, policies };
        return result;
      }
      refusal = result;
      if (result.refused === 'rules') break;
      if (result.refused === 'steps') {
        const finest = this.#buildWith(routers, sizes, FINEST);
        if (!('refused' in finest)) return finest;
        break;
      }
    }
    return refusal as Refusal;
  }

  #buildWith(
    routers: readonly RouterWords[],
    sizes: TableSizes,
    options: BuildOptions,
  ): GenerationRows | Refusal {
    this.#small.begin(options);
    const highest = routers.reduce((most, { routerId }) => Math.max(most, routerId), 0);
    const sets = new PolicySets();
    const routerRows = new Uint8Array((highest + 1) * CxRouterSize);
    const table: Table = { rows: FIRST_ROW, sizes, options, placed: [] };
    for (const router of routers) {
      const roots = this.#place(router, table);
      if ('refused' in roots) return roots;
      encodeCxRouter(sets.add(router, roots), routerRows, router.routerId * CxRouterSize);
    }
    const nodes = new Uint32Array(table.rows * NODE_WORDS);
    this.#small.write(nodes);
    for (const { trees, base } of table.placed) trees.write(nodes, base);
    return { nodes, policies: sets.policies, policySets: sets.sets, routers: routerRows };
  }

  /** Makes a place in the table for the trees of a router, unless others have the same. */
  #place(router: RouterWords, table: Table): Roots | Refusal {
    const { sizes, options } = table;
    const count = router.starts.length - 1;
    const left = sizes.nodes - table.rows;
    let base = table.rows;
    let roots: Roots | undefined;
    if (!isLarge(router)) {
      const shared = this.#small.of(router, sizes.nodes, left);
      if (shared !== undefined && 'rank' in shared) return refuse('rules', router, shared.rank);
      roots = shared?.roots;
      if (shared !== undefined && shared.base === 0) {
        shared.base = base;
        table.rows += shared.rows.length / NODE_WORDS;
      }
      base = shared?.base ?? base;
    } else {
      const trees = this.#large.get(router.routerId) ?? new RouterTrees();
      this.#large.set(router.routerId, trees);
      const tooMany = trees.update(router, sizes.nodes);
      if (tooMany !== undefined) return refuse('rules', router, tooMany.rank);
      roots = trees.place(options, left);
      if (roots !== undefined) {
        table.placed.push({ trees, base });
        table.rows += trees.rows;
      }
    }
    // Which one of a router is too many cannot be said: they share what there is. The last one asked.
    if (roots === undefined || table.rows > sizes.nodes) return refuse('nodes', router, count - 1);
    if (roots.steps > CX_WALK_STEPS) return refuse('steps', router, count - 1);
    const at = (root: number): number => (root === 0 ? 0 : root - FIRST_ROW + base);
    return { known: at(roots.known), unknown: at(roots.unknown), steps: roots.steps };
  }
}

/** A table while it is made. */
interface Table {
  /** Rows of its trees so far. */
  rows: number;
  readonly sizes: TableSizes;
  readonly options: BuildOptions;
  /** Trees that are not shared, and where they start. */
  readonly placed: { readonly trees: RouterTrees; readonly base: number }[];
}

function isLarge({ starts }: RouterWords): boolean {
  return starts.length - 1 > SMALL_ROUTER;
}

function refuse(
  refused: Refusal['refused'],
  { routerId, words, starts }: RouterWords,
  rank: number,
): Refusal {
  return { refused, routerId, fid: words[(starts[rank] as number) + AT_FID] as number };
}

function readRouters(words: Uint32Array): RouterWords[] {
  const routers: RouterWords[] = [];
  for (let at = 0; at < words.length; ) {
    const routerId = words[at++] as number;
    const fragments = words[at++] === 1;
    const cgroupDepth = words[at++] as number;
    const bindingCount = words[at++] as number;
    const bindings = words.subarray(at, at + bindingCount);
    at += bindingCount;
    const policyCount = words[at++] as number;
    const starts = new Uint32Array(policyCount + 1);
    for (let rank = 0; rank < policyCount; rank++) {
      starts[rank] = at;
      at += words[at] as number;
    }
    starts[policyCount] = at;
    routers.push({ routerId, fragments, cgroupDepth, bindings, words, starts });
  }
  return routers;
}
