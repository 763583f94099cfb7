import { existsSync } from 'node:fs';
import { attachXdp, BpfError, BpfLink, type BpfProgram, queryXdp } from '../libbpf-ts/index.js';
import { DatapathError } from './datapath-error.js';
import type { Instance } from './instance.js';
import { type LinkChanges, type LinkKind, syncLinks } from './pinned-links.js';

/** How link pins of XDP programs begin; an interface has one XDP program, whatever it is for. */
const PIN = 'xdp-';

/** An XDP program that is to sit on an interface, in front of the TC program of the same name. */
export interface XdpAttachment {
  readonly interface: string;
  readonly ifindex: number;
  /** Name of the program in the XDP object. */
  readonly program: string;
  /** Where it runs: in the driver, or behind it. */
  readonly mode: 'native' | 'generic';
}

/** What a sync did; the packets of what failed are TC's. */
export type XdpChanges = LinkChanges<XdpAttachment>;

/** Is a link pin one of an XDP program? */
export function isXdpPin(name: string): boolean {
  return name.startsWith(PIN);
}

/** Our XDP programs on interfaces, found again by pin. */
export class XdpAttachments {
  readonly #instance: Instance;
  readonly #program: (name: string) => BpfProgram;

  constructor(instance: Instance, program: (name: string) => BpfProgram) {
    this.#instance = instance;
    this.#program = program;
  }

  /** Ids of our programs on an interface, also that of an older version: at most one is there at a time. */
  #programsOn(ifindex: number): number[] {
    return [this.#instance, ...this.#instance.predecessors()].flatMap((state) => {
      const path = state.linkPin(pinName(ifindex));
      if (!existsSync(path)) return [];
      using link = BpfLink.fromPin(path);
      const info = link.info;
      return info.ifindex === ifindex ? [info.programId] : [];
    });
  }

  /** Id of an XDP program of somebody else on an interface; undefined when there is none. */
  foreignOn(ifindex: number): number | undefined {
    try {
      const { programId } = queryXdp(ifindex);
      return programId === 0 || this.#programsOn(ifindex).includes(programId) ? undefined : programId;
    } catch (error) {
      if (error instanceof BpfError && error.code === 'ENODEV') return undefined;
      throw error;
    }
  }

  /**
   * Makes what is attached equal to `desired`; a program already there is replaced without a gap, also that of an
   * older version of this instance. Another mode needs a moment without: packets are TC's meanwhile. The program of
   * somebody else stays, and ours fails.
   */
  sync(desired: readonly XdpAttachment[]): XdpChanges {
    const kind: LinkKind<XdpAttachment> = {
      isOurs: isXdpPin,
      fits: ({ ifindex }, item) => ifindex === item.ifindex && queryXdp(item.ifindex).mode === item.mode,
      program: (item) => this.#program(item.program),
      attach: (program, item) => attachXdp(program, item.ifindex, { mode: item.mode }),
      failed: notAttached,
    };
    return syncLinks(this.#instance, kind, new Map(desired.map((item) => [pinName(item.ifindex), item])));
  }

  /** Is everything attached still there? The kernel does not announce a detached program. */
  intact(expected: readonly XdpAttachment[]): boolean {
    return expected.every(({ ifindex }) => this.#programsOn(ifindex).length > 0);
  }
}

function pinName(ifindex: number): string {
  return `${PIN}${ifindex}`;
}

/** What the errno of an attempt to attach means (dev_xdp_attach() in net/core/dev.c). */
const REASONS: Readonly<Record<string, string>> = {
  EBUSY: 'another XDP program is there',
  EEXIST: 'another XDP program is there',
  EOPNOTSUPP: 'its driver does not run XDP programs',
  ENODEV: 'the interface vanished',
  ERANGE: 'its MTU is too large for XDP',
};

function notAttached(item: XdpAttachment, cause: unknown): DatapathError {
  const reason = (cause instanceof BpfError && REASONS[cause.code]) || String(cause);
  return new DatapathError(
    'XDP_NOT_ATTACHED',
    `${item.program} could not be attached to ${item.interface} (XDP, ${item.mode}): ${reason}`,
    `set xdp.interfaces.${item.interface} to auto or off; TC carries its packets`,
    { cause },
  );
}
