/** What a run has tried, so that a generator that has stopped making something is seen. */
import {
  CX_BLOCK_NODES,
  CX_GENERATIONS,
  CX_NODE_FIELD_SHIFT,
  CxNodeKind,
  CxSetting,
} from '../../../../src/datapath/index.js';
import { encodeWord } from '../../../../src/datapath/word.js';
import type { TestDatapath } from '../test-datapath.js';
import type { Foreseen } from './answer.js';
import type { OracleCase } from './oracle-case.js';
import type { PacketRecipe } from './packet-recipe.js';

const NODE_BYTES = 16;
const KIND_MASK = (1 << CX_NODE_FIELD_SHIFT) - 1;

/** Whether more than one tree begins at a root of the active generation. */
function isChain(datapath: TestDatapath, root: number): boolean {
  if (root === 0) return false;
  const blocks = datapath.object.maps.get('cx_blocks');
  const first = (datapath.settings.get(CxSetting.GENERATION) * blocks.maxEntries) / CX_GENERATIONS;
  const block = blocks.get(encodeWord(first + Math.floor(root / CX_BLOCK_NODES)));
  if (block === undefined) throw new Error('the active generation has no node at its root');
  const node = Buffer.from(block).readUInt32LE((root % CX_BLOCK_NODES) * NODE_BYTES);
  return (node & KIND_MASK) === CxNodeKind.TREE;
}

export class Coverage {
  readonly #counts = new Map<string, number>();

  #add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** How often something was tried. */
  count(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Everything that was tried and how often, by name. */
  entries(): [what: string, count: number][] {
    return [...this.#counts].sort(([a], [b]) => a.localeCompare(b));
  }

  readonly observe = (packet: PacketRecipe, { decision, ending, counted, firstIsKnown }: Foreseen): void => {
    const { hook, headers, cut } = packet;
    this.#add(`${hook} ${ending}`);
    if (decision) this.#add(`decision ${decision.kind}${counted ? '' : ' by no policy'}`);
    for (const { kind } of headers) this.#add(`header ${kind}`);
    const last = headers.at(-1);
    if (last?.kind === 'fragment' && last.offset > 0) {
      this.#add(`later fragment${firstIsKnown ? ' of a first one' : ''}`);
    }
    if (cut) this.#add(cut.told ? 'cut and told' : 'cut');
  };

  /** Call it while the set is the active one of the datapath. */
  addSet({ role, routers }: OracleCase, datapath: TestDatapath): void {
    this.#add(`set ${role}`);
    const roots = datapath.generations.active().policySets.map(({ knownRoot }) => knownRoot);
    for (const { routerId, policies, usable, bindings } of routers) {
      this.#add(isChain(datapath, roots[routerId] ?? 0) ? 'several trees' : 'one tree or none');
      if (usable.length === 0) this.#add('router without a usable binding');
      if (bindings.length === usable.length) this.#add('router with all bindings usable');
      for (const { selector, action, otherwise } of policies) {
        this.#add(`action ${action.kind} otherwise ${otherwise}`);
        for (const [field, asked] of Object.entries(selector)) {
          if (asked === undefined) continue;
          this.#add(`selector ${field}`);
          if (Array.isArray(asked) && asked.length > 1) this.#add(`list of ${field}`);
          if (asked.set !== undefined) this.#add(`named set of ${field}`);
        }
      }
    }
  }
}
