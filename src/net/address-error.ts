export type AddressErrorCode = 'ADDRESS_INVALID' | 'PREFIX_INVALID' | 'PREFIX_HOST_BITS' | 'MAC_INVALID';

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
