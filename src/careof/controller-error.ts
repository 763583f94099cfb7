/** Every code with what it means and what to do: `docs/errors.md` is made of this. */
export const CONTROLLER_ERRORS = {
  HOME_INTERFACE_TAKEN: {
    means: 'an interface of that name exists and is not ours',
    remedy: 'set `home.interface` to a free name, or remove the other interface',
  },
  TUNNEL_DEVICE_TAKEN: {
    means: 'a device with the name of the tunnel device exists and is not ours, or is of another kind',
    remedy:
      'set `external.device`, or `device.name` of the binding, to a free name, or remove the other device',
  },
  PROTOCOL_TAKEN: {
    means:
      "another instance in this network namespace uses the same `routing.protocol`; they would remove each other's routes",
    remedy: 'give one of them another number',
  },
  NOT_STARTED: {
    means: 'the controller was asked before it started or after it stopped',
    remedy: 'start the daemon and ask again',
  },
} as const;

export type ControllerErrorCode = keyof typeof CONTROLLER_ERRORS;

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
