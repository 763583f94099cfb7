import { constants } from 'node:os';

export type NetlinkErrorCode =
  | 'NETLINK_KERNEL'
  | 'NETLINK_SOCKET'
  | 'NETLINK_CLOSED'
  | 'NETLINK_TIMEOUT'
  | 'NETLINK_OVERRUN'
  | 'NETLINK_DUMP'
  | 'NETLINK_ARGUMENT';

export interface NetlinkErrorDetails {
  errno?: number | undefined;
  extack?: string | undefined;
  attempted?: string | undefined;
  cause?: unknown;
}

/** A request that failed; match on `code`, and for NETLINK_KERNEL on `errnoName`. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  readonly code: NetlinkErrorCode;
  /** Positive errno of the kernel. */
  readonly errno: number | undefined;
  /** The errno's symbol, such as EEXIST. */
  readonly errnoName: string | undefined;
  /** The kernel's own words (extended acknowledgement). */
  readonly extack: string | undefined;
  /** What was asked for, readable. */
  readonly attempted: string | undefined;

  constructor(code: NetlinkErrorCode, message: string, details: NetlinkErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errno = details.errno;
    this.errnoName = details.errno === undefined ? undefined : errnoName(details.errno);
    this.extack = details.extack;
    this.attempted = details.attempted;
  }
}

/** Bytes that are not the netlink message they should be. */
export class NetlinkDecodeError extends Error {
  override readonly name = 'NetlinkDecodeError';
  readonly code = 'NETLINK_DECODE';
}

/** Of two names for one number the kernel's own counts. */
const ERRNO_NAMES = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => name !== 'EWOULDBLOCK' && name !== 'ENOTSUP')
    .map(([name, number]) => [number, name]),
);

/** The symbol of a positive errno, such as ENOBUFS. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
}

/** The error of a kernel that refused what was attempted. */
export function kernelError(errno: number, extack: string | undefined, attempted: string): NetlinkError {
  const reason = extack === undefined ? errnoName(errno) : `${errnoName(errno)}: ${extack}`;
  return new NetlinkError('NETLINK_KERNEL', `Cannot ${attempted}: ${reason}${hintFor(errno)}`, {
    errno,
    extack,
    attempted,
  });
}

function hintFor(errno: number): string {
  const name = errnoName(errno);
  if (name === 'EPERM') return ' (CAP_NET_ADMIN is needed)';
  if (name === 'EOPNOTSUPP') return ' (this kernel does not have that kind of object)';
  return '';
}
