// A limit of memory for one process: a cgroup v2 of the lab's own, beside everything else of the machine.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './wait.js';

/** Where cgroup v2 is mounted and offers the memory controller, or why it cannot be had. */
function memoryRoot(): { path: string } | { missing: string } {
  const mount = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2');
  const path = mount?.[1];
  if (path === undefined) return { missing: 'cgroup v2 is not mounted' };
  // Handing a controller on to new groups would be a change to the machine, which is for its owner to make.
  const controllers = readFileSync(join(path, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
  return controllers.includes('memory') ? { path } : { missing: `no memory controller in ${path}` };
}

function pathOf(root: string, lab: string): string {
  return join(root, `coaxial-lab-${lab}`);
}

/** The cgroup of one lab; a process starts in it by way of `words`. */
export class MemoryGroup {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
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
    return new MemoryGroup(path);
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
    return Number(readFileSync(join(this.#path, 'memory.current'), 'utf8'));
  }

  /** Members that the kernel has killed for want of memory. */
  get killed(): number {
    const events = readFileSync(join(this.#path, 'memory.events'), 'utf8');
    return Number(/^oom_kill (\d+)/m.exec(events)?.[1] ?? 0);
  }

  /** Sets the limit, bytes; undefined takes it away. What is used beyond it is reclaimed, or members are killed. */
  limit(bytes: number | undefined): void {
    writeFileSync(join(this.#path, 'memory.max'), bytes === undefined ? 'max' : String(Math.floor(bytes)));
  }
}
