import { setImmediate } from 'node:timers/promises';
import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import {
  CX_BLOCK_NODES,
  CX_GENERATIONS,
  type CxPolicy,
  type CxRouter,
  CxSetting,
  decodeCxCgroupKey,
  decodeCxPolicy,
  decodeCxRouter,
  encodeCxCgroupKey,
} from './generated.js';
import { waitForReaders } from './grace.js';
import type { Settings } from './settings.js';
import { decodeWord, encodeWord } from './word.js';

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

/** Rows that stand at the beginning of a slot of one of the arrays. */
interface Part {
  readonly map: BpfMap;
  readonly bytes: Uint8Array;
}

/** Bytes that are written or read without letting others run: about a millisecond. */
const BYTES_AT_ONCE = 1 << 19;

/** The two slots of the policy table. A generation is written beside the active one, read back, and made
 * active by one word. */
export class GenerationTable {
  readonly #maps: GenerationMaps;
  readonly #settings: Settings;
  /** Settles when no packet reads the spare slot any more; after a restart nobody knows, so it is waited for. */
  #spareIsFree: Promise<void> | undefined;

  constructor(maps: GenerationMaps, settings: Settings) {
    this.#maps = maps;
    this.#settings = settings;
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
      const bytes = map.getRange((slot * map.maxEntries) / CX_GENERATIONS, count);
      return Array.from({ length: count }, (_, at) => one(bytes, at * map.valueSize));
    };
    const routers = decode(this.#maps.routers, this.routerCapacity, decodeCxRouter);
    const count = Math.max(0, ...routers.map((router) => router.firstPolicy + router.policyCount));
    return { policies: decode(this.#maps.policies, count, decodeCxPolicy), routers };
  }

  /** Number that the active generation has for the first of these cgroups that it knows, 0 = for none. */
  cgroupNumber(ids: readonly bigint[]): number {
    const known = this.#cgroups(this.#settings.get(CxSetting.GENERATION));
    const id = ids.find((each) => known.has(each));
    return id === undefined ? 0 : (known.get(id) ?? 0);
  }

  /** Does the active slot hold exactly this? */
  async isActive(generation: Generation): Promise<boolean> {
    return (await this.#differsAt(this.#settings.get(CxSetting.GENERATION), generation)) === undefined;
  }

  /**
   * Makes a generation active; packets see the old one or this one, whole.
   * @returns its running number
   * @throws DatapathError GENERATION_NOT_WRITTEN, MAP_FULL; the old one stays active
   */
  async activate(generation: Generation): Promise<number> {
    const parts = this.#parts(generation);
    const free = this.#spareIsFree ?? waitForReaders();
    // A wait that failed is not the answer to the next attempt too.
    this.#spareIsFree = undefined;
    await free;
    const spare = (this.#settings.get(CxSetting.GENERATION) + 1) % CX_GENERATIONS;
    for (const { map, bytes } of parts) {
      for (const [first, piece] of pieces(map, spare, bytes)) {
        map.setRange(first, piece);
        await setImmediate();
      }
    }
    this.#writeCgroups(spare, generation);
    const difference = await this.#differsAt(spare, generation);
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

  /** What is written into a slot: whole blocks, and routers up to the slot's end, so that none is left over. */
  #parts({ nodes, policies, routers, cgroups }: Generation): Part[] {
    const maps = this.#maps;
    const nodeBytes = new Uint8Array(nodes.buffer, nodes.byteOffset, nodes.byteLength);
    const blocks = padded(
      nodeBytes,
      Math.ceil(nodeBytes.length / maps.blocks.valueSize) * maps.blocks.valueSize,
    );
    const counts = {
      blocks: blocks.length / maps.blocks.valueSize,
      policies: policies.length / maps.policies.valueSize,
      routers: routers.length / maps.routers.valueSize,
      cgroups: cgroups.length,
    };
    for (const name of ['policies', 'routers', 'blocks', 'cgroups'] as const) {
      const capacity = maps[name].maxEntries / CX_GENERATIONS;
      if (counts[name] > capacity) {
        throw new DatapathError(
          'MAP_FULL',
          `${counts[name]} rows do not fit into the ${capacity} of one generation in cx_${name}`,
          'raise limits.policies or limits.routers in the config, then "coax down" and "coax up"',
        );
      }
    }
    return [
      { map: maps.blocks, bytes: blocks },
      { map: maps.policies, bytes: policies },
      { map: maps.routers, bytes: padded(routers, this.routerCapacity * maps.routers.valueSize) },
    ];
  }

  #writeCgroups(slot: number, { cgroups }: Generation): void {
    const map = this.#maps.cgroups;
    const rows = cgroups.map(
      ({ id, number }) => [encodeCxCgroupKey({ id, slot }), encodeWord(number)] as const,
    );
    const wanted = new Set(cgroups.map(({ id }) => id));
    map.deleteBatch(
      [...this.#cgroups(slot)]
        .filter(([id]) => !wanted.has(id))
        .map(([id]) => encodeCxCgroupKey({ id, slot })),
    );
    map.setBatch(rows);
  }

  #cgroups(slot: number): Map<bigint, number> {
    const found = new Map<bigint, number>();
    for (const [key, value] of this.#maps.cgroups.readAll()) {
      const decoded = decodeCxCgroupKey(key);
      if (decoded.slot === slot) found.set(decoded.id, decodeWord(value));
    }
    return found;
  }

  async #differsAt(slot: number, generation: Generation): Promise<string | undefined> {
    for (const { map, bytes } of this.#parts(generation)) {
      for (const [first, piece] of pieces(map, slot, bytes)) {
        const found = map.getRange(first, piece.length / map.valueSize);
        if (Buffer.compare(found, piece) !== 0) {
          const at = found.findIndex((byte, position) => byte !== piece[position]);
          return `${map.name}[${first + Math.floor(at / map.valueSize)}]`;
        }
        await setImmediate();
      }
    }
    const found = this.#cgroups(slot);
    const differs =
      found.size !== generation.cgroups.length ||
      generation.cgroups.some(({ id, number }) => found.get(id) !== number);
    return differs ? this.#maps.cgroups.name : undefined;
  }
}

/** Rows of a slot in pieces: index of the first one and the bytes. */
function* pieces(map: BpfMap, slot: number, bytes: Uint8Array): Generator<[number, Uint8Array]> {
  const size = map.valueSize;
  const base = (slot * map.maxEntries) / CX_GENERATIONS;
  const rows = Math.max(1, Math.floor(BYTES_AT_ONCE / Math.max(size, 64)));
  for (let at = 0; at < bytes.length; at += rows * size) {
    yield [base + at / size, bytes.subarray(at, at + rows * size)];
  }
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (length <= bytes.length) return bytes;
  const all = new Uint8Array(length);
  all.set(bytes);
  return all;
}
