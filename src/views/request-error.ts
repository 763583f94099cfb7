/** Every code with what it means and what to do: `docs/errors.md` is made of this. The API answers `UNKNOWN_*`
 * with 404, `INVALID_*` with 400 and the others with 409.
 * */
export const REQUEST_ERRORS = {
  UNKNOWN_ROUTER: {
    means: 'there is no mobile router of that name, or there are several and none was named',
    remedy: 'name one of those that the message lists: --router NAME',
  },
  UNKNOWN_BINDING: {
    means: 'the router has no binding with that Binding ID',
    remedy: 'use one of the BIDs that the message lists; `coax bindings` shows them',
  },
  UNKNOWN_MAP: {
    means: 'there is no map of that name',
    remedy: '`coax maps` lists them',
  },
  INVALID_CARE_OF: {
    means:
      "the address cannot be a care-of address: not global unicast, the home agent's own, or inside a home prefix",
    remedy: 'give the address that the mobile router has on the visited network',
  },
  INVALID_CHANGE: {
    means: 'the change of a binding contradicts itself',
    remedy: 'give one of --care-of, --down and --up',
  },
  WRONG_ROLE: {
    means: 'what was asked belongs to the other role',
    remedy: 'ask the other end: care-of addresses are registered at the home agent',
  },
  NOT_REGISTERING: {
    means: 'there is no registration to end: the configuration of this mobile router has no `registration:`',
    remedy: 'tell the home agent by hand: `coax binding set` there',
  },
  RELOAD_REFUSED: {
    means: 'the new configuration changes what cannot change while the daemon runs; the old one stays',
    remedy: '`coax down`, then start the daemon with the new file',
  },
} as const;

export type RequestErrorCode = keyof typeof REQUEST_ERRORS;

/** A request the controller refuses; nothing has been changed. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestErrorCode;
  /** What to do instead. */
  readonly hint: string;

  constructor(code: RequestErrorCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
