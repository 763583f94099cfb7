import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Config } from '../config/index.js';
import type { InstanceTarget, RemovalResult, RemoveInstance } from '../views/index.js';
import { DaemonError } from './daemon-error.js';
import { InstanceLock, pidFilePath, readPidFile } from './instance-lock.js';

/** How long a daemon that was asked to stop may take, milliseconds. */
const STOP_TIMEOUT_MS = 10_000;

/** An instance that may run or not; `config` is given when its file could be read. */
export interface TakeDownTarget extends InstanceTarget {
  socket: string;
  config: Config | undefined;
}

export interface TakeDownResult extends RemovalResult {
  /** Pid of the daemon that was stopped, or null. */
  stopped: number | null;
}

/**
 * Removes everything of one instance and only that. A daemon that runs is asked to stop first; none can
 * start until the removal is over.
 * @param remove removes what is in the kernel; default: the real thing
 * @throws DaemonError `NOT_OUR_DAEMON`, `STOP_FAILED`
 */
export async function takeDown(target: TakeDownTarget, remove?: RemoveInstance): Promise<TakeDownResult> {
  const { lock, stopped } = takeOver(pidFilePath(target.socket, target.instance));
  try {
    const removeInstance = remove ?? (await import('./controller-factory.js')).removeInstance;
    const result = await removeInstance(target.config ?? { instance: target.instance, bpffs: target.bpffs });
    return { ...result, stopped };
  } finally {
    lock.release();
  }
}

/** Takes the lock, from a daemon if one has it. */
function takeOver(path: string): { lock: InstanceLock; stopped: number | null } {
  try {
    return { lock: InstanceLock.acquire(path, { purpose: 'down' }), stopped: null };
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'INSTANCE_RUNNING') throw error;
  }
  // Only now is the file worth reading: whoever holds the lock has written it.
  const stopped = stopOwner(path);
  return { lock: acquireAfter(path, stopped), stopped };
}

/** Asks the process that owns the instance to stop and returns its pid. */
function stopOwner(path: string): number {
  const owner = readPidFile(path);
  if (owner === undefined || !isCoax(owner.pid, owner.purpose)) {
    throw new DaemonError(
      'NOT_OUR_DAEMON',
      `${path} is locked by a process that is not ours`,
      `find it with \`fuser ${path}\`, end it, then run \`coax down\` again`,
    );
  }
  try {
    process.kill(owner.pid, 'SIGTERM');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: it went by itself, which is what we want.
    if (code !== 'ESRCH') {
      throw new DaemonError(
        'STOP_FAILED',
        `the daemon (pid ${owner.pid}) cannot be stopped: ${code}`,
        'run `coax down` as the user the daemon runs as, or as root',
      );
    }
  }
  return owner.pid;
}

/** Takes the lock once the asked process has gone. */
function acquireAfter(path: string, stopped: number): InstanceLock {
  try {
    return InstanceLock.acquire(path, { purpose: 'down', waitMs: STOP_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'INSTANCE_RUNNING') throw error;
    throw new DaemonError(
      'STOP_FAILED',
      `the daemon (pid ${stopped}) has not stopped within ${STOP_TIMEOUT_MS / 1000} s`,
      `look at its log, end it by \`kill -9 ${stopped}\` if it hangs, then run \`coax down\` again`,
    );
  }
}

/** Whether a pid is still one of our processes: pids are reused. */
function isCoax(pid: number, purpose: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes(purpose) && words.some((word) => /^(coax|main\.js)$/.test(basename(word)));
  } catch {
    return false;
  }
}
