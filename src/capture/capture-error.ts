/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const CAPTURE_ERRORS = {
  CAPTURE_UNREADABLE: {
    means: 'a file is no capture that can be read, or has no such packet',
    remedy:
      'write one with `tcpdump -w FILE`; pcap and pcapng with Ethernet, Linux cooked or raw IP packets are read',
  },
} as const;

/** A capture that cannot be read; match on `code`. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code = 'CAPTURE_UNREADABLE' satisfies keyof typeof CAPTURE_ERRORS;
  /** What to do about it. */
  readonly hint: string;

  constructor(message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.hint = hint;
  }
}
