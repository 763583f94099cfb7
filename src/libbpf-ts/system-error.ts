import { BpfError } from './errors.js';

/** An error of `node:fs` as a `BpfError`. */
export function systemError(error: unknown, operation: string): BpfError {
  const errno =
    error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? Math.abs(error.errno) : 5;
  const failed = new BpfError({ operation, errno });
  failed.cause = error;
  return failed;
}
