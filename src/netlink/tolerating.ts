import { NetlinkError } from './errors.js';

/** Takes a refusal of the kernel with one of these errnos for the given value. */
export async function tolerating<T>(
  promise: Promise<T>,
  errnoNames: readonly string[],
  value: T,
): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (
      error instanceof NetlinkError &&
      error.errnoName !== undefined &&
      errnoNames.includes(error.errnoName)
    ) {
      return value;
    }
    throw error;
  }
}
