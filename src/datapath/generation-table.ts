import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import {
  CX_BLOCK_NODES,
  CX_CGROUP_BYPASSES,
  CX_GENERATIONS,
  type CxPolicy,
  type CxRouter,
  CxSetting,
  decodeCxPolicy,
  decodeCxRouter,
} from './generated.js';
import { baseOf, GenerationSlot, type Part, type SlotContent } from './generation-slot.js';
import { waitForReaders } from './grace.js';
import type { Settings } from './settings.js';

/** One compiled policy table, in rows as the maps have them. */
export interface Generation {
  /** `struct cx_node`, four words each. */
  readonly nodes: Uint32Array;
  /** `struct cx_policy`, routers one behind the other. */
  readonly policies: Uint8Array;
  /** `struct cx_router`; index = router id. */
  readonly routers: Uint8Array;
  /** The kernel's ids of the cgroups that policies name, and their numbers. */
  readonly cgroups: readonly { readonly id: bigint; readonly number: number }[];
}

/** The maps that make up the policy table. */
export interface GenerationMaps {
  readonly blocks: BpfMap;
  readonly policies: BpfMap;
  readonly routers: BpfMap;
  readonly cgroups: BpfMap;
}

/** The two slots of the policy table. A generation is written beside the active one, read back, and made
 * active by one word. */
export class GenerationTable {
  readonly #maps: GenerationMaps;
  readonly #settings: Settings;
  /** Settles when no packet reads the spare slot any more; after a restart nobody knows, so it is waited for. */
  #spareIsFree: Promise<void> | undefined;

  readonly #slots: readonly GenerationSlot[];

  constructor(maps: GenerationMaps, settings: Settings) {
    this.#maps = maps;
    this.#settings = settings;
    this.#slots = Array.from({ length: CX_GENERATIONS }, (_, slot) => new GenerationSlot(slot, maps.cgroups));
  }

  /** Rows of one slot of cx_policies. */
  get policyCapacity(): number {
    return this.#maps.policies.maxEntries / CX_GENERATIONS;
  }

  /** Rows of one slot of cx_routers; row 0 is unused. */
  get routerCapacity(): number {
    return this.#maps.routers.maxEntries / CX_GENERATIONS;
  }

  /** Nodes of one slot of cx_blocks. */
  get nodeCapacity(): number {
    return (this.#maps.blocks.maxEntries / CX_GENERATIONS) * CX_BLOCK_NODES;
  }

  /** Cgroups that one generation may name. */
  get cgroupCapacity(): number {
    return this.#maps.cgroups.maxEntries / CX_GENERATIONS;
  }

  /** What one generation may hold. */
  get limits(): { policies: number; routers: number; nodes: number; cgroups: number } {
    return {
      policies: this.policyCapacity,
      routers: this.routerCapacity - 1,
      nodes: this.nodeCapacity,
      cgroups: this.cgroupCapacity,
    };
  }

  get activeId(): number {
    return this.#settings.get(CxSetting.GENERATION_ID);
  }

  /** The routers and policies of the active generation as the kernel has them. */
  active(): { policies: CxPolicy[]; routers: CxRouter[] } {
    const slot = this.#settings.get(CxSetting.GENERATION);
    const decode = <T>(map: BpfMap, count: number, one: (bytes: Uint8Array, offset: number) => T): T[] => {
      const bytes = map.getRange(baseOf(map, slot), count);
      return Array.from({ length: count }, (_, at) => one(bytes, at * map.valueSize));
    };
    const routers = decode(this.#maps.routers, this.routerCapacity, decodeCxRouter);
    const count = Math.max(0, ...routers.map((router) => router.firstPolicy + router.policyCount));
    return { policies: decode(this.#maps.policies, count, decodeCxPolicy), routers };
  }

  /**
   * Number that the active generation has for the first of these cgroups that it knows, 0 = for none, and whether
   * sockets that are made there bypass us.
   */
  cgroup(ids: readonly bigint[]): { readonly number: number; readonly bypasses: boolean } {
    const known = this.#slot(this.#settings.get(CxSetting.GENERATION)).cgroups();
    const id = ids.find((each) => known.has(each));
    const value = id === undefined ? 0 : (known.get(id) ?? 0);
    return { number: value & ~CX_CGROUP_BYPASSES, bypasses: (value & CX_CGROUP_BYPASSES) !== 0 };
  }

  /** Does the active slot hold exactly this? */
  async isActive(generation: Generation): Promise<boolean> {
    return this.#slot(this.#settings.get(CxSetting.GENERATION)).holds(this.#content(generation));
  }

  /**
   * Makes a generation active; packets see the old one or this one, whole.
   * @returns its running number
   * @throws DatapathError GENERATION_NOT_WRITTEN, MAP_FULL; the old one stays active
   */
  async activate(generation: Generation): Promise<number> {
    const content = this.#content(generation);
    const free = this.#spareIsFree ?? waitForReaders();
    // A wait that failed is not the answer to the next attempt too.
    this.#spareIsFree = undefined;
    await free;
    const spare = (this.#settings.get(CxSetting.GENERATION) + 1) % CX_GENERATIONS;
    const difference = await this.#slot(spare).write(content);
    if (difference !== undefined) {
      throw new DatapathError(
        'GENERATION_NOT_WRITTEN',
        `the new policy table reads back differently at ${difference}`,
        'the old policies are still active; look for another writer of the pinned maps',
      );
    }
    const id = this.activeId + 1;
    this.#settings.set(CxSetting.GENERATION, spare);
    this.#settings.set(CxSetting.GENERATION_ID, id);
    this.#spareIsFree = waitForReaders();
    // Awaited before the next write; a failure is reported there.
    this.#spareIsFree.catch(() => undefined);
    return id;
  }

  #slot(number: number): GenerationSlot {
    const slot = this.#slots[number];
    if (slot === undefined) throw new RangeError(`There is no slot ${number} of the policy table`);
    return slot;
  }

  /** What is written into a slot: whole blocks, and routers up to the slot's end, so that none is left over. */
  #content({ nodes, policies, routers, cgroups }: Generation): SlotContent {
    const maps = this.#maps;
    const part = (map: BpfMap, bytes: Uint8Array): Part => ({
      map,
      bytes,
      rows: Math.ceil(bytes.length / map.valueSize),
    });
    const blocks = part(maps.blocks, new Uint8Array(nodes.buffer, nodes.byteOffset, nodes.byteLength));
    const parts = {
      policies: part(maps.policies, policies),
      routers: part(maps.routers, routers),
      blocks,
      cgroups: { rows: cgroups.length },
    };
    for (const name of ['policies', 'routers', 'blocks', 'cgroups'] as const) {
      const capacity = maps[name].maxEntries / CX_GENERATIONS;
      if (parts[name].rows > capacity) {
        throw new DatapathError(
          'MAP_FULL',
          `${parts[name].rows} rows do not fit into the ${capacity} of one generation in cx_${name}`,
          'raise limits.policies or limits.routers in the config, then "coax down" and "coax up"',
        );
      }
    }
    const allRouters = { ...parts.routers, rows: this.routerCapacity };
    return { parts: [blocks, parts.policies, allRouters], cgroups };
  }
}
