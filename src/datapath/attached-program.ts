import { BpfError, BpfLink, BpfProgram } from '../libbpf-ts/index.js';
import { type AttachmentRole, Attachments } from './attachments.js';
import type { Instance } from './instance.js';

/** A program of an instance that packets meet now. */
export interface AttachedProgram {
  role: AttachmentRole | undefined;
  /** Name in the object. */
  name: string;
  /** What the kernel made of its instructions: equal tags are equal programs. */
  tag: string;
}

const INGRESS_ROLES: readonly AttachmentRole[] = ['ingress', 'transit', 'uplink', 'tunnel'];

/**
 * The program of an instance that packets meet which come in by an interface, or undefined: they take the stack.
 * Needs CAP_SYS_ADMIN, as the kernel is asked for a program by its id.
 */
export function programAtIngress(instance: Instance, ifindex: number): AttachedProgram | undefined {
  for (const role of INGRESS_ROLES) {
    const found = programOf(instance, role, ifindex);
    if (found) {
      return found;
    }
  }
  return filterProgram(ifindex, 'ingress');
}

/** The program at the egress of the home interface. */
export function programAtHome(instance: Instance, ifindex: number): AttachedProgram | undefined {
  return programOf(instance, 'home', ifindex) ?? filterProgram(ifindex, 'egress');
}

function programOf(instance: Instance, role: AttachmentRole, ifindex: number): AttachedProgram | undefined {
  const pin = `${role}-${ifindex}`;
  if (!instance.linkPins().includes(pin)) {
    return undefined;
  }
  using link = BpfLink.fromPin(instance.linkPin(pin));
  return describe(link.info.programId, role);
}

/** Where the kernel has no TCX. */
function filterProgram(ifindex: number, direction: 'ingress' | 'egress'): AttachedProgram | undefined {
  const id = Attachments.clsactProgram(ifindex, direction);
  return id === undefined ? undefined : describe(id, undefined);
}

function describe(id: number, role: AttachmentRole | undefined): AttachedProgram | undefined {
  try {
    using program = BpfProgram.fromId(id);
    const { name, tag } = program.info;
    return { role, name, tag };
  } catch (error) {
    // Exchanged in this moment.
    if (error instanceof BpfError && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
