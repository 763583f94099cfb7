import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { shortageOf } from '../views/index.js';
import { DaemonError, type DaemonErrorCode } from './daemon-error.js';

/**
 * The pid file of an instance: `<folder of the socket>/<instance>.pid`.
 *
 * It is locked (flock) as long as its owner lives, so it says more than its content: a pid file without a
 * lock belongs to a process that has gone, however it went, and may be taken over.
 */
export function pidFilePath(socketPath: string, instance: string): string {
  return join(dirname(socketPath), `${instance}.pid`);
}

/** The right to be the only writer of an instance's state; ends with `release` or with the process. */
export class InstanceLock {
  readonly path: string;
  #fd: number | undefined;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * @param purpose what the owner is, for the message of those who come later
   * @param waitMs how long to wait for another owner to end
   * @throws DaemonError `INSTANCE_RUNNING` naming the pid of the owner, `LOCK_FAILED`
   */
  static acquire(path: string, options: { purpose: string; waitMs?: number }): InstanceLock {
    for (;;) {
      const fd = openLockFile(path);
      try {
        if (!lockFile(fd, options.waitMs ?? 0)) throw runningError(path);
        // An owner removes its file when it ends: a lock on a removed file protects nothing.
        const atPath = statSync(path, { throwIfNoEntry: false });
        if (atPath?.ino === fstatSync(fd).ino) {
          writeOwner(fd, path, `${process.pid} ${options.purpose}\n`);
          return new InstanceLock(path, fd);
        }
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      closeSync(fd);
    }
  }

  /** Removes the file and ends the lock. May be called twice. */
  release(): void {
    if (this.#fd === undefined) return;
    rmSync(this.path, { force: true });
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** What a pid file says: who owns the instance. `undefined`: no file, or nothing sensible in it. */
export function readPidFile(path: string): { pid: number; purpose: string } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const match = /^([1-9][0-9]{0,9}) ([a-z]+)\n$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { pid: Number(match[1]), purpose: match[2] };
}

function openLockFile(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    // Made when it is missing, never cut: what it says is its owner's.
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const kind = code === 'EACCES' || code === 'EPERM' ? 'LOCK_PERMISSION' : 'LOCK_FAILED';
    throw lockFailed(path, message, kind, error);
  }
}

/**
 * Whoever is refused, and `coax down`, read there who has the lock: without room for that there is no lock. Written
 * before it is cut, so that a file that is there already needs no room.
 */
function writeOwner(fd: number, path: string, text: string): void {
  try {
    writeSync(fd, text, 0);
    ftruncateSync(fd, Buffer.byteLength(text));
  } catch (error) {
    throw lockFailed(path, (error as Error).message, 'LOCK_FAILED', error);
  }
}

/**
 * flock(2) through the program of that name: the child locks the open file it inherits, which is ours, so
 * the lock outlives the child and ends when the kernel closes our descriptor, kill -9 included.
 */
function lockFile(fd: number, waitMs: number): boolean {
  const wait = waitMs > 0 ? ['--timeout', String(waitMs / 1000)] : ['--nonblock'];
  const { status, error, stderr } = spawnSync(
    'flock',
    ['--exclusive', ...wait, '--conflict-exit-code', '75', '3'],
    {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      encoding: 'utf8',
    },
  );
  if (status === 0) return true;
  if (status === 75) return false;
  throw lockFailed('the pid file', error?.message ?? stderr.trim(), 'LOCK_FAILED', error);
}

function lockFailed(path: string, why: string, code: DaemonErrorCode, cause: unknown): DaemonError {
  const advice = 'the folder of the socket must be writable and the program `flock` (util-linux) installed';
  return new DaemonError(code, `cannot lock ${path}: ${why}`, shortageOf(cause)?.hint ?? advice);
}

function runningError(path: string): DaemonError {
  const owner = readPidFile(path);
  const who = owner === undefined ? 'another process' : `\`coax ${owner.purpose}\` with pid ${owner.pid}`;
  return new DaemonError(
    'INSTANCE_RUNNING',
    `${who} already runs this instance (${path})`,
    'stop it first, or give the second one its own `instance:` in the configuration',
  );
}
