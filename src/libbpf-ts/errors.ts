import { getSystemErrorName } from 'node:util';
import type { NativeError } from '../native/addon.js';

/**
 * Codes of the errors this library makes itself, with what each means and what to do. Errors of the kernel carry the
 * errno's name (`EPERM`, `ENOENT`, ...). Match on `code`.
 */
export const ERROR_CODES = {
  VERIFIER: {
    means: 'the kernel refused a program; `log` is what the verifier said',
    remedy:
      'run with exactly the capabilities that are asked for; otherwise report it with the log and the version of the kernel',
  },
  CLOSED: {
    means: 'the object, map, program, link or reader was closed',
    remedy: 'open it again; a closed handle does not come back',
  },
  INVALID_ARGUMENT: {
    means: 'an argument has the wrong type or size',
    remedy: 'correct the call: the message says what was expected and what came',
  },
  NOT_FOUND: {
    means: 'there is no map, program, variable or type of that name',
    remedy: 'use one of the names that the message lists',
  },
  INVALID_STATE: {
    means: 'the call does not fit the state, such as a second load()',
    remedy: 'follow the order open, change, load, attach',
  },
  INVALID_BTF: {
    means: 'type information is damaged or does not describe what was asked',
    remedy: 'compile the object with -g and a recent clang',
  },
  ITERATION_ABORTED: {
    means: 'others changed the map so fast that an iteration did not end',
    remedy: 'iterate again, or read the map in one piece with readAll()',
  },
  NO_GRACE_PERIOD: {
    means: 'the kernel offers no grace period to user space (nohz_full)',
    remedy: 'run without nohz_full, or replace the maps as a whole',
  },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Such as `EPERM`; a number without a name is `ERRNO_<number>`. */
export type ErrnoName = `E${string}`;

export class LibbpfTsError extends Error {
  /** One of `ERROR_CODES`, or the name of an errno. */
  readonly code: ErrorCode | ErrnoName;

  constructor(code: ErrorCode | ErrnoName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

export class ClosedError extends LibbpfTsError {
  constructor(what: string) {
    super('CLOSED', `This ${what} is closed`);
  }
}

/** "Expected X for name but received Y". */
export class ArgumentError extends LibbpfTsError {
  constructor(name: string, expected: string, received: unknown) {
    super('INVALID_ARGUMENT', `Expected ${expected} for ${name} but received ${describe(received)}`);
  }
}

export class NotFoundError extends LibbpfTsError {
  readonly available: readonly string[];

  constructor(kind: string, name: string, available: readonly string[], remark = '') {
    const list = available.length === 0 ? 'there are none' : `there are: ${available.join(', ')}`;
    super('NOT_FOUND', `No ${kind} named '${name}'; ${list}${remark}`);
    this.available = available;
  }
}

export class StateError extends LibbpfTsError {
  constructor(message: string) {
    super('INVALID_STATE', message);
  }
}

export class BtfError extends LibbpfTsError {
  constructor(message: string) {
    super('INVALID_BTF', message);
  }
}

export interface BpfErrorDetails {
  operation: string;
  errno: number;
  messages?: readonly string[];
  hint?: string | undefined;
  code?: ErrorCode;
}

/** The kernel or libbpf refused. */
export class BpfError extends LibbpfTsError {
  /** Positive number of the errno. */
  readonly errno: number;
  readonly operation: string;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;
  /** What libbpf said. */
  readonly messages: readonly string[];

  constructor(details: BpfErrorDetails, text?: string) {
    const name = errnoName(details.errno);
    const hint = details.hint ?? ERRNO_HINTS[name];
    super(details.code ?? name, text ?? compose(details, name, hint));
    this.errno = details.errno;
    this.operation = details.operation;
    this.hint = hint;
    this.messages = details.messages ?? [];
  }
}

/** A program was refused. `log` is the verifier's whole log, the message ends with its last lines. */
export class VerifierError extends BpfError {
  readonly programName: string;
  readonly log: string;

  constructor(details: BpfErrorDetails, programName: string, log: string) {
    const lines = log.trimEnd().split('\n');
    // The statistics at the end say nothing about the reason.
    const telling = lines.filter(
      (line) => !/^(processed \d+ insns|verification time|stack depth)/.test(line),
    );
    const tail = telling.slice(-6).map((line) => `  ${line}`);
    super(
      { ...details, code: 'VERIFIER' },
      `The kernel refused program '${programName}' (${errnoName(details.errno)}):\n${tail.join('\n')}`,
    );
    this.programName = programName;
    this.log = log;
  }
}

/** What to do about errors of the kernel, by the errno's name. */
export const ERRNO_HINTS: Readonly<Record<string, string | undefined>> = {
  EPERM:
    'needs CAP_BPF, for network programs and attaching CAP_NET_ADMIN too, for objects by id CAP_SYS_ADMIN; ' +
    'on kernels before 5.11 also a higher RLIMIT_MEMLOCK',
  EBUSY: 'something else is attached there or holds it',
  ENODEV: 'no such interface in this network namespace',
  ENOLINK: 'what the link was attached to has gone',
  EMFILE: 'the process may not open more files: raise its limit (LimitNOFILE= in the unit, ulimit -n)',
  ENFILE: 'the whole machine has too many open files: raise fs.file-max, or end what holds them',
  EROFS: 'the BPF file system is mounted read-only: mount -o remount,rw makes it writable again',
  ENOMEM: 'the kernel has no memory for it: free some, or raise the limit of the cgroup',
};

/** Names that libuv lacks or has another of. */
const LINUX_NAMES: Readonly<Record<number, ErrnoName | undefined>> = {
  95: 'EOPNOTSUPP',
  67: 'ENOLINK',
  116: 'ESTALE',
  524: 'ENOTSUPP',
};

/** The name of a positive errno value. */
export function errnoName(errno: number): ErrnoName {
  const linux = LINUX_NAMES[errno];
  if (linux !== undefined) return linux;
  if (!Number.isInteger(errno) || errno <= 0) return `ERRNO_${errno}`;
  const name = getSystemErrorName(-errno);
  return isErrnoName(name) ? name : `ERRNO_${errno}`;
}

function isErrnoName(name: string): name is ErrnoName {
  return /^E[A-Z0-9]+$/.test(name);
}

function compose(details: BpfErrorDetails, name: string, hint: string | undefined): string {
  const said = (details.messages ?? []).map((message) => message.replace(/^libbpf: /, ''));
  const because = said.length > 0 ? `: ${said.slice(-4).join('; ')}` : '';
  return `Could not ${details.operation} (${name})${because}${hint === undefined ? '' : `; hint: ${hint}`}`;
}

function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return `${typeof value} ${value}`;
  }
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? `an instance of ${value.constructor?.name ?? 'Object'}` : typeof value;
}

function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'errno' in error && 'operation' in error && 'messages' in error;
}

/** What the native side threw, as an error of this library; anything else as it is. */
export function fromNative(error: unknown, context: { operation?: string; hint?: string } = {}): unknown {
  if (!isNativeError(error)) return error;
  const details: BpfErrorDetails = {
    operation: context.operation ?? error.operation,
    errno: error.errno,
    messages: error.messages,
    hint: context.hint,
  };
  const refused = refusedProgram(error);
  return refused === undefined
    ? new BpfError(details)
    : new VerifierError(details, refused.name, refused.log);
}

/** libbpf loads in order and stops at the first refusal, which it reports by name. */
function refusedProgram(error: NativeError): { name: string; log: string } | undefined {
  const logs = error.logs ?? [];
  for (const message of error.messages) {
    const name = /prog '([^']+)': BPF program load failed/.exec(message)?.[1];
    if (name === undefined) continue;
    const log = logs.find((entry) => entry.name === name);
    if (log !== undefined) return log;
  }
  return undefined;
}

/** Runs a native call and turns what it throws into this library's errors. */
export function native<T>(call: () => T, context?: { operation?: string; hint?: string }): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error, context);
  }
}
