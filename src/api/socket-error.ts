/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const SOCKET_ERRORS = {
  DAEMON_RUNNING: {
    means: 'a daemon already answers on that socket',
    remedy: 'stop it, or give this one its own `instance:` and `socket:`',
  },
  DAEMON_NOT_REACHABLE: {
    means: 'no daemon answers on that socket',
    remedy: 'start it, or say where it is with --socket, --instance or --config',
  },
  SOCKET_TAKEN: {
    means: 'the path of the socket exists and is no socket',
    remedy: 'remove it or set another `socket:`',
  },
  SOCKET_FAILED: {
    means: 'the socket could not be made',
    remedy: 'the folder must exist and be writable, the path have at most 107 bytes',
  },
  SOCKET_PERMISSION: {
    means: 'this user may not use the socket, or not make it',
    remedy: 'run as root or as a member of the group of the socket',
  },
  BAD_ANSWER: {
    means: 'what answered on the socket is no daemon of coaxial',
    remedy: 'check --socket and --instance',
  },
} as const;

export type SocketErrorCode = keyof typeof SOCKET_ERRORS;

/** The Unix socket between the daemon and its clients cannot be used. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
  readonly code: SocketErrorCode;
  readonly hint: string;

  constructor(code: SocketErrorCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
