import { addon, type NativeLink } from '../native/addon.js';
import { checkName, checkNumber } from './check.js';
import { native } from './errors.js';
import { Handle } from './handle.js';
import { ATTACH_TYPES, type LinkType, linkTypeName } from './kernel-types.js';
import type { BpfProgram } from './program.js';

export type Direction = 'ingress' | 'egress';

export interface LinkInfo {
  id: number;
  type: LinkType;
  typeNumber: number;
  programId: number;
  /** Of links on interfaces: 0 when the interface has gone. */
  ifindex?: number;
  attachType?: number;
  /** Of TCX links. */
  direction?: Direction;
}

/**
 * An attachment that the kernel keeps as long as something refers to it: this handle, another, or a pin. Closing the
 * last of them detaches the program.
 */
export class BpfLink extends Handle<NativeLink> {
  /** @internal Use the `attach...` functions or the static methods. */
  constructor(handle: NativeLink) {
    super(handle, 'link');
  }

  static fromPin(path: string): BpfLink {
    checkName('path', path);
    const operation = `open the link pinned at ${path}`;
    return new BpfLink(native(() => addon().BpfLink.fromPin(path), { operation }));
  }

  /** Needs CAP_SYS_ADMIN. */
  static fromId(id: number): BpfLink {
    checkNumber('id', id, 1);
    return new BpfLink(
      native(() => addon().BpfLink.fromId(id), { operation: `open the link with id ${id}` }),
    );
  }

  get info(): LinkInfo {
    const { type, attachType, ...rest } = native(() => this.handle.info());
    const info: LinkInfo = { ...rest, type: linkTypeName(type), typeNumber: type };
    if (attachType !== undefined) info.attachType = attachType;
    if (attachType === ATTACH_TYPES.tcxIngress) info.direction = 'ingress';
    if (attachType === ATTACH_TYPES.tcxEgress) info.direction = 'egress';
    return info;
  }

  /**
   * Replaces the program; no packet sees neither or both.
   * @param options.replace only when this program is the one attached, else EPERM
   * @throws BpfError ENOLINK when the interface has gone
   */
  update(program: BpfProgram, options: { replace?: BpfProgram } = {}): void {
    const hint =
      options.replace === undefined ? undefined : 'another program than the expected one is attached';
    const context = { operation: 'update link', ...(hint === undefined ? {} : { hint }) };
    native(() => this.handle.update(program.fd, options.replace?.fd), context);
  }

  /** Detaches now, whoever else refers to the link. */
  detach(): void {
    native(() => this.handle.detach());
  }

  dup(): BpfLink {
    return new BpfLink(native(() => this.handle.dup()));
  }
}
