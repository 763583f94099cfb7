/** Makes a failing thing smaller as long as it fails. */

export interface Shrunk<T> {
  readonly smallest: T;
  /** How often it was tried. */
  readonly tries: number;
}

/**
 * Greedy: takes the first smaller one that still fails, and begins again with that.
 * @param smaller what could be left out, the largest steps first
 * @param most how often `fails` may be asked
 */
export async function shrink<T>(
  start: T,
  smaller: (from: T) => Iterable<T>,
  fails: (candidate: T) => Promise<boolean>,
  most: number,
): Promise<Shrunk<T>> {
  let smallest = start;
  let tries = 0;
  for (;;) {
    let found: T | undefined;
    for (const candidate of smaller(smallest)) {
      if (tries >= most) return { smallest, tries };
      tries += 1;
      if (await fails(candidate)) {
        found = candidate;
        break;
      }
    }
    if (found === undefined) return { smallest, tries };
    smallest = found;
  }
}

/** A list without one of its parts: halves first, then quarters, down to single elements. */
export function* withoutParts<T>(list: readonly T[]): Generator<T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < list.length; at += size) yield list.toSpliced(at, size);
  }
}
