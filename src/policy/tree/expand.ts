/** Policies into rules: lists, ranges of addresses and sets become boxes, every combination a rule of its own. */
import {
  ADDRESS_FIELDS,
  AT_ACTION,
  FIRST_NUMBER_BIT,
  MARK_BIT,
  NUMBER_FIELDS,
  POLICY_HEAD,
} from './policy-words.js';
import { type RuleStore, WORD_MAX } from './rule-store.js';

/** Where the part of a policy starts that says which packets it decides. */
export function rulePartOf(words: Uint32Array, policy: number): number {
  return policy + POLICY_HEAD + 2 * ((words[policy + AT_ACTION] as number) >>> 16);
}

/** One way to satisfy a field: pairs of low and high for consecutive key fields. */
interface Alternatives {
  readonly field: number;
  readonly boxes: readonly (readonly number[])[];
}

/**
 * Adds the rules of one policy to a store, unless they are more than `most`.
 * @returns false when they are
 */
export function addRules(
  store: RuleStore,
  words: Uint32Array,
  policy: number,
  rank: number,
  most: number,
): boolean {
  if (addPlain(store, words, policy, rank)) return true;
  let at = rulePartOf(words, policy);
  const active = words[at++] as number;
  const present = words[at++] as number;
  const all: Alternatives[] = [];
  let combinations = 1;
  const take = (field: number, boxes: number[][]): void => {
    all.push({ field, boxes });
    combinations *= boxes.length;
  };
  for (const [bit, [, field]] of ADDRESS_FIELDS.entries()) {
    if ((present & (1 << bit)) === 0) continue;
    const count = words[at++] as number;
    const boxes: number[][] = [];
    for (let range = 0; range < count; range++, at += 8) addressBoxes(words, at, boxes);
    take(field, boxes);
  }
  for (const [position, [, field]] of NUMBER_FIELDS.entries()) {
    if ((present & (1 << (FIRST_NUMBER_BIT + position))) === 0) continue;
    const count = words[at++] as number;
    const boxes: number[][] = [];
    for (let range = 0; range < count; range++, at += 2) {
      boxes.push([words[at] as number, words[at + 1] as number]);
    }
    take(field, boxes);
  }
  const marked = (present & (1 << MARK_BIT)) !== 0;
  const value = marked ? (words[at] as number) : 0;
  const mask = marked ? (words[at + 1] as number) : 0;
  // Without a binding that could ever be usable it decides nothing.
  if (active === 0) return true;
  if (combinations > most) return false;
  const chosen = all.map(() => 0);
  for (let left = combinations; left > 0; left--) {
    const rule = store.add(rank, active, value, mask);
    for (const [which, { field, boxes }] of all.entries()) {
      const box = boxes[chosen[which] as number] as readonly number[];
      for (let word = 0; word < box.length; word += 2) {
        store.restrict(rule, field + word / 2, box[word] as number, box[word + 1] as number);
      }
    }
    for (let which = 0; which < all.length; which++) {
      chosen[which] = (chosen[which] as number) + 1;
      if ((chosen[which] as number) < (all[which] as Alternatives).boxes.length) break;
      chosen[which] = 0;
    }
  }
  return true;
}

/** The same for a policy with one prefix or range in each field, as most are. @returns false for others */
function addPlain(store: RuleStore, words: Uint32Array, policy: number, rank: number): boolean {
  const start = rulePartOf(words, policy);
  const active = words[start] as number;
  const present = words[start + 1] as number;
  if (active === 0) return true;
  let at = start + 2;
  for (let bit = 0; bit < MARK_BIT; bit++) {
    if ((present & (1 << bit)) === 0) continue;
    if (words[at] !== 1) return false;
    const isAddress = bit < FIRST_NUMBER_BIT;
    if (isAddress && !isPrefix(words, at + 1)) return false;
    at += isAddress ? 9 : 3;
  }
  const marked = (present & (1 << MARK_BIT)) !== 0;
  const rule = store.add(
    rank,
    active,
    marked ? (words[at] as number) : 0,
    marked ? (words[at + 1] as number) : 0,
  );
  at = start + 2;
  for (let bit = 0; bit < MARK_BIT; bit++) {
    if ((present & (1 << bit)) === 0) continue;
    const isAddress = bit < FIRST_NUMBER_BIT;
    const field = (isAddress ? ADDRESS_FIELDS[bit] : NUMBER_FIELDS[bit - FIRST_NUMBER_BIT])?.[1] as number;
    const width = isAddress ? 4 : 1;
    for (let word = 0; word < width; word++) {
      store.restrict(
        rule,
        field + word,
        words[at + 1 + word] as number,
        words[at + 1 + width + word] as number,
      );
    }
    at += 1 + 2 * width;
  }
  return true;
}

/** Whether a range of addresses is one box: words that are one value, one that is a range, words that are all. */
function isPrefix(words: Uint32Array, at: number): boolean {
  let word = 0;
  while (word < 4 && words[at + word] === words[at + 4 + word]) word++;
  for (word++; word < 4; word++) {
    if (words[at + word] !== 0 || words[at + 4 + word] !== WORD_MAX) return false;
  }
  return true;
}

/** A range of addresses (four words, then four words) as boxes of four ranges of words; a prefix is one. */
export function addressBoxes(words: Uint32Array, at: number, boxes: number[][]): void {
  const low = words.subarray(at, at + 4);
  const high = words.subarray(at + 4, at + 8);
  split(low, high, 0, [], boxes);
}

const ZERO = new Uint32Array(4);
const LAST = new Uint32Array(4).fill(WORD_MAX);

function split(
  low: Uint32Array,
  high: Uint32Array,
  word: number,
  fixed: readonly number[],
  boxes: number[][],
): void {
  const first = low[word] as number;
  const last = high[word] as number;
  const lowStarts = restIs(low, word + 1, 0);
  const highEnds = restIs(high, word + 1, WORD_MAX);
  if (lowStarts && highEnds) {
    boxes.push(whole([...fixed, first, last], word + 1));
  } else if (first === last) {
    split(low, high, word + 1, [...fixed, first, first], boxes);
  } else {
    if (!lowStarts) split(low, LAST, word + 1, [...fixed, first, first], boxes);
    const from = lowStarts ? first : first + 1;
    const to = highEnds ? last : last - 1;
    if (from <= to) boxes.push(whole([...fixed, from, to], word + 1));
    if (!highEnds) split(ZERO, high, word + 1, [...fixed, last, last], boxes);
  }
}

function restIs(words: Uint32Array, from: number, value: number): boolean {
  for (let word = from; word < 4; word++) if (words[word] !== value) return false;
  return true;
}

function whole(box: number[], from: number): number[] {
  for (let word = from; word < 4; word++) box.push(0, WORD_MAX);
  return box;
}
