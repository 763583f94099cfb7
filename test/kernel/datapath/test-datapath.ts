/** The real programs over maps of their own, filled by the project's own writers. */
import { setGenerationSizes } from '../../../src/datapath/generation-sizes.js';
import {
  CX_PORT_ROWS,
  CX_REASON_ROWS,
  type CxBinding,
  CxHook,
  type CxNeighbour,
  CxPortFlag,
  CxPortSize,
  CxReason,
  CxRole,
  decodeCxReasonStats,
  encodeCxPort,
  type OwnSpi,
} from '../../../src/datapath/index.js';
import { type MapName, mapSizes } from '../../../src/datapath/map-catalogue.js';
import { objectFile } from '../../../src/datapath/object-file.js';
import { Tables } from '../../../src/datapath/tables.js';
import { decodeWord, encodeWord } from '../../../src/datapath/word.js';
import { loadXdpObject } from '../../../src/datapath/xdp-object.js';
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
  | 'coax_device'
  | 'coax_peer';
const XDP_PROGRAMS = ['coax_ingress', 'coax_uplink', 'coax_transit'] as const;
/** Programs that there are for XDP too. */
export type XdpProgramName = (typeof XDP_PROGRAMS)[number];

export function isXdpProgram(name: ProgramName): name is XdpProgramName {
  return XDP_PROGRAMS.some((each) => each === name);
}

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
  /** Pairs of addresses, of which the first is no end of a tunnel, that mobility headers are taken from. */
  signals?: readonly { local: string; remote: string }[];
  /** Tunnel devices of single bindings. */
  devices?: readonly { ifindex: number; router: number; bid: number }[];
  /** ESP that protects bindings. */
  spis?: readonly OwnSpi[];
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
const XDP_ACTIONS = new Map<number, Action>([
  [1, 'drop'],
  [2, 'pass'],
  [4, 'redirect'],
]);
/** What makes the places of fragments; loads that are to agree have the same. */
export const FRAGMENT_SECRET = [1, 2, 3, 4];
const LOOPBACK = 1;
const LOOPBACK_MAC = '00:00:00:00:00:00';
const LIMITS = { bindings: 32, routers: 4, policies: 2048, prefixes: 64, routes: 64, neighbours: 64 };

export class TestDatapath extends Tables implements Disposable, Writers {
  readonly object: LoadedObject;
  readonly #role: CxRole;
  #xdp: LoadedObject | undefined;
  #world: World | undefined;

  private constructor(object: LoadedObject, role: CxRole) {
    super((name) => object.maps.get(name));
    this.object = object;
    this.#role = role;
  }

  /** Loads the programs as `Datapath.open` does, without pins. */
  static async load(role: keyof typeof CxRole, options: OpenOptions = {}): Promise<TestDatapath> {
    const object = BpfObject.open(objectFile('tc.bpf.o'), options);
    for (const [name, size] of Object.entries(mapSizes(LIMITS))) {
      object.maps.get(name).maxEntries = size;
    }
    object.rodata.set('cx_role', CxRole[role]);
    object.rodata.set('cx_fragment_secret', FRAGMENT_SECRET);
    setGenerationSizes(object);
    return new TestDatapath(await object.load(), CxRole[role]);
  }

  /** Loads the XDP programs over the same maps; from then on `sendXdp` may be called. */
  async loadXdp(options: OpenOptions = {}): Promise<LoadedObject> {
    this.#xdp ??= await loadXdpObject(
      this.object,
      { role: this.#role, fragmentSecret: FRAGMENT_SECRET },
      options,
    );
    return this.#xdp;
  }

  /** One packet through one XDP program, as it comes from the loopback interface: no other can be named. */
  sendXdp(program: XdpProgramName, packet: Uint8Array): Omit<Outcome, 'verdicts'> {
    if (this.#xdp === undefined) throw new Error('the XDP programs are not loaded');
    const { returnValue, data } = this.#xdp.programs.get(program).testRun({ data: packet });
    const action = XDP_ACTIONS.get(returnValue);
    if (action === undefined) {
      throw new Error(`${program} returned ${returnValue} in XDP`);
    }
    return { action, data };
  }

  /** Makes the maps say what the world is; cheap when it is the same object as before. */
  async become(world: World): Promise<void> {
    if (this.#world === world) {
      return;
    }
    this.#world = undefined;
    await writeWorld(this, world);
    this.#openPorts(world);
    this.#world = world;
  }

  /** XDP programs get their packets from the loopback interface and may send to all that a world names. */
  #openPorts({ bindings, neighbours }: World): void {
    const used = [
      ...bindings.flatMap(({ row }) => (row ? [row.ifindex] : [])),
      ...neighbours.map(({ ifindex }) => ifindex),
    ];
    const map = (name: MapName) => this.object.maps.get(name);
    map('cx_devices').clear();
    for (let row = 0; row < CX_PORT_ROWS; row++)
      map('cx_ports').set(encodeWord(row), new Uint8Array(CxPortSize));
    for (const ifindex of new Set([LOOPBACK, ...used])) {
      const tag = Math.floor(ifindex / CX_PORT_ROWS) + 1;
      if (tag > 255) continue; // more than a row can tell
      // A test run does not get there, but the map takes only devices that there are.
      map('cx_devices').set(encodeWord(ifindex % CX_PORT_ROWS), encodeWord(LOOPBACK));
      const port = encodeCxPort({ mac: LOOPBACK_MAC, flags: CxPortFlag.TRANSMITS, tag });
      map('cx_ports').set(encodeWord(ifindex % CX_PORT_ROWS), port);
    }
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
    this.#xdp?.close();
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
