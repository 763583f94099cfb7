// A limit of memory for one process: a cgroup of the lab's own, beside everything else of the machine.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './wait.js';

/** The files of a group, which are called otherwise in each version of cgroups. */
interface Dialect {
  readonly used: string;
  readonly limit: string;
  readonly unlimited: string;
  /** Has a line `oom_kill N`. */
  readonly kills: string;
}

const VERSION_1: Dialect = {
  used: 'memory.usage_in_bytes',
  limit: 'memory.limit_in_bytes',
  unlimited: '-1',
  kills: 'memory.oom_control',
};
const VERSION_2: Dialect = {
  used: 'memory.current',
  limit: 'memory.max',
  unlimited: 'max',
  kills: 'memory.events',
};

/** Where a hierarchy with the memory controller is, or why it cannot be had. */
function memoryRoot(): { path: string; dialect: Dialect } | { missing: string } {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const older = mounts.find(
    ([, , type, how]) => type === 'cgroup' && how?.split(',').includes('memory'),
  )?.[1];
  if (older !== undefined) return { path: older, dialect: VERSION_1 };
  const path = mounts.find(([, , type]) => type === 'cgroup2')?.[1];
  if (path === undefined) return { missing: 'no cgroups are mounted' };
  // Handing a controller on to new groups would be a change to the machine, which is for its owner to make.
  const controllers = readFileSync(join(path, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
  return controllers.includes('memory')
    ? { path, dialect: VERSION_2 }
    : { missing: `no memory controller in ${path}` };
}

function pathOf(root: string, lab: string): string {
  return join(root, `coaxial-lab-${lab}`);
}

/** The cgroup of one lab; a process starts in it by way of `words`. */
export class MemoryGroup {
  readonly #path: string;
  readonly #dialect: Dialect;

  private constructor(path: string, dialect: Dialect) {
    this.#path = path;
    this.#dialect = dialect;
  }

  /** Why there can be no such group on this machine; undefined where there can. */
  static obstacle(): string | undefined {
    const root = memoryRoot();
    return 'missing' in root ? root.missing : undefined;
  }

  /** Makes the group of a lab, without a limit. @throws Error where the memory controller is not to be had */
  static create(lab: string): MemoryGroup {
    const root = memoryRoot();
    if ('missing' in root) throw new Error(root.missing);
    const path = pathOf(root.path, lab);
    mkdirSync(path, { recursive: true });
    return new MemoryGroup(path, root.dialect);
  }

  /** Removes the group of a lab once its processes have ended. */
  static async remove(lab: string): Promise<void> {
    const root = memoryRoot();
    if ('missing' in root) return;
    const path = pathOf(root.path, lab);
    if (!existsSync(path)) return;
    await until(
      () => {
        rmdirSync(path);
        return true;
      },
      { what: `${path} to be empty` },
    );
  }

  /** Words in front of a command that start it as a member. */
  get words(): string[] {
    return ['sh', '-c', `echo $$ > ${this.#path}/cgroup.procs && exec "$0" "$@"`];
  }

  /** Bytes that its members use. */
  get used(): number {
    return Number(readFileSync(join(this.#path, this.#dialect.used), 'utf8'));
  }

  /** Members that the kernel has killed for want of memory. */
  get killed(): number {
    const events = readFileSync(join(this.#path, this.#dialect.kills), 'utf8');
    return Number(/^oom_kill (\d+)/m.exec(events)?.[1] ?? 0);
  }

  /**
   * Sets the limit, bytes; undefined takes it away. What is used beyond it is reclaimed, or members are killed. The
   * first version of cgroups refuses a limit below what is used, and gets that as its limit: members are killed
   * when they want more.
   */
  limit(bytes: number | undefined): void {
    const { limit, unlimited } = this.#dialect;
    const write = (value: string): void => writeFileSync(join(this.#path, limit), value);
    try {
      write(bytes === undefined ? unlimited : String(Math.floor(bytes)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      write(String(this.used));
    }
  }
}
