/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const MOBILITY_ERRORS = {
  MOBILITY_TRUNCATED: {
    means: 'a message, an option or a header promises more bytes than there are',
    remedy: 'the message names the offset; capture whole packets: `tcpdump -s 0 -w FILE`',
  },
  MOBILITY_HEADER_INVALID: {
    means: 'a fixed field of a mobility header or of the packet around it has a value that it must not have',
    remedy: 'the message names the offset and the rule; the sender is at fault',
  },
  MOBILITY_OPTION_INVALID: {
    means: 'an option has a length or a content that its specification does not allow',
    remedy: 'the message names the offset and the rule; the sender is at fault',
  },
  MOBILITY_VALUE_INVALID: {
    means: 'a value that was to be encoded has no place in its field, or breaks a rule of the message',
    remedy: 'the message says what the field takes',
  },
  MOBILITY_TOO_LONG: {
    means: 'a message or an option that was to be encoded is longer than its length field can say',
    remedy: 'spread the options over several messages',
  },
} as const;

export type MobilityErrorCode = keyof typeof MOBILITY_ERRORS;

/** A message that cannot be decoded or encoded; match on `code`. */
export class MobilityError extends Error {
  override readonly name = 'MobilityError';
  readonly code: MobilityErrorCode;
  /** Of the byte that is wrong, or where the value would have been written; counted from the first byte given. */
  readonly offset: number;
  /** The section that is not kept, such as `RFC 5648 section 4.3`. */
  readonly rule: string;

  constructor(code: MobilityErrorCode, offset: number, rule: string, what: string) {
    super(`at byte ${offset}: ${what} (${rule})`);
    this.code = code;
    this.offset = offset;
    this.rule = rule;
  }
}
