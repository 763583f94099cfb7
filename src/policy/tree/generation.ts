/**
 * A whole policy table from the words of `generation-words.ts`: the pure part of compiling, which runs in the
 * worker. What it is given and what it gives are plain words and bytes.
 */
import {
  CX_DEFAULT_BINDINGS,
  CX_POLICY_BINDINGS,
  CX_WALK_STEPS,
  type CxAction,
  type CxOtherwise,
  CxPolicySize,
  CxRouterSize,
  encodeCxPolicy,
  encodeCxRouter,
} from '../../datapath/generated.js';
import type { BuildOptions } from './builder.js';
import { rulePartOf } from './expand.js';
import { Layout } from './layout.js';
import { AT_ACTION, AT_FID, AT_ID, AT_PRIORITY, POLICY_HEAD } from './policy-words.js';
import { type PolicyWords, type Roots, RouterTrees } from './router-trees.js';

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
/** Trees of small routers that are remembered to be shared. */
const MOST_SHARED = 20_000;

interface RouterWords extends PolicyWords {
  readonly routerId: number;
  /** Whether policies ask for what only the first fragment of a packet shows. */
  readonly fragments: boolean;
  readonly cgroupDepth: number;
  readonly bindings: Uint32Array;
}

/** Compiles one generation after the other; what did not change since the last one is not made again. */
export class GenerationBuilder {
  readonly #large = new Map<number, RouterTrees>();
  readonly #small = new RouterTrees();
  /** The leaves that fitted last time, and for how many policies. */
  #fitted = { attempt: 0, policies: 0 };

  build(words: Uint32Array, sizes: TableSizes): GenerationRows | Refusal {
    const routers = readRouters(words);
    const ids = new Set(routers.map(({ routerId }) => routerId));
    for (const id of this.#large.keys()) if (!ids.has(id)) this.#large.delete(id);
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
    const layout = new Layout();
    const shared = new Map<string, Roots>();
    const highest = routers.reduce((most, { routerId }) => Math.max(most, routerId), 0);
    const policyCount = routers.reduce((sum, { starts }) => sum + starts.length - 1, 0);
    const policyRows = new Uint8Array(policyCount * CxPolicySize);
    const routerRows = new Uint8Array((highest + 1) * CxRouterSize);
    let firstPolicy = 0;
    for (const router of routers) {
      const count = router.starts.length - 1;
      const roots = this.#place(router, layout, shared, options, sizes);
      if ('refused' in roots) return roots;
      writePolicyRows(router, policyRows, firstPolicy);
      encodeCxRouter(
        {
          firstPolicy,
          policyCount: count,
          knownRoot: roots.known,
          unknownRoot: roots.unknown,
          fragments: Number(router.fragments),
          cgroupDepth: router.cgroupDepth,
          bindingCount: router.bindings.length,
          bindings: padded(router.bindings, CX_DEFAULT_BINDINGS),
        },
        routerRows,
        router.routerId * CxRouterSize,
      );
      firstPolicy += count;
    }
    return { nodes: layout.words(), policies: policyRows, routers: routerRows };
  }

  #place(
    router: RouterWords,
    layout: Layout,
    shared: Map<string, Roots>,
    options: BuildOptions,
    sizes: TableSizes,
  ): Roots | Refusal {
    const { routerId } = router;
    const count = router.starts.length - 1;
    const isSmall = count <= SMALL_ROUTER;
    const key = isSmall ? keyOf(router) : undefined;
    const same = key === undefined ? undefined : shared.get(key);
    if (same !== undefined) return same;
    let trees = this.#small;
    if (isSmall) {
      trees.forget();
    } else {
      trees = this.#large.get(routerId) ?? new RouterTrees();
      this.#large.set(routerId, trees);
    }
    const tooMany = trees.update(router, sizes.nodes);
    if (tooMany !== undefined) return refuse('rules', router, tooMany.rank);
    const roots = trees.place(layout, options, sizes.nodes);
    // Which one of a router is too many cannot be said: they share what there is. The last one asked.
    if (roots === undefined) return refuse('nodes', router, count - 1);
    if (roots.steps > CX_WALK_STEPS) return refuse('steps', router, count - 1);
    if (key !== undefined && shared.size < MOST_SHARED) shared.set(key, roots);
    return roots;
  }
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

/** What the trees of a router depend on; ranks are positions, so that equal policies have equal trees. */
function keyOf({ words, starts }: RouterWords): string {
  const parts: string[] = [];
  for (let rank = 0; rank + 1 < starts.length; rank++) {
    const start = rulePartOf(words, starts[rank] as number);
    const end = starts[rank + 1] as number;
    parts.push(Buffer.from(words.buffer, words.byteOffset + start * 4, (end - start) * 4).toString('latin1'));
  }
  return parts.join('|');
}

function writePolicyRows({ words, starts }: RouterWords, rows: Uint8Array<ArrayBuffer>, first: number): void {
  for (let rank = 0; rank + 1 < starts.length; rank++) {
    const at = starts[rank] as number;
    const packed = words[at + AT_ACTION] as number;
    const count = packed >>> 16;
    const bindings = new Array<number>(CX_POLICY_BINDINGS).fill(0);
    const weights = new Uint8Array(CX_POLICY_BINDINGS);
    for (let binding = 0; binding < count; binding++) {
      bindings[binding] = words[at + POLICY_HEAD + 2 * binding] as number;
      weights[binding] = words[at + POLICY_HEAD + 2 * binding + 1] as number;
    }
    encodeCxPolicy(
      {
        id: words[at + AT_ID] as number,
        fid: words[at + AT_FID] as number,
        priority: words[at + AT_PRIORITY] as number,
        action: (packed & 0xff) as CxAction,
        otherwise: ((packed >>> 8) & 0xff) as CxOtherwise,
        bindingCount: count,
        weights,
        bindings,
      },
      rows,
      (first + rank) * CxPolicySize,
    );
  }
}

function padded(list: Uint32Array, length: number): number[] {
  const row = new Array<number>(length).fill(0);
  for (const [position, each] of list.entries()) row[position] = each;
  return row;
}
