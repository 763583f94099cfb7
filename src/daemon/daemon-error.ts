export type DaemonErrorCode =
  | 'INSTANCE_RUNNING'
  | 'LOCK_FAILED'
  | 'LOCK_PERMISSION'
  | 'STOP_FAILED'
  | 'NOT_OUR_DAEMON';

/** The daemon, or what takes its place for a moment, cannot run. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  readonly code: DaemonErrorCode;
  readonly hint: string;

  constructor(code: DaemonErrorCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
