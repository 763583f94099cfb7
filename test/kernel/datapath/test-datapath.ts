/** The real programs over maps of their own, filled by the project's own writers. */
import { BindingTable } from '../../../src/datapath/binding-table.js';
import { Counters } from '../../../src/datapath/counters.js';
import { setGenerationSizes } from '../../../src/datapath/generation-sizes.js';
import { GenerationTable } from '../../../src/datapath/generation-table.js';
import {
  CX_REASON_ROWS,
  type CxBinding,
  CxHook,
  type CxNeighbour,
  CxReason,
  CxRole,
  decodeCxReasonStats,
} from '../../../src/datapath/index.js';
import { type MapName, mapSizes } from '../../../src/datapath/map-catalogue.js';
import { objectFile } from '../../../src/datapath/object-file.js';
import { PolicyIds } from '../../../src/datapath/policy-ids.js';
import { PrefixMap } from '../../../src/datapath/prefix-map.js';
import { RouterIds } from '../../../src/datapath/router-ids.js';
import { RowMap } from '../../../src/datapath/row-map.js';
import { Settings } from '../../../src/datapath/settings.js';
import { decodeWord } from '../../../src/datapath/word.js';
import { BpfObject, type LoadedObject, type OpenOptions } from '../../../src/libbpf-ts/index.js';
import type { CompiledGeneration, RouterPolicySet } from '../../../src/policy/index.js';
import { compileFor, type Writers, writeWorld } from './world-writer.js';

export type ProgramName =
  | 'coax_ingress'
  | 'coax_ingress_l3'
  | 'coax_bypass'
  | 'coax_bypass_l3'
  | 'coax_home'
  | 'coax_uplink'
  | 'coax_uplink_l3'
  | 'coax_transit'
  | 'coax_transit_l3'
  | 'coax_tunnel'
  | 'coax_peer';
export type HookName = keyof typeof CxHook;
export type ReasonName = keyof typeof CxReason;
export type Action = 'redirect' | 'pass' | 'drop';

/** One binding of a router; undefined row: it is known but not usable. */
export interface WorldBinding {
  router: number;
  bid: number;
  row: Omit<CxBinding, 'router' | 'bid'> | undefined;
}

/** Everything a packet's way depends on. */
export interface World {
  routes: readonly { prefix: string; router: number }[];
  prefixes: readonly { prefix: string; router: number }[];
  bindings: readonly WorldBinding[];
  routers: readonly RouterPolicySet[];
  /** Accepted tunnels; the rows that refuse strangers are added by themselves. */
  tunnels: readonly { local: string; remote: string; router: number; bid: number }[];
  neighbours: readonly CxNeighbour[];
  homeIfindex: number;
}

/** Fields of `struct __sk_buff` that a test run takes. */
export interface Context {
  mark?: number;
  ifindex?: number;
  /** Where it came in, behind the stack. */
  ingressIfindex?: number;
  gsoSize?: number;
  gsoSegs?: number;
}

export interface Verdict {
  hook: HookName;
  reason: ReasonName;
  packets: number;
  bytes: number;
}

export interface Outcome {
  action: Action;
  data: Uint8Array;
  /** What was counted; exactly one of these for each packet is what the programs promise. */
  verdicts: Verdict[];
}

const ACTIONS = new Map<number, Action>([
  [-1, 'pass'],
  [2, 'drop'],
  [7, 'redirect'],
]);
const LIMITS = { bindings: 32, routers: 4, policies: 2048, prefixes: 64, routes: 64, neighbours: 64 };

export class TestDatapath implements Disposable, Writers {
  readonly object: LoadedObject;
  readonly bindings: BindingTable;
  readonly generations: GenerationTable;
  readonly counters: Counters;
  readonly settings: Settings;
  readonly routes: PrefixMap;
  readonly prefixes: PrefixMap;
  readonly tunnelEnds: RowMap;
  readonly neighbours: RowMap;
  readonly policyIds: PolicyIds;
  readonly routerIds: RouterIds;
  #world: World | undefined;

