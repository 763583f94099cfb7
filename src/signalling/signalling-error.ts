/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const SIGNALLING_ERRORS = {
  PACKET_SOCKET_REFUSED: {
    means: 'the kernel gives the daemon no socket by which it could send mobility headers',
    remedy: 'give the daemon CAP_NET_RAW, as the systemd unit does',
  },
  JOURNAL_UNREADABLE: {
    means: 'what a home agent has written down of its registrations cannot be read',
    remedy:
      'nothing is needed: the file was put aside, and mobile routers register again within their lifetime',
  },
  JOURNAL_NOT_WRITTEN: {
    means: 'a home agent cannot write down registrations; they hold, but not over a restart of the machine',
    remedy: 'make the folder of `state:` writable for the daemon, with room for a kilobyte for each router',
  },
} as const;

export type SignallingErrorCode = keyof typeof SIGNALLING_ERRORS;

/** Registrations cannot be sent or received. */
export class SignallingError extends Error {
  override readonly name = 'SignallingError';
  readonly code: SignallingErrorCode;
  readonly hint: string;

  constructor(code: SignallingErrorCode, message: string) {
    super(message);
    this.code = code;
    this.hint = SIGNALLING_ERRORS[code].remedy;
  }
}
