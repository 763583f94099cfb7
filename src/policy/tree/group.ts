/**
 * Which rules share a tree. A rule that is wide in an address would stand in most leaves of a tree that divides
 * by it, so there is a tree for each of wide and narrow source and destination; rules with a mark have trees of
 * their own, because where the mark is not known these are other trees.
 */
import { CxField } from '../../datapath/generated.js';
import type { RuleStore } from './rule-store.js';

/** Fewer rules are one group whatever they are. */
export const ONE_GROUP = 24;
const WIDE_LEAST = 4;
/** A group this small joins the next one. */
const SMALL_GROUP = 8;

/** How rules are told apart: those that are wide and those that are narrow in an address are of two groups. */
export interface GroupedBy {
  readonly source: boolean;
  readonly destination: boolean;
  /** A rule is wide when it holds more than this part of the others. */
  readonly wideShare: number;
}

/** How wide rules are in one address: the others' lowest addresses in order, to count those inside a range. */
class Width {
  readonly #words: readonly Uint32Array[];
  readonly #order: Uint32Array;
  readonly #field: number;

  constructor(store: RuleStore, rules: Uint32Array, field: number) {
    const columns = [0, 1, 2, 3].map((word) => store.low[field + word] as Uint32Array);
    const order = sortBy(rules, columns);
    this.#order = order;
    this.#field = field;
    // Their own copy: rules may come and go.
    this.#words = columns.map((column) => Uint32Array.from(order, (rule) => column[rule] as number));
  }

  /** How many of the others start inside a rule. */
  of(store: RuleStore, rule: number): number {
    return this.#below(store.high, rule, true) - this.#below(store.low, rule, false);
  }

  /** Lowest addresses that are less than one end of a rule, or not more. */
  #below(side: readonly Uint32Array[], rule: number, orEqual: boolean): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      let difference = 0;
      for (let word = 0; word < 4 && difference === 0; word++) {
        difference =
          ((this.#words[word] as Uint32Array)[middle] as number) -
          ((side[this.#field + word] as Uint32Array)[rule] as number);
      }
      if (difference < 0 || (orEqual && difference === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** How wide the rules of a router are: made once, for all groupings that are tried. */
export class Widths {
  readonly rules: number;
  readonly source: Width;
  readonly destination: Width;

  constructor(store: RuleStore, rules: Uint32Array) {
    this.rules = rules.length;
    this.source = new Width(store, rules, CxField.SOURCE);
    this.destination = new Width(store, rules, CxField.DESTINATION);
  }
}

/** Decides the group of a rule; the same for a rule whatever comes later, until there is a new one of these. */
export class Grouping {
  readonly #widths: Widths | undefined;
  readonly #by: GroupedBy;
  readonly #wide: number;

  /** @param widths undefined: all rules are one group */
  constructor(widths: Widths | undefined, by: GroupedBy) {
    this.#widths = widths;
    this.#by = by;
    this.#wide = Math.max(WIDE_LEAST, (widths?.rules ?? 0) * by.wideShare);
  }

  /** 0..7 */
  of(store: RuleStore, rule: number): number {
    if (this.#widths === undefined) return 0;
    const { source, destination } = this.#widths;
    const ofSource = this.#by.source && source.of(store, rule) > this.#wide ? 1 : 0;
    const ofDestination = this.#by.destination && destination.of(store, rule) > this.#wide ? 2 : 0;
    return ofSource + ofDestination + (store.markMask[rule] === 0 ? 0 : 4);
  }
}

/** The groups of some rules that get a tree each. @param groupOf by rule: 0..7 */
export function divide(
  groupOf: (rule: number) => number,
  rank: Uint32Array,
  rules: Uint32Array,
): Uint32Array[] {
  const numbers = Uint8Array.from(rules, groupOf);
  const sizes = new Uint32Array(8);
  for (const group of numbers) sizes[group] = (sizes[group] as number) + 1;
  const groups = Array.from(sizes, (size) => new Uint32Array(size));
  sizes.fill(0);
  for (let i = 0; i < rules.length; i++) {
    const group = numbers[i] as number;
    (groups[group] as Uint32Array)[sizes[group] as number] = rules[i] as number;
    sizes[group] = (sizes[group] as number) + 1;
  }
  return joinSmall(groups, rank);
}

/** The groups that get a tree: small ones join one that is at least as wide. */
function joinSmall(groups: readonly Uint32Array[], rank: Uint32Array): Uint32Array[] {
  const joined: Uint32Array[] = [];
  for (const half of [groups.slice(0, 4), groups.slice(4)]) {
    let small: Uint32Array = new Uint32Array(0);
    const kept: Uint32Array[] = [];
    for (const group of half) {
      if (group.length === 0) continue;
      if (group.length <= SMALL_GROUP) small = merge(small, group, rank);
      else kept.push(group);
    }
    const last = kept.pop();
    if (last !== undefined) kept.push(small.length > 0 ? merge(last, small, rank) : last);
    else if (small.length > 0) kept.push(small);
    joined.push(...kept);
  }
  return joined;
}

function merge(a: Uint32Array, b: Uint32Array, rank: Uint32Array): Uint32Array {
  const all = new Uint32Array(a.length + b.length);
  let [i, j] = [0, 0];
  for (let at = 0; at < all.length; at++) {
    const takeA =
      j >= b.length || (i < a.length && (rank[a[i] as number] as number) <= (rank[b[j] as number] as number));
    all[at] = takeA ? (a[i++] as number) : (b[j++] as number);
  }
  return all;
}

/** Least significant digit first; digits that are the same in all rules cost nothing. */
function sortBy(rules: Uint32Array, columns: readonly Uint32Array[]): Uint32Array {
  let order = rules.slice();
  let other = new Uint32Array(rules.length);
  const counts = new Uint32Array(0x10000 + 1);
  for (const column of [...columns].reverse()) {
    for (const shift of [0, 16]) {
      counts.fill(0);
      for (let i = 0; i < order.length; i++) {
        const digit = ((column[order[i] as number] as number) >>> shift) & 0xffff;
        counts[digit + 1] = (counts[digit + 1] as number) + 1;
      }
      const firstDigit = ((column[order[0] as number] as number) >>> shift) & 0xffff;
      if (counts[firstDigit + 1] === order.length) continue;
      for (let digit = 0; digit < 0x10000; digit++) {
        counts[digit + 1] = (counts[digit + 1] as number) + (counts[digit] as number);
      }
      for (let i = 0; i < order.length; i++) {
        const rule = order[i] as number;
        const digit = ((column[rule] as number) >>> shift) & 0xffff;
        const place = counts[digit] as number;
        counts[digit] = place + 1;
        other[place] = rule;
      }
      [order, other] = [other, order];
    }
  }
  return order;
}
