import { existsSync } from 'node:fs';
import {
  attachClsact,
  attachTcx,
  BpfError,
  BpfLink,
  type BpfProgram,
  ClsactFilter,
  features,
  queryTcx,
  queryXdp,
} from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import type { Instance } from './instance.js';
import { type LinkChanges, type LinkKind, noChanges, syncLinks } from './pinned-links.js';
import { SOCKET_PIN } from './socket-attachment.js';
import { isXdpPin } from './xdp-attachments.js';

/** What a program is for at the place it sits. */
export type AttachmentRole = 'home' | 'peer' | 'ingress' | 'uplink' | 'transit' | 'tunnel';

/** A program that is to sit on an interface. */
export interface Attachment {
  role: AttachmentRole;
  interface: string;
  ifindex: number;
  direction: 'ingress' | 'egress';
  /** Name of the program in the object. */
  program: string;
}

export type AttachmentChanges = LinkChanges<Attachment>;

/** Our filter among those of a clsact qdisc, where the kernel has no TCX. */
const CLSACT_HANDLE = 0xc0a;
const CLSACT_PRIORITY = 0xc0a;

/**
 * Our programs on interfaces, found again by pin (TCX) or by handle and priority (clsact, kernels before
 * 6.6). A link belongs to the device itself, so another device with the same ifindex is never mistaken.
 */
export class Attachments {
  readonly #instance: Instance;
  readonly #programs: (name: string) => BpfProgram;
  readonly mechanism: 'tcx' | 'clsact';

  constructor(instance: Instance, programs: (name: string) => BpfProgram) {
    this.#instance = instance;
    this.#programs = programs;
    this.mechanism = features.tcx().supported ? 'tcx' : 'clsact';
  }

  /**
   * State of which programs sit on interfaces of another network namespace is not ours to adopt: the same
   * number may be another device here. The kernel is asked, nothing is noted down.
   * @throws DatapathError INSTANCE_ELSEWHERE
   */
  static refuseElsewhere(instance: Instance): void {
    for (const state of [instance, ...instance.predecessors()]) {
      for (const pin of state.linkPins()) {
        using link = BpfLink.fromPin(state.linkPin(pin));
        if (!(isXdpPin(pin) ? isXdpHere(link) : isHere(link))) {
          throw new DatapathError(
            'INSTANCE_ELSEWHERE',
            `the programs of instance ${instance.name} sit on interfaces of another network namespace`,
            `start the daemon there, run "coax down --instance ${instance.name}" there first, or choose another instance name`,
          );
        }
      }
    }
  }

  /**
   * Makes what is attached equal to `desired`; a program already there is replaced without a gap, also that
   * of an older version of this instance.
   */
  sync(desired: readonly Attachment[], ifindexes: readonly number[]): AttachmentChanges {
    return this.mechanism === 'tcx' ? this.#syncTcx(desired) : this.#syncClsact(desired, ifindexes);
  }

  /** Is everything attached still there? The kernel does not announce a removed pin or a detached program. */
  intact(expected: readonly Attachment[]): boolean {
    return expected.every((item) => {
      if (this.mechanism === 'clsact') {
        return ClsactFilter.at(item.ifindex, item.direction, CLSACT_HANDLE, CLSACT_PRIORITY).exists();
      }
      const path = this.#instance.linkPin(pinName(item));
      if (!existsSync(path)) {
        return false;
      }
      using link = BpfLink.fromPin(path);
      return link.info.ifindex === item.ifindex;
    });
  }

  /** Do programs look at what leaves an interface? Ours do so at the home interface alone, which nobody asks for. */
  othersAtEgress(ifindex: number): boolean {
    if (this.mechanism !== 'tcx') return false;
    try {
      return queryTcx(ifindex, 'egress').programs.length > 0;
    } catch (error) {
      if (error instanceof BpfError && error.code === 'ENODEV') return false;
      throw error;
    }
  }

