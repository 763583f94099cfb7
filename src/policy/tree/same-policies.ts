/** Which policies are those of before: a few come, go or move, and the others need not be looked at again. */
import { rulePartOf } from './expand.js';

/** Policies of a router, one behind the other in the order of their rank, see policy-words.ts. */
export interface PolicyWords {
  readonly words: Uint32Array;
  /** Where each policy starts, and behind the last one the end. */
  readonly starts: Uint32Array;
}

/** No policy of before. */
export const NEW = 0xffff_ffff;

/**
 * The rank that each policy had before, or NEW. Policies are the same when they decide the same packets, whatever
 * their FIDs; each one of before is taken once.
 */
export function matchPolicies(before: PolicyWords, now: PolicyWords): Uint32Array {
  const oldCount = before.starts.length - 1;
  const count = now.starts.length - 1;
  const shorter = Math.min(count, oldCount);
  const matches = new Uint32Array(count).fill(NEW);
  let head = 0;
  while (head < shorter && isSame(before, head, now, head)) {
    matches[head] = head;
    head++;
  }
  let tail = 0;
  while (tail < shorter - head && isSame(before, oldCount - 1 - tail, now, count - 1 - tail)) {
    matches[count - 1 - tail] = oldCount - 1 - tail;
    tail++;
  }
  // Between these: by what they ask, the first of before first.
  const next = new Uint32Array(oldCount).fill(NEW);
  const firsts = new Map<number, number>();
  for (let rank = oldCount - tail - 1; rank >= head; rank--) {
    const key = hash(before, rank);
    next[rank] = firsts.get(key) ?? NEW;
    firsts.set(key, rank);
  }
  if (firsts.size === 0) return matches;
  for (let rank = head; rank < count - tail; rank++) {
    const key = hash(now, rank);
    let previous = NEW;
    let found = firsts.get(key) ?? NEW;
    while (found !== NEW && !isSame(before, found, now, rank)) {
      previous = found;
      found = next[found] as number;
    }
    if (found === NEW) continue;
    matches[rank] = found;
    if (previous === NEW) firsts.set(key, next[found] as number);
    else next[previous] = next[found] as number;
  }
  return matches;
}

function isSame(a: PolicyWords, rankA: number, b: PolicyWords, rankB: number): boolean {
  const startA = rulePartOf(a.words, a.starts[rankA] as number);
  const startB = rulePartOf(b.words, b.starts[rankB] as number);
  const length = (a.starts[rankA + 1] as number) - startA;
  if ((b.starts[rankB + 1] as number) - startB !== length) return false;
  for (let at = 0; at < length; at++) {
    if (a.words[startA + at] !== b.words[startB + at]) return false;
  }
  return true;
}

function hash({ words, starts }: PolicyWords, rank: number): number {
  const end = starts[rank + 1] as number;
  let sum = 0;
  for (let at = rulePartOf(words, starts[rank] as number); at < end; at++) {
    sum = Math.imul(sum ^ (words[at] as number), 0x9e3779b1);
    sum ^= sum >>> 15;
  }
  return sum >>> 0;
}
