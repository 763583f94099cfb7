import { addon } from '../native/addon.js';
import { checkNumber, checkOneOf } from './check.js';
import { BpfError, native } from './errors.js';
import type { Direction } from './link.js';
import type { BpfProgram } from './program.js';

export interface ClsactOptions {
  /** Default: the kernel chooses. Together with `priority` it is the filter's identity. */
  handle?: number;
  /** 1..65535, lower runs first. */
  priority?: number;
  /** Replace the program of the filter with this handle and priority. */
  replace?: boolean;
}

const ENOENT = 2;
const EINVAL = 22;
const ENODEV = 19;

/**
 * A classic TC filter, for kernels without TCX. Unlike a link it belongs to no handle: it stays when the process ends,
 * and anyone with CAP_NET_ADMIN can take it away.
 */
export class ClsactFilter {
  readonly ifindex: number;
  readonly direction: Direction;
  readonly handle: number;
  readonly priority: number;

  private constructor(ifindex: number, direction: Direction, handle: number, priority: number) {
    checkNumber('ifindex', ifindex, 1);
    checkOneOf('direction', direction, ['ingress', 'egress']);
    checkNumber('handle', handle, 1);
    checkNumber('priority', priority, 1);
    this.ifindex = ifindex;
    this.direction = direction;
    this.handle = handle;
    this.priority = priority;
  }

  /** The filter at that place, there or not: after a restart. */
  static at(ifindex: number, direction: Direction, handle: number, priority: number): ClsactFilter {
    return new ClsactFilter(ifindex, direction, handle, priority);
  }

  /** The program of the filter; undefined when there is no such filter or interface. */
  programId(): number | undefined {
    const result = addon().tcQuery(this.ifindex, this.#egress, this.handle, this.priority);
    if (result > 0) return result;
    if (isAbsent(result)) return undefined;
    throw new BpfError({ operation: `query filter of interface ${this.ifindex}`, errno: -result });
  }

  exists(): boolean {
    return this.programId() !== undefined;
  }

  /** Replaces the program; packets on the way see the one or the other. */
  update(program: BpfProgram): void {
    const { handle, priority } = this;
    attachClsact(program, this.ifindex, this.direction, { handle, priority, replace: true });
  }

  /** False when it was gone already. The clsact qdisc stays, others may use it. */
  detach(): boolean {
    const result = addon().tcDetach(this.ifindex, this.#egress, this.handle, this.priority);
    if (result === 0) return true;
    if (isAbsent(result)) return false;
    throw new BpfError({ operation: `detach filter of interface ${this.ifindex}`, errno: -result });
  }

  get #egress(): number {
    return this.direction === 'egress' ? 1 : 0;
  }
}

/** No such filter; EINVAL: no clsact at all. */
function isAbsent(result: number): boolean {
  return result === -ENOENT || result === -EINVAL || result === -ENODEV;
}

/**
 * Attaches to the clsact qdisc, which is made when missing, in direct-action mode.
 * @throws BpfError EEXIST when handle and priority are taken and `replace` is not set
 */
export function attachClsact(
  program: BpfProgram,
  ifindex: number,
  direction: Direction,
  options: ClsactOptions = {},
): ClsactFilter {
  checkNumber('ifindex', ifindex, 1);
  checkOneOf('direction', direction, ['ingress', 'egress']);
  const { handle = 0, priority = 0, replace = false } = options;
  checkNumber('handle', handle);
  checkNumber('priority', priority);
  const egress = direction === 'egress' ? 1 : 0;
  const made = native(
    () => addon().tcAttach(ifindex, egress, handle, priority, program.fd, replace ? 1 : 0),
    { operation: `attach program '${program.name}' to clsact ${direction} of interface ${ifindex}` },
  );
  return ClsactFilter.at(ifindex, direction, made.handle, made.priority);
}
