import { addon, type NativeProgram, type NativeProgramInfo, type NativeTestRun } from '../native/addon.js';
import { checkName, checkNumber } from './check.js';
import { ArgumentError, native } from './errors.js';
import { Handle } from './handle.js';
import { type ProgramType, programTypeName } from './kernel-types.js';

export interface ProgramInfo extends Omit<NativeProgramInfo, 'type'> {
  type: ProgramType;
  typeNumber: number;
  jited: boolean;
}

export interface TestRun {
  /** The packet. Programs on packets want at least 14 bytes. */
  data?: Uint8Array;
  /** The context structure, such as `struct xdp_md` or `struct __sk_buff`. */
  context?: Uint8Array;
  repeat?: number;
  /** Room for the packet afterwards; the default leaves room for headers. */
  dataOutSize?: number;
  contextOutSize?: number;
  /** `TestRunFlags`. */
  flags?: number;
  /** Only with live frames. */
  batchSize?: number;
  /** Only with `TestRunFlags.ON_CPU`. */
  cpu?: number;
}

export interface TestRunResult {
  returnValue: number;
  /** The packet afterwards; empty with live frames. */
  data: Uint8Array;
  context: Uint8Array;
  /** Average of the repeats as the kernel measured it. */
  durationNs: number;
}

/** How much a packet may grow in a test run by default. */
const GROWTH = 512;
const LIVE_FRAMES = 2;

/** A program in the kernel. */
export class BpfProgram extends Handle<NativeProgram> {
  readonly name: string;

  /** @internal Use the static methods or `LoadedObject.programs`. */
  constructor(handle: NativeProgram, name?: string) {
    super(handle, 'program');
    this.name = name ?? native(() => handle.info()).name;
  }

  static fromPin(path: string): BpfProgram {
    checkName('path', path);
    const operation = `open the program pinned at ${path}`;
    return new BpfProgram(native(() => addon().BpfProgram.fromPin(path), { operation }));
  }

  /** Needs CAP_SYS_ADMIN. */
  static fromId(id: number): BpfProgram {
    checkNumber('id', id, 1);
    const operation = `open the program with id ${id}`;
    return new BpfProgram(native(() => addon().BpfProgram.fromId(id), { operation }));
  }

  /** `verifiedInstructions` is 0 before Linux 5.16; `runCount` counts with kernel.bpf_stats_enabled only. */
  get info(): ProgramInfo {
    const { type, ...rest } = native(() => this.handle.info());
    return { ...rest, type: programTypeName(type), typeNumber: type, jited: rest.jitedBytes > 0 };
  }

  /**
   * Runs the program in the kernel on a packet of the caller. Synchronous: a large `repeat` blocks. With `repeat` the
   * program gets the packet it has already changed.
   * @throws BpfError ENOSPC when the packet outgrew `dataOutSize`, EINVAL for program types without test runs
   */
  testRun(run: TestRun = {}): TestRunResult {
    const flags = run.flags ?? 0;
    const request: NativeTestRun = { flags, repeat: run.repeat ?? 1 };
    for (const name of ['repeat', 'dataOutSize', 'contextOutSize', 'flags', 'batchSize', 'cpu'] as const) {
      if (run[name] !== undefined) checkNumber(name, run[name]);
    }
    for (const name of ['data', 'context'] as const) {
      const bytes = run[name];
      if (bytes === undefined) continue;
      if (!(bytes instanceof Uint8Array)) throw new ArgumentError(name, 'a Uint8Array', bytes);
      request[name] = bytes;
    }
    // The kernel gives neither packet nor context back from live frames, and refuses the wish.
    const live = (flags & LIVE_FRAMES) !== 0;
    const dataRoom = run.dataOutSize ?? (run.data === undefined || live ? 0 : run.data.length + GROWTH);
    const contextRoom = run.contextOutSize ?? (live ? 0 : (run.context?.length ?? 0));
    const data = new Uint8Array(dataRoom);
    const context = new Uint8Array(contextRoom);
    if (dataRoom > 0) request.dataOut = data;
    if (contextRoom > 0) request.contextOut = context;
    if (run.cpu !== undefined) request.cpu = run.cpu;
    if (run.batchSize !== undefined) request.batchSize = run.batchSize;
    const result = native(() => this.handle.testRun(request), {
      operation: `test-run program '${this.name}'`,
    });
    return {
      returnValue: result.returnValue,
      data: data.subarray(0, Math.min(result.dataSize, dataRoom)),
      context: context.subarray(0, Math.min(result.contextSize, contextRoom)),
      durationNs: result.durationNs,
    };
  }

  /** A second, independent handle on the same program. */
  dup(): BpfProgram {
    return new BpfProgram(
      native(() => this.handle.dup()),
      this.name,
    );
  }
}
