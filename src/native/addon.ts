/**
 * Loads the binary addon and declares its classes. Everything here is raw: no checks with good messages, errno numbers
 * instead of typed errors. `libbpf-ts` and `netlink` wrap it; nothing else imports it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AddonError } from './addon-error.js';
import type { NativeNetlinkSocketConstructor } from './netlink-socket.js';

/** Native errors are plain `Error`s with these fields. */
export interface NativeError extends Error {
  errno: number;
  operation: string;
  /** What libbpf would have printed. */
  messages: string[];
  /** Only from `NativeObject.load`: verifier logs of the programs that have one. */
  logs?: NativeLog[];
  /** Only from `NativeProgram.testRun` with ENOSPC: bytes the output needs. */
  needed?: number;
}

export interface NativeLog {
  name: string;
  log: string;
}

/** Owner of one file descriptor; -1 after `close`. */
export interface NativeHandle {
  readonly fd: number;
  close(): void;
  pin(path: string): void;
}

export interface NativeMapInfo {
  type: number;
  id: number;
  name: string;
  keySize: number;
  valueSize: number;
  /** Bytes a lookup fills: of all possible CPUs for per-CPU maps. */
  valueBytes: number;
  maxEntries: number;
  flags: number;
  btfId: number;
  btfKeyTypeId: number;
  btfValueTypeId: number;
}

export interface NativeBatchResult {
  count: number;
  errno: number;
}

/** Methods that return a number answer 0 or -errno. */
export interface NativeMap extends NativeHandle {
  dup(): NativeMap;
  info(): NativeMapInfo;
  lookup(key: Uint8Array, into: Uint8Array, flags: number): number;
  update(key: Uint8Array, value: Uint8Array, flags: number): number;
  delete(key: Uint8Array): number;
  lookupAndDelete(key: Uint8Array, into: Uint8Array): number;
  nextKey(previous: Uint8Array | undefined, into: Uint8Array): number;
  /** The whole map in one piece, or -errno where the map has no batch lookup. */
  readAll(): { keys: Uint8Array; values: Uint8Array; count: number } | number;
  /** Elements behind a key, in the map's order. */
  readRange(
    previous: Uint8Array | undefined,
    keys: Uint8Array,
    values: Uint8Array,
    count: number,
  ): NativeBatchResult;
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flags: number): NativeBatchResult;
  deleteBatch(keys: Uint8Array, count: number): NativeBatchResult;
  freeze(): number;
}

export interface NativeMapCreation {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags?: number;
  name?: string;
  innerMapFd?: number;
}

export interface NativeProgramInfo {
  type: number;
  id: number;
  name: string;
  tag: string;
  jitedBytes: number;
  translatedBytes: number;
  loadTimeNs: bigint;
  mapIds: number[];
  gplCompatible: boolean;
  btfId: number;
  runTimeNs: bigint;
  runCount: bigint;
  verifiedInstructions: number;
}

export interface NativeTestRun {
  data?: Uint8Array;
  context?: Uint8Array;
  dataOut?: Uint8Array;
  contextOut?: Uint8Array;
  repeat?: number;
  flags?: number;
  cpu?: number;
  batchSize?: number;
}

export interface NativeTestRunResult {
  returnValue: number;
  dataSize: number;
  contextSize: number;
  durationNs: number;
}

export interface NativeProgram extends NativeHandle {
  dup(): NativeProgram;
  info(): NativeProgramInfo;
  testRun(request: NativeTestRun): NativeTestRunResult;
}

export interface NativeLinkInfo {
  type: number;
  id: number;
  programId: number;
  ifindex?: number;
  attachType?: number;
}

export interface NativeLink extends NativeHandle {
  dup(): NativeLink;
  info(): NativeLinkInfo;
  update(programFd: number, replacedProgramFd?: number): void;
  detach(): void;
}

export interface NativeObjectMap {
  name: string;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  keyTypeId: number;
  valueTypeId: number;
  internal: boolean;
  pinPath?: string;
}

export interface NativeObjectProgram {
  name: string;
  section: string;
  type: number;
  autoload: boolean;
}

export interface NativeObjectSettings {
  name?: string;
  pinRoot?: string;
  logLevel?: number;
  logSize?: number;
}

