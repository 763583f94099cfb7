/** A policy table over maps of its own, which are smaller than any that a datapath has. */
import { GenerationTable } from '../../../src/datapath/generation-table.js';
import { CxCgroupKeySize, CxPolicySetSize, CxPolicySize, CxRouterSize } from '../../../src/datapath/index.js';
import { Settings } from '../../../src/datapath/settings.js';
import { encodeWord } from '../../../src/datapath/word.js';
import { BpfMap } from '../../../src/libbpf-ts/index.js';

const BLOCK_BYTES = 4096;

function array(valueSize: number, maxEntries: number): BpfMap {
  return BpfMap.create({ type: 'array', keySize: 4, valueSize, maxEntries });
}

export class GenerationMaps implements Disposable {
  readonly blocks: BpfMap;
  readonly policies: BpfMap;
  readonly policySets: BpfMap;
  readonly routers: BpfMap;
  readonly cgroups = BpfMap.create({ type: 'hash', keySize: CxCgroupKeySize, valueSize: 4, maxEntries: 4 });
  readonly words = array(4, 8);
  readonly settings = new Settings(this.words);
  readonly table: GenerationTable;

  /** @param rows of each slot */
  constructor(rows: { blocks: number; policies: number; routers: number }) {
    this.blocks = array(BLOCK_BYTES, 2 * rows.blocks);
    this.policies = array(CxPolicySize, 2 * rows.policies);
    this.policySets = array(CxPolicySetSize, 2 * rows.routers);
    this.routers = array(CxRouterSize, 2 * rows.routers);
    this.table = this.open();
  }

  /** The same table as somebody sees it who opens it later. */
  open(): GenerationTable {
    return new GenerationTable(this, new Settings(this.words));
  }

  /** A row of cx_policies, counted over both slots. */
  policy(at: number): Uint8Array {
    return this.policies.get(encodeWord(at)) ?? new Uint8Array();
  }

  [Symbol.dispose](): void {
    const { blocks, policies, policySets, routers, cgroups, words } = this;
    for (const map of [blocks, policies, policySets, routers, cgroups, words]) map.close();
  }
}
