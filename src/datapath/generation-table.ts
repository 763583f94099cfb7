import type { BpfMap } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import {
  CX_GENERATIONS,
  type CxPolicy,
  type CxRouter,
  CxSetting,
  decodeCxPolicy,
  decodeCxRouter,
  encodeCxPolicy,
  encodeCxRouter,
} from './generated.js';
import { waitForReaders } from './grace.js';
import type { Settings } from './settings.js';
import { encodeWord } from './word.js';

/** One compiled policy table: policies in slot order, routers by id. */
export interface Generation {
  policies: readonly CxPolicy[];
  routers: readonly CxRouter[];
}

/** The two slots of the policy table. A generation is written beside the active one, read back, and made
 * active by one word. */
export class GenerationTable {
  readonly #policies: BpfMap;
  readonly #routers: BpfMap;
  readonly #settings: Settings;
  /** Settles when no packet reads the spare slot any more; after a restart nobody knows, so it is waited for. */
  #spareIsFree: Promise<void> | undefined;

  constructor(policies: BpfMap, routers: BpfMap, settings: Settings) {
    this.#policies = policies;
    this.#routers = routers;
    this.#settings = settings;
  }

  /** Rows of one slot of cx_policies. */
  get policyCapacity(): number {
    return this.#policies.maxEntries / CX_GENERATIONS;
  }

  /** Rows of one slot of cx_routers; row 0 is unused. */
  get routerCapacity(): number {
    return this.#routers.maxEntries / CX_GENERATIONS;
  }

  get activeId(): number {
    return this.#settings.get(CxSetting.GENERATION_ID);
  }

  /** The active generation as the kernel has it. */
  active(): Generation {
    const slot = this.#settings.get(CxSetting.GENERATION);
    const routers: CxRouter[] = [];
    for (let id = 0; id < this.routerCapacity; id++) {
      const bytes = this.#routers.get(encodeWord(slot * this.routerCapacity + id));
      if (bytes) {
        routers.push(decodeCxRouter(bytes));
      }
    }
    const count = Math.max(0, ...routers.map((router) => router.firstPolicy + router.policyCount));
    const policies: CxPolicy[] = [];
    for (let position = 0; position < count; position++) {
      const bytes = this.#policies.get(encodeWord(slot * this.policyCapacity + position));
      if (bytes) {
        policies.push(decodeCxPolicy(bytes));
      }
    }
    return { policies, routers };
  }

  /** Does the active slot hold exactly this? */
  isActive(generation: Generation): boolean {
    return this.#differsAt(this.#settings.get(CxSetting.GENERATION), this.#encode(generation)) === undefined;
  }

  /**
   * Makes a generation active; packets see the old one or this one, whole.
   * @returns its running number
   * @throws DatapathError GENERATION_NOT_WRITTEN, MAP_FULL; the old one stays active
   */
  async activate(generation: Generation): Promise<number> {
    const rows = this.#encode(generation);
    const free = this.#spareIsFree ?? waitForReaders();
    // A wait that failed is not the answer to the next attempt too.
    this.#spareIsFree = undefined;
    await free;
    const spare = (this.#settings.get(CxSetting.GENERATION) + 1) % CX_GENERATIONS;
    this.#policies.setBatch(
      rows.policies.map((bytes, at) => [encodeWord(spare * this.policyCapacity + at), bytes]),
    );
    this.#routers.setBatch(
      rows.routers.map((bytes, at) => [encodeWord(spare * this.routerCapacity + at), bytes]),
    );
    const difference = this.#differsAt(spare, rows);
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

  #encode(generation: Generation): { policies: Uint8Array[]; routers: Uint8Array[] } {
    if (generation.policies.length > this.policyCapacity || generation.routers.length > this.routerCapacity) {
      throw new DatapathError(
        'MAP_FULL',
        `${generation.policies.length} policies of ${generation.routers.length - 1} routers do not fit into ` +
          `${this.policyCapacity} and ${this.routerCapacity - 1}`,
        'raise limits.policies or limits.routers in the config, then "coax down" and "coax up"',
      );
    }
    const routers = generation.routers.map((router) => encodeCxRouter(router));
    const empty = new Uint8Array(this.#routers.valueSize);
    while (routers.length < this.routerCapacity) {
      routers.push(empty);
    }
    return { policies: generation.policies.map((policy) => encodeCxPolicy(policy)), routers };
  }

  #differsAt(slot: number, rows: { policies: Uint8Array[]; routers: Uint8Array[] }): string | undefined {
    const check = (map: BpfMap, base: number, expected: Uint8Array[]): string | undefined => {
      const at = expected.findIndex((bytes, position) => {
        const found = map.get(encodeWord(base + position));
        return !found || Buffer.compare(found, bytes) !== 0;
      });
      return at < 0 ? undefined : `${map.name}[${base + at}]`;
    };
    return (
      check(this.#policies, slot * this.policyCapacity, rows.policies) ??
      check(this.#routers, slot * this.routerCapacity, rows.routers)
    );
  }
}
