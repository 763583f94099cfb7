/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const ADDRESS_ERRORS = {
  ADDRESS_INVALID: {
    means: 'a text is not an IP address, or the bytes are not 4 or 16',
    remedy: 'write the address alone, without prefix length or zone',
  },
  PREFIX_INVALID: {
    means: 'a text is not a prefix, or its length is out of range',
    remedy: 'write ADDRESS/LENGTH, for example 2001:db8::/32',
  },
  PREFIX_HOST_BITS: {
    means: 'a prefix has bits set behind its length',
    remedy: 'write the prefix that the message names',
  },
  MAC_INVALID: {
    means: 'a text is not a MAC address, or there are not 6 bytes',
    remedy: 'write six hexadecimal bytes, for example 02:00:00:00:00:01',
  },
} as const;

export type AddressErrorCode = keyof typeof ADDRESS_ERRORS;

/** A text or byte string that is not the address it should be; match on `code`. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly code: AddressErrorCode;
  /** What was given, as text. */
  readonly input: string;

  constructor(code: AddressErrorCode, input: string, message: string) {
    super(message);
    this.code = code;
    this.input = input;
  }
}
