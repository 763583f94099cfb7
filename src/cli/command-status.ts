/** Thrown by a command that has said everything itself and only needs its exit status. */
export class CommandStatus extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`exit status ${status}`);
    this.status = status;
  }
}
