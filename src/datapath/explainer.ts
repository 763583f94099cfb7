import { BpfMap, BpfObject, type LoadedObject } from '../libbpf-ts/index.js';
import { checkPinned } from './datapath.js';
import { decodeSteps, type ExplainedSteps } from './explained-steps.js';
import {
  CX_EXPLAINED_CGROUP,
  CX_EXPLAINED_LOST,
  CX_EXPLAINED_ROWS,
  CX_REASON_ROWS,
  type CxBinding,
  CxExplainStep,
  type CxHook,
  type CxReason,
  type CxRole,
  decodeCxBinding,
  decodeCxExplained,
  encodeCxExplained,
} from './generated.js';
import { setGenerationSizes } from './generation-sizes.js';
import type { Instance } from './instance.js';
import { readRole, refuseNotLoaded } from './loaded-instance.js';
import { MAP_NAMES, type MapName } from './map-catalogue.js';
import { objectFile } from './object-file.js';
import { Tables } from './tables.js';
import { decodeWord, encodeWord } from './word.js';

/** Counters by policy and by binding, of which an explanation needs none. */
const UNCOUNTED: ReadonlySet<MapName> = new Set<MapName>(['cx_policy_count', 'cx_binding_count']);

/** Steps of one packet: the longest walk, and all bindings of the policies it meets, fit. */
const ROWS = 1 << 14;

/** Answers of a TC program. */
const PASS = -1;
const DROP = 2;

/** A packet as it comes to a hook: with its Ethernet header, and what the kernel knows beside it. */
export interface ExplainedPacket {
  readonly bytes: Uint8Array;
  /** Interface of the hook. */
  readonly ifindex: number;
  /** Interface by which it came to this machine, 0 when it is made here. */
  readonly ingressIfindex: number;
  readonly mark: number;
  /** Kernel ids of the sender's cgroup and of those above it, the deepest first. */
  readonly cgroups: readonly bigint[];
}

/** What a program answered, and how it came to it. */
export interface Explained extends ExplainedSteps {
  readonly action: 'pass' | 'drop' | 'redirect';
  readonly hook: CxHook;
  readonly reason: CxReason;
  /** The packet afterwards. */
  readonly bytes: Uint8Array;
  /** Steps that found no room. */
  readonly lost: number;
}

/**
 * The programs of an instance once more, over its live maps and told to explain: what they answer is what the
 * attached ones would. Nothing is sent, counted or written.
 */
export class Explainer extends Tables implements Disposable {
  readonly role: CxRole;
  readonly #instance: Instance;
  readonly #live: ReadonlyMap<MapName, BpfMap>;
  /** By program; each is loaded when it is asked, as the verifier takes its time. */
  readonly #loaded = new Map<string, LoadedObject>();

  private constructor(instance: Instance, live: ReadonlyMap<MapName, BpfMap>) {
    super((name) => mapOf(live, name));
    this.#instance = instance;
    this.#live = live;
    this.role = readRole(this.settings, instance);
  }

  /**
   * Opens the pinned maps of an instance that is up; its daemon need not run.
   * @throws DatapathError INSTANCE_NOT_LOADED
   */
  static open(instance: Instance): Explainer {
    refuseNotLoaded(instance);
    const live = new Map<MapName, BpfMap>();
    try {
      for (const name of MAP_NAMES) {
        live.set(name, BpfMap.fromPin(instance.mapPin(name)));
      }
      return new Explainer(instance, live);
    } catch (error) {
      for (const map of live.values()) {
        map.close();
      }
      throw error;
    }
  }

