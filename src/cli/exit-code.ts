/** What the exit status of `coax` means. */
export const EXIT = {
  OK: 0,
  FAILED: 1,
  USAGE: 2,
  NOT_REACHABLE: 3,
  PERMISSION: 4,
  BAD_CONFIG: 78,
} as const;

const BY_CODE: Readonly<Record<string, number>> = {
  USAGE: EXIT.USAGE,
  BAD_INPUT: EXIT.USAGE,
  PACKET_INVALID: EXIT.USAGE,
  INTERFACE_UNKNOWN: EXIT.USAGE,
  CGROUP_UNKNOWN: EXIT.USAGE,
  DAEMON_NOT_REACHABLE: EXIT.NOT_REACHABLE,
  SOCKET_PERMISSION: EXIT.PERMISSION,
  LOCK_PERMISSION: EXIT.PERMISSION,
  EPERM: EXIT.PERMISSION,
  EACCES: EXIT.PERMISSION,
};

/** The exit status for an error: by its code, else by that of its cause. */
export function exitCodeOf(error: unknown): number {
  const { code, errnoName, cause } = (error ?? {}) as {
    code?: unknown;
    errnoName?: unknown;
    cause?: unknown;
  };
  if (typeof code !== 'string') return EXIT.FAILED;
  if (code.startsWith('CONFIG_')) return EXIT.BAD_CONFIG;
  const known = BY_CODE[code] ?? (typeof errnoName === 'string' ? BY_CODE[errnoName] : undefined);
  return known ?? (cause === undefined ? EXIT.FAILED : exitCodeOf(cause));
}
