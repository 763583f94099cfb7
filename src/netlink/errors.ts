import { constants } from 'node:os';

/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const NETLINK_ERRORS = {
  NETLINK_KERNEL: {
    means: 'the kernel refused a request; `errnoName` and the message say why',
    remedy: 'EPERM: CAP_NET_ADMIN is missing; otherwise correct what the message says was attempted',
  },
  NETLINK_SOCKET: {
    means: 'a netlink socket could not be opened, or sending failed',
    remedy: 'look for the limit of file descriptors and for missing privileges',
  },
  NETLINK_CLOSED: {
    means: 'the netlink socket or the monitor has been closed',
    remedy: "open another one; in the daemon's log it is harmless while it stops",
  },
  NETLINK_TIMEOUT: {
    means: 'a state that was waited for did not come in time',
    remedy: 'look at the interface or the route that was waited for',
  },
  NETLINK_OVERRUN: {
    means: 'the kernel had more to say than there was room for, and the answer to a request was lost',
    remedy: 'ask again; the daemon reads the whole state anew by itself',
  },
  NETLINK_DUMP: {
    means: 'the kernel changed so fast that a dump was not consistent, again and again',
    remedy: 'try again when there are fewer changes',
  },
  NETLINK_ARGUMENT: {
    means: 'a call of the library contradicts itself',
    remedy: 'correct the call as the message says',
  },
  NETLINK_DECODE: {
    means: 'bytes from the kernel are not the message they should be',
    remedy: 'please report it with the version of the kernel; the daemon reads the state anew',
  },
} as const;

export type NetlinkErrorCode = Exclude<keyof typeof NETLINK_ERRORS, 'NETLINK_DECODE'>;

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
  readonly code = 'NETLINK_DECODE' satisfies keyof typeof NETLINK_ERRORS;
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