  #syncTcx(desired: readonly Attachment[]): AttachmentChanges {
    const kind: LinkKind<Attachment> = {
      isOurs: (pin) => pin !== SOCKET_PIN && !isXdpPin(pin),
      fits: ({ ifindex }, item) => ifindex === item.ifindex,
      program: (item) => this.#programs(item.program),
      attach: (program, item) => attachTcx(program, item.ifindex, item.direction),
      failed: attachFailed,
    };
    return syncLinks(this.#instance, kind, new Map(desired.map((item) => [pinName(item), item])));
  }

  #syncClsact(desired: readonly Attachment[], ifindexes: readonly number[]): AttachmentChanges {
    const changes = noChanges<Attachment>();
    const wanted = new Set(desired.map((item) => `${item.ifindex}/${item.direction}`));
    for (const item of desired) {
      const program = this.#programs(item.program);
      const filter = ClsactFilter.at(item.ifindex, item.direction, CLSACT_HANDLE, CLSACT_PRIORITY);
      try {
        if (!filter.exists()) {
          attachClsact(program, item.ifindex, item.direction, {
            handle: CLSACT_HANDLE,
            priority: CLSACT_PRIORITY,
          });
          changes.attached.push(item);
        } else if (filter.programId() !== program.info.id) {
          filter.update(program);
          changes.updated.push(item);
        }
      } catch (error) {
        changes.failed.push({ item, error: attachFailed(item, error) });
      }
    }
    for (const ifindex of ifindexes) {
      for (const direction of ['ingress', 'egress'] as const) {
        if (!wanted.has(`${ifindex}/${direction}`) && detachClsact(ifindex, direction)) {
          changes.detached.push(`${direction}-${ifindex}`);
        }
      }
    }
    return changes;
  }

  /** Id of the program of our filter at a place, where the kernel has no TCX. */
  static clsactProgram(ifindex: number, direction: 'ingress' | 'egress'): number | undefined {
    return ClsactFilter.at(ifindex, direction, CLSACT_HANDLE, CLSACT_PRIORITY).programId();
  }

  /** Removes our filters from the given interfaces; TCX links go with their pins. */
  static removeClsact(ifindexes: readonly number[]): number {
    let removed = 0;
    for (const ifindex of ifindexes) {
      for (const direction of ['ingress', 'egress'] as const) {
        removed += detachClsact(ifindex, direction) ? 1 : 0;
      }
    }
    return removed;
  }
}

function pinName(item: Attachment): string {
  // By number: an interface name may hold a dot, which the bpf file system refuses.
  return `${item.role}-${item.ifindex}`;
}

/** Is what the link is attached to a device of this network namespace, or gone? */
function isHere(link: BpfLink): boolean {
  const { id, ifindex, direction } = link.info;
  if (!ifindex || !direction) {
    return true;
  }
  try {
    return queryTcx(ifindex, direction).programs.some(({ linkId }) => linkId === id);
  } catch (error) {
    if (error instanceof BpfError && error.code === 'ENODEV') {
      return false;
    }
    throw error;
  }
}

/** The same of an XDP link: the number may be another device here, with another program or none. */
function isXdpHere(link: BpfLink): boolean {
  const { ifindex, programId } = link.info;
  if (!ifindex) return true;
  try {
    return queryXdp(ifindex).programId === programId;
  } catch (error) {
    if (error instanceof BpfError && error.code === 'ENODEV') return false;
    throw error;
  }
}

function detachClsact(ifindex: number, direction: 'ingress' | 'egress'): boolean {
  const filter = ClsactFilter.at(ifindex, direction, CLSACT_HANDLE, CLSACT_PRIORITY);
  return filter.exists() && filter.detach();
}

function attachFailed(item: Attachment, cause: unknown): DatapathError {
  const reason =
    cause instanceof BpfError && cause.code === 'ENODEV' ? 'the interface vanished' : String(cause);
  return new DatapathError(
    'ATTACH_FAILED',
    `${item.program} could not be attached to ${item.interface} (${item.direction}): ${reason}`,
    `look at "bpftool net" for what else sits on ${item.interface}`,
    { cause },
  );
}
