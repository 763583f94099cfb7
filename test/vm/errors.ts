/** What can go wrong with a virtual machine, told apart by `code`. */

/** This machine cannot run one: no QEMU, no kernel on offer, no network to fetch them. The rest of the tests can. */
export class VmUnavailableError extends Error {
  readonly code = 'VM_UNAVAILABLE';
  override readonly name = 'VmUnavailableError';
}

/** The guest did not start, or ended before its command did. */
export class VmFailedError extends Error {
  readonly code = 'VM_FAILED';
  override readonly name = 'VmFailedError';
}

/** The guest or its command took longer than allowed, and was ended. */
export class VmTimeoutError extends Error {
  readonly code = 'VM_TIMEOUT';
  override readonly name = 'VmTimeoutError';
}
