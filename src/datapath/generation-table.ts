import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import {
  CX_BLOCK_NODES,
  CX_CGROUP_BYPASSES,
  CX_GENERATIONS,
  type CxPolicy,
  type CxPolicySet,
  type CxRouter,
  CxSetting,
  decodeCxPolicy,
  decodeCxPolicySet,
  decodeCxRouter,
} from './generated.js';
import { baseOf, GenerationSlot, type Part, type SlotContent } from './generation-slot.js';
import { waitForReaders } from './grace.js';
import type { MapName } from './map-catalogue.js';
import type { Settings } from './settings.js';

/** One compiled policy table, in rows as the maps have them. */
export interface Generation {
  /** `struct cx_node`, four words each. */
  readonly nodes: Uint32Array;
  /** `struct cx_policy`, sets one behind the other. */
  readonly policies: Uint8Array;
  /** `struct cx_policy_set`; row 0 is the empty one. */
  readonly policySets: Uint8Array;
  /** `struct cx_router`; index = router id. */
  readonly routers: Uint8Array;
  /** The kernel's ids of the cgroups that policies name, and their numbers. */
  readonly cgroups: readonly { readonly id: bigint; readonly number: number }[];
}

/** A policy of the active generation: numbers are those that counters and bindings have. */
export interface ActivePolicy extends Pick<CxPolicy, 'id' | 'fid' | 'priority' | 'action' | 'otherwise'> {
  /** Binding indices in the policy's order. */
  readonly bindings: readonly number[];
}

/** The maps that make up the policy table. */
export interface GenerationMaps {
  readonly blocks: BpfMap;
  readonly policies: BpfMap;
  readonly policySets: BpfMap;
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

  /** The routers, sets and policies of the active generation as the kernel has them. */
  active(): { policies: CxPolicy[]; policySets: CxPolicySet[]; routers: CxRouter[] } {
    const { policies, policySets, routers } = this.#maps;
    const allRouters = this.#rows(routers, 0, this.routerCapacity, decodeCxRouter);
    const sets = allRouters.reduce((most, { policySet }) => Math.max(most, policySet + 1), 0);
    const allSets = this.#rows(policySets, 0, sets, decodeCxPolicySet);
    const count = allSets.reduce(
      (most, { firstPolicy, policyCount }) => Math.max(most, firstPolicy + policyCount),
      0,
    );
    return {
      policies: this.#rows(policies, 0, count, decodeCxPolicy),
      policySets: allSets,
      routers: allRouters,
    };
  }

  /** The policies of one router of the active generation, in the order of their ranks. */
  policiesOf(routerId: number): ActivePolicy[] {
    if (routerId >= this.routerCapacity) return [];
    const { policies, policySets, routers } = this.#maps;
    const [router] = this.#rows(routers, routerId, 1, decodeCxRouter);
    if (router === undefined) return [];
    const [set] = this.#rows(policySets, router.policySet, 1, decodeCxPolicySet);
    if (set === undefined) return [];
    return this.#rows(policies, set.firstPolicy, set.policyCount, decodeCxPolicy).map((policy) => ({
      id: router.firstPolicyId + policy.id,
      fid: policy.fid,
      priority: policy.priority,
      action: policy.action,
      otherwise: policy.otherwise,
      bindings: [...policy.bindings.subarray(0, policy.bindingCount)].map(
        (position) => router.firstBinding + (set.bindings[position] ?? 0),
      ),
    }));
  }

  /** Rows of the active slot of a map. */
  #rows<T>(map: BpfMap, first: number, count: number, decode: (bytes: Uint8Array, offset: number) => T): T[] {
    if (count === 0) return [];
    const bytes = map.getRange(baseOf(map, this.#settings.get(CxSetting.GENERATION)) + first, count);
    return Array.from({ length: count }, (_, at) => decode(bytes, at * map.valueSize));
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
  #content({ nodes, policies, policySets, routers, cgroups }: Generation): SlotContent {
    const maps = this.#maps;
    const part = (map: BpfMap, bytes: Uint8Array): Part => ({
      map,
      bytes,
      rows: Math.ceil(bytes.length / map.valueSize),
    });
    const parts = {
      blocks: part(maps.blocks, new Uint8Array(nodes.buffer, nodes.byteOffset, nodes.byteLength)),
      policies: part(maps.policies, policies),
      policySets: part(maps.policySets, policySets),
      routers: part(maps.routers, routers),
    };
    refuseMore('cx_policies', parts.policies.rows, maps.policies);
    refuseMore('cx_policy_sets', parts.policySets.rows, maps.policySets);
    refuseMore('cx_routers', parts.routers.rows, maps.routers);
    refuseMore('cx_blocks', parts.blocks.rows, maps.blocks);
    refuseMore('cx_cgroups', cgroups.length, maps.cgroups);
    const allRouters = { ...parts.routers, rows: this.routerCapacity };
    return { parts: [parts.blocks, parts.policies, parts.policySets, allRouters], cgroups };
  }
}

/** @throws DatapathError MAP_FULL for more rows than a slot has */
function refuseMore(name: MapName, rows: number, map: BpfMap): void {
  const capacity = map.maxEntries / CX_GENERATIONS;
  if (rows <= capacity) return;
  throw new DatapathError(
    'MAP_FULL',
    `${rows} rows do not fit into the ${capacity} of one generation in ${name}`,
    'raise limits.policies or limits.routers in the config, then "coax down" and "coax up"',
  );
}
