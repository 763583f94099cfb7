// Takes a lab down from what its state file says; every step may find its work already done.
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.js';
import { MemoryGroup } from './memory-group.js';
import { type LabState, removeState } from './state.js';
import { until } from './wait.js';

/** Pids of the processes that live in a network namespace; none where there is no such namespace. */
export async function namespacePids(namespace: string): Promise<number[]> {
  const inode = await inodeOf(`/run/netns/${namespace}`);
  if (inode === undefined) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const inodes = await Promise.all(pids.map((pid) => inodeOf(`/proc/${pid}/ns/net`)));
  return pids.filter((_, at) => inodes[at] === inode).map(Number);
}

/** What names a namespace; undefined where there is none, or no process any more. */
async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch {
    return undefined;
  }
}

/** Names of the network namespaces that exist. */
export async function namespaceNames(): Promise<Set<string>> {
  const { stdout } = await run('ip', ['netns', 'list']);
  return new Set(stdout.split('\n').flatMap((line) => line.split(' ')[0] || []));
}

/** Mount points at or below a directory, deepest first. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return mounts.filter((at) => at === directory || at.startsWith(`${directory}/`)).reverse();
}

/** Where a lab mounts its own BPF file system. */
export function bpffsOf(directory: string): string {
  return join(directory, 'bpffs');
}

/** Where a lab mounts the small file system of its daemons' sockets and locks. */
export function runtimeOf(directory: string): string {
  return join(directory, 'run');
}

/** Ends the lab's processes, unmounts, deletes namespaces, directory and state file. */
export async function removeLab(state: LabState): Promise<void> {
  const existing = await namespaceNames();
  const namespaces = state.namespaces.filter((name) => existing.has(name));
  await Promise.all(namespaces.map(endProcesses));
  for (const mount of await mountsBelow(state.directory))
    await run('umount', ['-l', mount], { mayFail: true });
  if (namespaces.length > 0) {
    const lines = namespaces.map((name) => `netns del ${name}\n`).join('');
    await run('ip', ['-force', '-batch', '-'], { input: lines, mayFail: true });
  }
  await MemoryGroup.remove(state.name);
  await rm(state.directory, { recursive: true, force: true });
  removeState(state.name);
}

async function endProcesses(namespace: string): Promise<void> {
  await until(
    async () => {
      const pids = await namespacePids(namespace);
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // ended by itself
        }
      }
      return pids.length === 0;
    },
    { what: `the processes in ${namespace} to end` },
  );
}
