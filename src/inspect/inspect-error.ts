/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const INSPECT_ERRORS = {
  PACKET_INVALID: {
    means: 'the packet that was described cannot be built',
    remedy: 'the message says which of its fields do not go together',
  },
  PACKET_TOO_LONG: {
    means: 'the kernel takes no packet of this length for a test run',
    remedy: 'describe a shorter one: what is too big for every binding is too big already above 1500 bytes',
  },
  INTERFACE_UNKNOWN: {
    means: 'there is no interface of this name',
    remedy: '`ip link` lists them; run it in the network namespace of the daemon',
  },
  CGROUP_UNKNOWN: {
    means: 'there is no cgroup of this path',
    remedy: '`/proc/PID/cgroup` shows the path of a process behind `0::`',
  },
} as const;

/** A question that cannot be put; match on `code`. */
export class InspectError extends Error {
  override readonly name = 'InspectError';
  readonly code: keyof typeof INSPECT_ERRORS;
  /** What to do about it. */
  readonly hint: string;

  constructor(
    code: keyof typeof INSPECT_ERRORS,
    message: string,
    hint: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
