import { existsSync, renameSync } from 'node:fs';
import { attachCgroupSocketCreate, BpfLink, type BpfProgram } from '../libbpf-ts/index.js';
import { cgroupMount } from './cgroup.js';
import { DatapathError } from './datapath-error.js';
import type { Instance } from './instance.js';

/** Its name in the object. */
export const SOCKET_PROGRAM = 'coax_socket';
/** Named as the pins of interfaces are; there is only one. */
export const SOCKET_PIN = 'sockets-0';

/** The program that marks the sockets of cgroups that bypass us; it sits on the cgroup above all. */
export class SocketAttachment {
  readonly #instance: Instance;
  readonly #program: () => BpfProgram;

  constructor(instance: Instance, program: () => BpfProgram) {
    this.#instance = instance;
    this.#program = program;
  }

  /** Whether it is attached. */
  get attached(): boolean {
    return existsSync(this.#instance.linkPin(SOCKET_PIN));
  }

  /**
   * Attaches it, or takes it away, and replaces the program of an older version of this instance.
   * @throws DatapathError ATTACH_FAILED
   */
  sync(wanted: boolean): void {
    const own = this.#instance.linkPin(SOCKET_PIN);
    for (const state of [this.#instance, ...this.#instance.predecessors()]) {
      const path = state.linkPin(SOCKET_PIN);
      if (!existsSync(path)) continue;
      using link = BpfLink.fromPin(path);
      if (!wanted || (path !== own && existsSync(own))) {
        link.unpin(path);
        continue;
      }
      const program = this.#program();
      if (link.info.programId !== program.info.id) link.update(program);
      if (path !== own) renameSync(path, own);
    }
    if (!wanted || existsSync(own)) return;
    const mount = cgroupMount();
    if (mount === undefined) {
      throw new DatapathError(
        'ATTACH_FAILED',
        'policies let processes of a cgroup bypass, and the cgroup file system (version 2) is not mounted',
        'mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified',
      );
    }
    try {
      using link = attachCgroupSocketCreate(this.#program(), mount);
      link.pin(own);
    } catch (cause) {
      throw new DatapathError(
        'ATTACH_FAILED',
        `${SOCKET_PROGRAM} could not be attached to ${mount}: ${String(cause)}`,
        'look at "bpftool cgroup show" for what else sits there',
        { cause },
      );
    }
  }
}
