/**
 * Codes of requests that cannot be done. The API answers `UNKNOWN_*` with 404, `INVALID_*` with 400 and
 * the others with 409.
 */
export type RequestErrorCode =
  | 'UNKNOWN_ROUTER'
  | 'UNKNOWN_BINDING'
  | 'UNKNOWN_MAP'
  | 'INVALID_CARE_OF'
  | 'INVALID_CHANGE'
  | 'WRONG_ROLE'
  | 'RELOAD_REFUSED';

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
