/**
 * Sets that one field of a packet can be in, for `lint.ts`: ranks of its possible values as sorted, disjoint
 * pairs `low, high`, and marks as disjoint pairs `value, mask`. Plain arrays, because there are many.
 */
export type FieldSet = readonly number[];

/** What both ranges of ranks have. */
export function intersectRanks(a: FieldSet, b: FieldSet): FieldSet {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const low = Math.max(at(a, i), at(b, j));
    const high = Math.min(at(a, i + 1), at(b, j + 1));
    if (low <= high) both.push(low, high);
    if (at(a, i + 1) < at(b, j + 1)) i += 2;
    else j += 2;
  }
  return both;
}

/** What only the first has. */
export function subtractRanks(a: FieldSet, b: FieldSet): FieldSet {
  const left: number[] = [];
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    let low = at(a, i);
    const high = at(a, i + 1);
    while (j < b.length && at(b, j + 1) < low) j += 2;
    for (let k = j; k < b.length && at(b, k) <= high; k += 2) {
      if (at(b, k) > low) left.push(low, at(b, k) - 1);
      low = at(b, k + 1) + 1;
    }
    if (low <= high) left.push(low, high);
  }
  return left;
}

/** Whether there is a rank in both. */
export function ranksMeet(a: FieldSet, b: FieldSet): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (at(a, i + 1) < at(b, j)) i += 2;
    else if (at(b, j + 1) < at(a, i)) j += 2;
    else return true;
  }
  return false;
}

/** Whether the first has all of the second. */
export function coversRanks(a: FieldSet, b: FieldSet): boolean {
  let i = 0;
  for (let j = 0; j < b.length; j += 2) {
    while (i < a.length && at(a, i + 1) < at(b, j)) i += 2;
    if (i >= a.length || at(a, i) > at(b, j) || at(a, i + 1) < at(b, j + 1)) return false;
  }
  return true;
}

/** Every mark there is. */
export const ALL_MARKS: FieldSet = [0, 0];

/** What both sets of marks have. */
export function intersectMarks(a: FieldSet, b: FieldSet): FieldSet {
  const both: number[] = [];
  for (let i = 0; i < a.length; i += 2) {
    for (let j = 0; j < b.length; j += 2) {
      if (cubesMeet(a, i, b, j)) both.push((at(a, i) | at(b, j)) >>> 0, (at(a, i + 1) | at(b, j + 1)) >>> 0);
    }
  }
  return both;
}

/** What only the first has. */
export function subtractMarks(a: FieldSet, b: FieldSet): FieldSet {
  let left = a;
  for (let j = 0; j < b.length; j += 2) {
    const next: number[] = [];
    for (let i = 0; i < left.length; i += 2) {
      if (!cubesMeet(left, i, b, j)) {
        next.push(at(left, i), at(left, i + 1));
        continue;
      }
      // One piece for each bit that the second asks for and the first leaves open: there they differ.
      let [value, mask] = [at(left, i), at(left, i + 1)];
      for (let open = (at(b, j + 1) & ~mask) >>> 0; open !== 0; ) {
        const bit = (open & -open) >>> 0;
        open = (open ^ bit) >>> 0;
        const wanted = (at(b, j) & bit) >>> 0;
        mask = (mask | bit) >>> 0;
        next.push((value | (bit ^ wanted)) >>> 0, mask);
        value = (value | wanted) >>> 0;
      }
    }
    left = next;
  }
  return left;
}

/** Whether there is a mark in both. */
export function marksMeet(a: FieldSet, b: FieldSet): boolean {
  for (let i = 0; i < a.length; i += 2) {
    for (let j = 0; j < b.length; j += 2) {
      if (cubesMeet(a, i, b, j)) return true;
    }
  }
  return false;
}

/** Whether the first has all of the second. */
export function coversMarks(a: FieldSet, b: FieldSet): boolean {
  return subtractMarks(b, a).length === 0;
}

function cubesMeet(a: FieldSet, i: number, b: FieldSet, j: number): boolean {
  return ((at(a, i) ^ at(b, j)) & at(a, i + 1) & at(b, j + 1)) === 0;
}

function at(set: FieldSet, index: number): number {
  return set[index] as number;
}
