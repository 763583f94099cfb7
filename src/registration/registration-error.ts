/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const REGISTRATION_ERRORS = {
  REGISTRATION_SETTINGS_INVALID: {
    means: 'a home agent or a mobile router cannot work with these settings, routers, bindings or flows',
    remedy: 'the message names what is wrong, and what it takes',
  },
  REGISTRATION_STATE_INVALID: {
    means: 'what was saved of a binding cache is not what is written there, so nothing of it is used',
    remedy:
      'remove the file that the message is about; the routers register again when they hear that they are not known',
  },
} as const;

export type RegistrationErrorCode = keyof typeof REGISTRATION_ERRORS;

/** Registration cannot work with what it was given by its own side; match on `code`. Never says anything of keys. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
  readonly code: RegistrationErrorCode;

  constructor(code: RegistrationErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
