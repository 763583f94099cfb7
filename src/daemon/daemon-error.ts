/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const DAEMON_ERRORS = {
  INSTANCE_RUNNING: {
    means: 'a daemon or another command of this instance is at work',
    remedy: 'wait for it or stop it; a second daemon needs its own `instance:`',
  },
  LOCK_FAILED: {
    means: 'the lock file beside the socket could not be made or locked',
    remedy: 'look at the folder that the message names: does it exist, is there room?',
  },
  LOCK_PERMISSION: {
    means: 'the lock file may not be written by this user',
    remedy: 'run as root, or as the user of the daemon',
  },
  STOP_FAILED: {
    means: 'the daemon did not stop when it was asked to',
    remedy: 'stop it by the pid in the message, then `coax down` again',
  },
  NOT_OUR_DAEMON: {
    means:
      'the pid in the lock file belongs to something that is no daemon of this instance; it was not touched',
    remedy: 'stop whatever holds the lock by hand',
  },
} as const;

export type DaemonErrorCode = keyof typeof DAEMON_ERRORS;

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
