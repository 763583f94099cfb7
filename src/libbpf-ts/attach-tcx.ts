import { addon } from '../native/addon.js';
import { checkNumber, checkOneOf } from './check.js';
import { BpfError, native } from './errors.js';
import { ATTACH_TYPES } from './kernel-types.js';
import { BpfLink, type Direction } from './link.js';
import type { BpfProgram } from './program.js';

const attachType = (direction: Direction): number =>
  direction === 'ingress' ? ATTACH_TYPES.tcxIngress : ATTACH_TYPES.tcxEgress;

/**
 * Attaches behind the programs that are there already (Linux 6.6, see `features.tcx()`). Acts in the network namespace
 * of the calling process. The program's section is `tc`.
 * @throws BpfError ENODEV without such an interface, EINVAL before Linux 6.6
 */
export function attachTcx(program: BpfProgram, ifindex: number, direction: Direction): BpfLink {
  checkNumber('ifindex', ifindex, 1);
  checkOneOf('direction', direction, ['ingress', 'egress']);
  const operation = `attach program '${program.name}' to TCX ${direction} of interface ${ifindex}`;
  return new BpfLink(
    native(() => addon().BpfLink.create(program.fd, ifindex, attachType(direction), 0), { operation }),
  );
}

export interface AttachedPrograms {
  /** Changes with every change at the hook. */
  revision: bigint;
  /** In the order they run. `linkId` 0: attached without a link. */
  programs: { programId: number; linkId: number }[];
}

/** What runs at a TCX hook, ours or not. */
export function queryTcx(ifindex: number, direction: Direction): AttachedPrograms {
  checkNumber('ifindex', ifindex, 1);
  checkOneOf('direction', direction, ['ingress', 'egress']);
  const result = addon().queryPrograms(ifindex, attachType(direction));
  if (typeof result !== 'number') return result;
  throw new BpfError({ operation: `query TCX ${direction} of interface ${ifindex}`, errno: -result });
}