export interface NativeLoaded {
  maps: Record<string, NativeMap>;
  programs: Record<string, NativeProgram>;
  logs: NativeLog[];
}

export interface NativeObject {
  maps(): NativeObjectMap[];
  programs(): NativeObjectProgram[];
  /** Raw BTF as libbpf completed it: variables have their offsets. */
  btf(): Uint8Array | undefined;
  setMaxEntries(map: string, maxEntries: number): void;
  setMapFlags(map: string, flags: number): void;
  setPinPath(map: string, path?: string): void;
  reuseMap(map: string, fd: number): void;
  setInnerMap(map: string, fd: number): void;
  initialValue(map: string): Uint8Array;
  setInitialValue(map: string, value: Uint8Array): void;
  setAutoload(program: string, autoload: boolean): void;
  setLogLevel(program: string, level: number): void;
  load(): Promise<NativeLoaded>;
  close(): void;
}

export interface NativeRingBuffer {
  /** What is there now, at most `limit` records. */
  drain(limit: number): Uint8Array[];
  /** One call of `callback` when there is something to drain. Keeps the event loop alive until then. */
  wait(callback: () => void): void;
  cancel(): void;
  close(): void;
}

/** Sends whole IPv6 packets. */
export interface NativePacketSocket {
  /** 0 or -errno. */
  send(packet: Uint8Array): number;
  close(): void;
}

export interface NativeProbe {
  supported: boolean;
  errno: number;
}

export interface Addon {
  BpfMap: {
    create(spec: NativeMapCreation): NativeMap;
    fromPin(path: string): NativeMap;
    fromId(id: number): NativeMap;
  };
  BpfProgram: { fromPin(path: string): NativeProgram; fromId(id: number): NativeProgram };
  BpfLink: {
    create(programFd: number, target: number, attachType: number, flags: number): NativeLink;
    fromPin(path: string): NativeLink;
    fromId(id: number): NativeLink;
  };
  BpfObject: new (source: string | Uint8Array, settings: NativeObjectSettings) => NativeObject;
  RingBuffer: new (mapFd: number) => NativeRingBuffer;
  PacketSocket: new () => NativePacketSocket;
  NetlinkSocket: NativeNetlinkSocketConstructor;
  /** `egress` is 0 or 1, like `replace`. */
  tcAttach(
    ifindex: number,
    egress: number,
    handle: number,
    priority: number,
    programFd: number,
    replace: number,
  ): { handle: number; priority: number; programId: number };
  /** 0 or -errno. */
  tcDetach(ifindex: number, egress: number, handle: number, priority: number): number;
  /** The program's id, or -errno. */
  tcQuery(ifindex: number, egress: number, handle: number, priority: number): number;
  /** -errno where it cannot. */
  queryPrograms(
    ifindex: number,
    attachType: number,
  ): { revision: bigint; programs: { programId: number; linkId: number }[] } | number;
  /** `mode` is XDP_ATTACHED_*. */
  queryXdp(ifindex: number): { mode: number; programId: number };
  probeProgramType(type: number): NativeProbe;
  probeMapType(type: number): NativeProbe;
  probeHelper(programType: number, helper: number): NativeProbe;
  btfById(id: number): Uint8Array;
  possibleCpus(): number;
  libbpfVersion(): string;
  networkNamespaceCookie(): bigint;
  gracePeriod(): Promise<void>;
}

/** The nearest folder at or above this file that holds a package.json. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new AddonError([{ path: folder, reason: 'no package.json above this file' }]);
    folder = parent;
  }
  return folder;
}

function load(): Addon {
  const root = packageRoot();
  const candidates = [
    join(root, 'build', 'Release', 'coaxial.node'),
    join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'coaxial.node'),
  ];
  const attempts: { path: string; reason: string }[] = [];
  const require = createRequire(import.meta.url);
  for (const path of candidates) {
    try {
      return require(path) as Addon;
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      attempts.push({ path, reason });
    }
  }
  throw new AddonError(attempts);
}

let loaded: Addon | undefined;

/**
 * The addon of this thread, loaded on first use: what needs no kernel works without the binary.
 * @throws AddonError ADDON_NOT_FOUND
 */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}
