// Shortages that a daemon may meet, made on purpose and taken away again.
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { run } from './command.js';

/** Takes a fault away; may be called again. */
export type Relief = () => Promise<void>;

/**
 * Lets a running process open `spare` more files and no more. The limit bounds the number of a descriptor and new
 * ones take the lowest free number, so gaps count.
 */
export async function limitDescriptors(pid: number, spare: number): Promise<Relief> {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; open.has(limit) || free < spare; limit++) {
    if (!open.has(limit)) free++;
  }
  const before = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1];
  // The limits of others are for CAP_SYS_RESOURCE alone, which not every root has; one's own are for everybody.
  const { uid, gid } = statSync(`/proc/${pid}`);
  const user = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--'];
  const set = (soft: string, options = {}) =>
    run('setpriv', [...user, 'prlimit', '--pid', String(pid), `--nofile=${soft}:`], options);
  await set(String(limit));
  return async () => {
    // A process that has gone has no limit.
    await set(before ?? 'unlimited', { mayFail: true });
  };
}

/** Words in front of a command that start it with room for so many open files. */
export function underDescriptorLimit(count: number): string[] {
  return ['prlimit', `--nofile=${count}:${count}`, '--'];
}

/** Connections to a socket that are held open and say nothing. Each takes a descriptor of the daemon. */
export async function idleConnections(socket: string, count: number): Promise<Relief> {
  const open: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const connection = connect({ path: socket });
    // One that is refused or closed by the daemon is no trouble of ours.
    connection.on('error', () => undefined);
    open.push(connection);
  }
  await Promise.all(
    open.map((one) => new Promise((resolve) => one.once('connect', resolve).once('close', resolve))),
  );
  return async () => {
    for (const connection of open) connection.destroy();
  };
}

/** Fills a small file system to the last byte and the last file. */
export async function fillUp(directory: string): Promise<Relief> {
  const files: string[] = [];
  const untilFull = (step: () => void): void => {
    for (;;) {
      try {
        step();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
        throw error;
      }
    }
  };
  const filler = join(directory, 'filler');
  const fd = openSync(filler, 'w');
  files.push(filler);
  const block = new Uint8Array(4096);
  untilFull(() => writeSync(fd, block));
  untilFull(() => writeSync(fd, block, 0, 1));
  closeSync(fd);
  untilFull(() => {
    const path = join(directory, `filler-${files.length}`);
    writeFileSync(path, '');
    files.push(path);
  });
  return async () => {
    for (const path of files) rmSync(path, { force: true });
  };
}

/** Makes a file system read-only for everybody. */
export async function readOnly(mountPoint: string): Promise<Relief> {
  await run('mount', ['-o', 'remount,ro', mountPoint]);
  return async () => {
    await run('mount', ['-o', 'remount,rw', mountPoint]);
  };
}
