export type SocketErrorCode =
  | 'DAEMON_RUNNING'
  | 'DAEMON_NOT_REACHABLE'
  | 'SOCKET_TAKEN'
  | 'SOCKET_FAILED'
  | 'SOCKET_PERMISSION'
  | 'BAD_ANSWER';

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
