/** Cgroups (v2) of a test's own, beside everything else of the machine. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../lab/wait.js';

const PREFIX = 'coaxial-test-';
/** Where programs look for cgroups (v2). */
const USUAL_MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

/** Where cgroups of version 2 are mounted; undefined where they are not. */
function mountPoint(): string | undefined {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
}

/** Removes what tests that crashed have left. */
function sweep(mount: string): void {
  for (const name of readdirSync(mount)) {
    const owner = new RegExp(`^${PREFIX}.*-(\\d+)$`).exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    try {
      removeGroups(join(mount, name));
    } catch (error) {
      // Something of the crashed test still runs in it.
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
  }
}

/** The deepest first; a group that has members stays. */
function removeGroups(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroups(join(path, entry.name));
  }
  rmdirSync(path);
}

/** The cgroup of this process (v2) below the mount. */
function ownGroup(): string {
  return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
}

/** One group and those below it. */
export class CgroupTree {
  /** The group's path, as policies name it. */
  readonly path: string;
  readonly #mount: string;
  /** Mounted by us, where the machine has not mounted it. */
  readonly #ours: boolean;
  readonly #home = ownGroup();
  readonly #members = new Set<number>();

  private constructor(mount: string, ours: boolean, path: string) {
    this.#mount = mount;
    this.#ours = ours;
    this.path = path;
  }

  /** Makes a group of this process and groups below it, named by their paths from there. */
  static create(purpose: string, names: readonly string[]): CgroupTree {
    const mounted = mountPoint();
    const mount = mounted ?? mkdtempSync(join(tmpdir(), 'coaxial-cgroup-'));
    if (mounted === undefined) execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', mount]);
    sweep(mount);
    const tree = new CgroupTree(mount, mounted === undefined, `/${PREFIX}${purpose}-${process.pid}`);
    for (const name of ['', ...names]) mkdirSync(tree.#directory(name), { recursive: true });
    return tree;
  }

  #directory(name: string): string {
    return join(this.#mount, this.path, name);
  }

  /** Words in front of a command that needs to find the groups: where they are not mounted, it alone has them. */
  get visibleTo(): string[] {
    if (USUAL_MOUNTS.includes(this.#mount)) return [];
    const script = `mount --bind ${this.#mount} ${USUAL_MOUNTS[0]} && exec "$0" "$@"`;
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script];
  }

  /** The kernel's id of the cgroup above all. */
  get rootId(): bigint {
    return statSync(this.#mount, { bigint: true }).ino;
  }

  /** The kernel's id of a group, '' for the uppermost of ours. */
  id(name: string): bigint {
    return statSync(this.#directory(name), { bigint: true }).ino;
  }

  /** Makes a process a member. */
  move(pid: number, name: string): void {
    writeFileSync(join(this.#directory(name), 'cgroup.procs'), String(pid));
    this.#members.add(pid);
  }

  /** Words in front of a command that start it as a member. */
  words(name: string): string[] {
    return ['sh', '-c', `echo $$ > ${this.#directory(name)}/cgroup.procs && exec "$0" "$@"`];
  }

  /** Moves this process back and removes the groups once their other members have ended. */
  async remove(): Promise<void> {
    if (this.#members.has(process.pid)) {
      writeFileSync(join(this.#mount, this.#home, 'cgroup.procs'), String(process.pid));
    }
    await until(
      () => {
        removeGroups(this.#directory(''));
        return true;
      },
      { what: `${this.path} to be empty` },
    );
    if (!this.#ours) return;
    execFileSync('umount', [this.#mount]);
    rmdirSync(this.#mount);
  }
}