  private constructor(object: LoadedObject) {
    const map = (name: MapName) => object.maps.get(name);
    this.object = object;
    this.settings = new Settings(map('cx_settings'));
    this.bindings = new BindingTable({
      slots: map('cx_binding_slot'),
      rows: map('cx_binding_rows'),
      keys: map('cx_binding_keys'),
      counters: map('cx_binding_count'),
    });
    this.generations = new GenerationTable(
      {
        blocks: map('cx_blocks'),
        policies: map('cx_policies'),
        policySets: map('cx_policy_sets'),
        routers: map('cx_routers'),
        cgroups: map('cx_cgroups'),
      },
      this.settings,
    );
    this.policyIds = new PolicyIds(map('cx_policy_keys'), map('cx_policy_count'));
    this.routerIds = new RouterIds(map('cx_router_keys'));
    this.routes = new PrefixMap(map('cx_routes'));
    this.prefixes = new PrefixMap(map('cx_prefixes'));
    this.tunnelEnds = new RowMap(map('cx_tunnel_ends'), map('cx_tunnel_end_rows'));
    this.neighbours = new RowMap(map('cx_neighbours'), map('cx_neighbour_rows'));
    this.counters = new Counters({
      reasons: map('cx_reasons'),
      policies: map('cx_policy_count'),
      bindings: map('cx_binding_count'),
    });
  }

  /** Loads the programs as `Datapath.open` does, without pins. */
  static async load(role: keyof typeof CxRole, options: OpenOptions = {}): Promise<TestDatapath> {
    const object = BpfObject.open(objectFile('tc.bpf.o'), options);
    for (const [name, size] of Object.entries(mapSizes(LIMITS))) {
      object.maps.get(name).maxEntries = size;
    }
    object.rodata.set('cx_role', CxRole[role]);
    setGenerationSizes(object);
    return new TestDatapath(await object.load());
  }

  /** Makes the maps say what the world is; cheap when it is the same object as before. */
  async become(world: World): Promise<void> {
    if (this.#world === world) {
      return;
    }
    this.#world = undefined;
    await writeWorld(this, world);
    this.#world = world;
  }

  compile(routers: readonly RouterPolicySet[]): CompiledGeneration {
    return compileFor(this, routers);
  }

  index(router: number, bid: number): number {
    return this.bindings.index({ router, bid });
  }

  policyHits(router: number, fid: number): number {
    const id = this.policyIds.find(router, fid);
    return id === undefined ? 0 : this.counters.policy(id).packets;
  }

  /** One packet through one program. */
  run(program: ProgramName, packet: Uint8Array, context: Context = {}): Outcome {
    const { result, verdicts } = this.counting(() => this.send(program, packet, context));
    return { ...result, verdicts };
  }

  /** What was counted during a call. */
  counting<T>(call: () => T): { result: T; verdicts: Verdict[] } {
    const before = this.#reasons();
    const result = call();
    return { result, verdicts: this.#difference(before, this.#reasons()) };
  }

  /** As `run`, without looking at the counters. */
  send(program: ProgramName, packet: Uint8Array, context: Context = {}): Omit<Outcome, 'verdicts'> {
    const run = {
      data: packet,
      ...(Object.keys(context).length > 0 ? { context: this.#encode(context) } : {}),
    };
    const { returnValue, data } = this.object.programs.get(program).testRun(run);
    const action = ACTIONS.get(returnValue | 0);
    if (action === undefined) {
      throw new Error(`${program} returned ${returnValue}`);
    }
    return { action, data };
  }

  #encode(context: Context): Uint8Array {
    const btf = this.object.btf;
    if (!btf) {
      throw new Error('the object has no BTF');
    }
    return btf.encode('__sk_buff', context);
  }

  #reasons(): Map<number, Uint8Array> {
    return new Map(
      this.object.maps
        .get('cx_reasons')
        .readAll()
        .map(([key, value]) => [decodeWord(key), value]),
    );
  }

  #difference(before: Map<number, Uint8Array>, after: Map<number, Uint8Array>): Verdict[] {
    const verdicts: Verdict[] = [];
    for (const [key, value] of after) {
      const old = before.get(key) ?? new Uint8Array(value.length);
      if (Buffer.compare(old, value) === 0) {
        continue;
      }
      const [packets, bytes] = sum(value).map((total, at) => total - (sum(old)[at] ?? 0));
      verdicts.push({
        hook: nameOf(CxHook, Math.floor(key / CX_REASON_ROWS)),
        reason: nameOf(CxReason, key % CX_REASON_ROWS),
        packets: packets ?? 0,
        bytes: bytes ?? 0,
      });
    }
    return verdicts;
  }

  close(): void {
    this.object.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function sum(perCpu: Uint8Array): [number, number] {
  let [packets, bytes] = [0, 0];
  for (let at = 0; at < perCpu.length; at += 16) {
    const part = decodeCxReasonStats(perCpu, at);
    packets += Number(part.packets);
    bytes += Number(part.bytes);
  }
  return [packets, bytes];
}

function nameOf<T extends Record<string, number>>(values: T, value: number): keyof T {
  const found = Object.entries(values).find(([, each]) => each === value);
  if (!found) {
    throw new Error(`${value} has no name: the programs counted a reason that is not in the contract`);
  }
  return found[0];
}