  /** The tag of a program as loaded here. @throws DatapathError PINNED_STATE_UNREADABLE; BpfError of the load */
  async tag(program: string): Promise<string> {
    return (await this.#load(program)).programs.get(program).info.tag;
  }

  /** The row of a binding by its number. */
  bindingRow(row: number): CxBinding | undefined {
    const bytes = mapOf(this.#live, 'cx_binding_rows').get(encodeWord(row));
    return row !== 0 && bytes ? decodeCxBinding(bytes) : undefined;
  }

  /**
   * One packet through one program.
   * @throws BpfError EINVAL for a packet that is too long for a test run; what `tag` throws
   */
  async run(program: string, packet: ExplainedPacket): Promise<Explained> {
    const object = await this.#load(program);
    this.#forget(object, packet.cgroups);
    const context = object.btf?.encode('__sk_buff', {
      ifindex: packet.ifindex,
      ingressIfindex: packet.ingressIfindex,
      mark: packet.mark,
    });
    const { returnValue, data } = object.programs
      .get(program)
      .testRun({ data: packet.bytes, ...(context === undefined ? {} : { context }) });
    const map = object.maps.get('cx_explained');
    const head = decodeCxExplained(map.getRange(0, 1)).values;
    const rows = map.getRange(1, head[CX_EXPLAINED_ROWS] ?? 0);
    return {
      action: (returnValue | 0) === PASS ? 'pass' : returnValue === DROP ? 'drop' : 'redirect',
      ...verdictOf(object),
      bytes: data,
      lost: head[CX_EXPLAINED_LOST] ?? 0,
      ...decodeSteps(rows, map.valueSize),
    };
  }

  async #load(program: string): Promise<LoadedObject> {
    const known = this.#loaded.get(program);
    if (known) {
      return known;
    }
    const object = BpfObject.open(objectFile('tc.bpf.o'));
    try {
      for (const [name, map] of this.#live) {
        const spec = object.maps.get(name);
        spec.maxEntries = UNCOUNTED.has(name) ? 1 : map.maxEntries;
        // Per-CPU maps are those that packets write: an explanation has its own.
        if (!spec.type.startsWith('percpu_')) {
          checkPinned(this.#instance, name, map, spec);
          spec.reuse(map);
        }
      }
      for (const each of object.programs) {
        each.autoload = each.name === program;
      }
      object.maps.get('cx_explained').maxEntries = ROWS;
      object.rodata.set('cx_explaining', 1);
      object.rodata.set('cx_role', this.role);
      setGenerationSizes(object);
      const loaded = await object.load();
      this.#loaded.set(program, loaded);
      return loaded;
    } finally {
      object.close();
    }
  }

  /** What the packet before has left goes, and the sender is somebody else. */
  #forget(object: LoadedObject, cgroups: readonly bigint[]): void {
    const values = [0, 0, 0, 0];
    values[CX_EXPLAINED_CGROUP] = this.generations.cgroup(cgroups).number;
    const head = encodeCxExplained({ step: CxExplainStep.NONE, values });
    object.maps.get('cx_explained').set(encodeWord(0), head);
    const reasons = object.maps.get('cx_reasons');
    for (const [key] of counted(object)) {
      reasons.set(encodeWord(key), new Uint8Array(reasons.valueBytes));
    }
    // The budget of errors is that of this moment, and what is taken of it is not taken from packets.
    const budget = mapOf(this.#live, 'cx_answer_budgets').get(encodeWord(0));
    if (budget) {
      object.maps.get('cx_answer_budgets').set(encodeWord(0), budget);
    }
  }

  close(): void {
    for (const object of this.#loaded.values()) {
      object.close();
    }
    for (const map of this.#live.values()) {
      map.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function verdictOf(object: LoadedObject): { hook: CxHook; reason: CxReason } {
  const [first] = counted(object);
  const key = first?.[0] ?? 0;
  return {
    hook: Math.floor(key / CX_REASON_ROWS) as CxHook,
    reason: (key % CX_REASON_ROWS) as CxReason,
  };
}

/** Rows of cx_reasons that are not zero. */
function counted(object: LoadedObject): [number, Uint8Array][] {
  return object.maps
    .get('cx_reasons')
    .readAll()
    .filter(([, bytes]) => bytes.some((byte) => byte !== 0))
    .map(([key, bytes]) => [decodeWord(key), bytes]);
}

function mapOf(live: ReadonlyMap<MapName, BpfMap>, name: MapName): BpfMap {
  const map = live.get(name);
  if (map === undefined) {
    throw new RangeError(`the map ${name} is not open`);
  }
  return map;
}
