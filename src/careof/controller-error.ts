/** Stable codes of what a controller cannot do. */
export type ControllerErrorCode =
  | 'HOME_INTERFACE_TAKEN'
  | 'TUNNEL_DEVICE_TAKEN'
  | 'PROTOCOL_TAKEN'
  | 'NOT_STARTED';

/** Something in the machine's state stands in the way; `hint` says what to do. */
export class ControllerError extends Error {
  override readonly name = 'ControllerError';
  readonly code: ControllerErrorCode;
  readonly hint: string;

  constructor(code: ControllerErrorCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
