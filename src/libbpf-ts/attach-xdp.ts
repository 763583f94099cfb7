import { addon } from '../native/addon.js';
import { checkNumber, checkOneOf } from './check.js';
import { native } from './errors.js';
import { ATTACH_TYPES } from './kernel-types.js';
import { BpfLink } from './link.js';
import type { BpfProgram } from './program.js';

/** XDP_FLAGS_*_MODE */
const MODES = { generic: 2, native: 4, offload: 8 } as const;

export type XdpMode = keyof typeof MODES;

export interface AttachXdpOptions {
  /** Where the program runs: in the driver (`native`), behind it (`generic`), in the card. Default: the kernel's choice. */
  mode?: XdpMode;
}

/**
 * Attaches the one XDP program of an interface, in the network namespace of the calling process. To replace a program,
 * `update` its link.
 * @throws BpfError EBUSY when another program is attached, EOPNOTSUPP when the driver lacks the mode
 */
export function attachXdp(program: BpfProgram, ifindex: number, options: AttachXdpOptions = {}): BpfLink {
  checkNumber('ifindex', ifindex, 1);
  if (options.mode !== undefined) checkOneOf('mode', options.mode, ['native', 'generic', 'offload']);
  const flags = options.mode === undefined ? 0 : MODES[options.mode];
  const operation = `attach program '${program.name}' to XDP of interface ${ifindex}`;
  return new BpfLink(
    native(() => addon().BpfLink.create(program.fd, ifindex, ATTACH_TYPES.xdp, flags), { operation }),
  );
}

export interface XdpState {
  mode: XdpMode | 'none' | 'multi';
  /** 0: none. */
  programId: number;
}

/** XDP_ATTACHED_*, by number. */
const STATES = ['none', 'native', 'generic', 'offload', 'multi'] as const;

/** What XDP program an interface has, ours or not. */
export function queryXdp(ifindex: number): XdpState {
  checkNumber('ifindex', ifindex, 1);
  const { mode, programId } = native(() => addon().queryXdp(ifindex), {
    operation: `query XDP of interface ${ifindex}`,
  });
  return { mode: STATES[mode] ?? 'none', programId };
}
