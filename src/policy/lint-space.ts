/**
 * The packets there are, as boxes for `lint.ts`. Each field's values are replaced by ranks: one for each
 * stretch of values that no selector tells apart, so that boxes are compared by small numbers. What a packet
 * does not have is a value of its own.
 */
import { isWithinCgroup } from './cgroup.js';
import {
  ALL_MARKS,
  coversMarks,
  coversRanks,
  type FieldSet,
  intersectMarks,
  intersectRanks,
  marksMeet,
  ranksMeet,
  subtractMarks,
  subtractRanks,
} from './lint-sets.js';
import { ICMPV6, PROTOCOLS_WITH_PORTS } from './number-names.js';
import { RANGE_FIELDS, RANGE_KEYS, type RangeKey } from './range.js';
import type { AddressRange, Range, Selector } from './selector.js';

/** One set for each field; undefined is every value. */
export type Pattern = readonly (FieldSet | undefined)[];
/** Packets: one set for each field, none empty. */
export type Box = readonly FieldSet[];

/** The operations of one field. */
interface Field {
  readonly all: FieldSet;
  intersect(a: FieldSet, b: FieldSet): FieldSet;
  subtract(a: FieldSet, b: FieldSet): FieldSet;
  meet(a: FieldSet, b: FieldSet): boolean;
  covers(a: FieldSet, b: FieldSet): boolean;
}

const RANKS = {
  intersect: intersectRanks,
  subtract: subtractRanks,
  meet: ranksMeet,
  covers: coversRanks,
} as const;

const MARKS: Field = {
  all: ALL_MARKS,
  intersect: intersectMarks,
  subtract: subtractMarks,
  meet: marksMeet,
  covers: coversMarks,
};

/** Stands behind every possible value where it is not the SPI, whose 0 is never on the wire. */
const absentOf = (key: RangeKey): number => (key === 'spi' ? 0 : RANGE_FIELDS[key].high + 1);
const MAY_BE_ABSENT: readonly RangeKey[] = ['sourcePort', 'destinationPort', 'spi', 'icmpType', 'icmpCode'];
const LAST_ADDRESS = (1n << 128n) - 1n;

/** Ranks of a field's values: rank n is the stretch that starts with the n-th start. */
class Ranks<T extends number | bigint> {
  readonly #rankOf: ReadonlyMap<number | string, number>;
  readonly count: number;

  constructor(starts: Iterable<T>) {
    // Sorted first: a set of large integers is as slow as a map of them.
    const all = [...starts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const sorted = all.filter((start, at) => start !== all[at - 1]);
    this.#rankOf = new Map(sorted.map((start, rank) => [keyOf(start), rank]));
    this.count = sorted.length;
  }

  /** `next` is the first value behind the range; both ends are starts, or behind the last value. */
  pair(low: T, next: T): [number, number] {
    return [this.#rankOf.get(keyOf(low)) ?? this.count, (this.#rankOf.get(keyOf(next)) ?? this.count) - 1];
  }
}

/** A map hashes large integers by their low half, where all prefixes are alike. */
function keyOf(value: number | bigint): number | string {
  return typeof value === 'bigint' ? value.toString(16) : value;
}

/** The packets that a list of selectors tells apart. */
export class PacketSpace {
  readonly #fields: Field[] = [];
  readonly #read: ((selector: Selector) => FieldSet | undefined)[] = [];
  readonly #ranked: readonly number[];
  /** Names of the fields that are used, in order. */
  readonly #names: (keyof Selector)[] = [];
  /** What kinds of packets there are; each restricts some fields. */
  readonly #kinds: readonly Pattern[];

  /** @param interfaces all interfaces by which packets come in; undefined: there may be more than are named */
  constructor(selectors: readonly Selector[], interfaces: readonly string[] | undefined) {
    const kinds: Map<keyof Selector, FieldSet>[][] = [];
    const used = (key: keyof Selector): boolean => selectors.some((one) => one[key] !== undefined);
    for (const key of ['source', 'destination'] as const) if (used(key)) this.#addAddresses(key, selectors);
    const headers = MAY_BE_ABSENT.some((key) => key !== 'spi' && used(key));
    const ranks = new Map<RangeKey, Ranks<number>>();
    for (const key of RANGE_KEYS) {
      if (used(key) || (headers && key !== 'dscp' && key !== 'flowLabel' && key !== 'spi')) {
        ranks.set(key, this.#addNumbers(key, selectors));
      }
    }
    if (headers) kinds.push(headerKinds(ranks));
    if (used('interface') || used('cgroup')) kinds.push(this.#addPlaces(selectors, interfaces));
    if (used('mark')) {
      this.#add('mark', MARKS, ({ mark }) => mark && [mark.value, mark.mask]);
    }
    this.#ranked = this.#fields.flatMap((field, index) => (field === MARKS ? [] : [index]));
    this.#kinds = product(kinds).map((kind) => this.#names.map((name) => kind.get(name)));
  }

  /** What a selector asks for. */
  pattern(selector: Selector): Pattern {
    return this.#read.map((read) => read(selector));
  }

  /** The packets of a pattern: a box for each kind of packet that it can match. */
  boxes(pattern: Pattern): Box[] {
    return this.#kinds.flatMap((kind) => {
      const box: FieldSet[] = [];
      for (const [index, field] of this.#fields.entries()) {
        const set = field.intersect(pattern[index] ?? field.all, kind[index] ?? field.all);
        if (set.length === 0) return [];
        box.push(set);
      }
      return [box];
    });
  }

  meets(box: Box, pattern: Pattern): boolean {
    for (let index = 0; index < box.length; index++) {
      const asked = pattern[index];
      if (asked !== undefined && !this.#field(index).meet(setOf(box, index), asked)) return false;
    }
    return true;
  }

  covers(pattern: Pattern, box: Box): boolean {
    for (let index = 0; index < box.length; index++) {
      const asked = pattern[index];
      if (asked !== undefined && !this.#field(index).covers(asked, setOf(box, index))) return false;
    }
    return true;
  }

  /** Disjoint boxes of what is in the box and not in the pattern, which have something in common. */
  subtract(box: Box, pattern: Pattern): Box[] {
    const pieces: Box[] = [];
    const rest = [...box];
    for (let index = 0; index < box.length; index++) {
      const asked = pattern[index];
      const have = setOf(rest, index);
      const field = this.#field(index);
      if (asked === undefined || field.covers(asked, have)) continue;
      pieces.push(rest.with(index, field.subtract(have, asked)));
      rest[index] = field.intersect(have, asked);
    }
    return pieces;
  }

  /** Whether the field's sets are ranks; marks are not. */
  isRanked(index: number): boolean {
    return this.#field(index) !== MARKS;
  }

  /** The fields whose sets are ranks. */
  get ranked(): readonly number[] {
    return this.#ranked;
  }

  #field(index: number): Field {
    return this.#fields[index] as Field;
  }

  #add(name: keyof Selector, field: Field, read: (selector: Selector) => FieldSet | undefined): void {
    this.#names.push(name);
    this.#fields.push(field);
    this.#read.push(read);
  }

  #addAddresses(key: 'source' | 'destination', selectors: readonly Selector[]): void {
    // Sets are shared between selectors, so each is read once.
    const lists = [...new Set(selectors.flatMap((one) => (one[key] ? [one[key].ranges] : [])))];
    const ends = new Map<readonly AddressRange[], [bigint, bigint][]>(
      lists.map((list) => [list, list.map(({ low, high }) => [low.toBigInt(), high.toBigInt() + 1n])]),
    );
    const starts = [...ends.values()].flat(2).filter((start) => start <= LAST_ADDRESS);
    const ranks = new Ranks([0n, ...starts]);
    const sets = new Map(
      [...ends].map(([list, pairs]) => [list, pairs.flatMap(([low, next]) => ranks.pair(low, next))]),
    );
    this.#add(key, { all: [0, ranks.count - 1], ...RANKS }, (selector) => {
      const match = selector[key];
      return match && sets.get(match.ranges);
    });
  }

  #addNumbers(key: RangeKey, selectors: readonly Selector[]): Ranks<number> {
    const { low, high } = RANGE_FIELDS[key];
    const starts = [low, ...(MAY_BE_ABSENT.includes(key) ? [absentOf(key)] : [])];
    if (key === 'protocol')
      starts.push(...[...PROTOCOLS_WITH_PORTS, ICMPV6].flatMap((one) => [one, one + 1]));
    for (const selector of selectors) {
      for (const range of selector[key] ?? []) {
        starts.push(range.low);
        if (range.high < high) starts.push(range.high + 1);
      }
    }
    const ranks = new Ranks(starts);
    this.#add(key, { all: [0, ranks.count - 1], ...RANKS }, (selector) => {
      const asked = selector[key];
      return asked && numberSet(ranks, asked);
    });
    return ranks;
  }

  /** Where packets come from: by an interface (without a cgroup), or from a process of this machine. */
  #addPlaces(
    selectors: readonly Selector[],
    interfaces: readonly string[] | undefined,
  ): Map<keyof Selector, FieldSet>[] {
    const named = selectors.flatMap((one) => one.interface ?? []);
    const names = [...new Set([...(interfaces ?? []), ...named])];
    // Rank 0 is no interface; behind the names is one for all others, where there may be others.
    const last = names.length + (interfaces === undefined ? 1 : 0);
    this.#add(
      'interface',
      { all: [0, last], ...RANKS },
      (selector) =>
        selector.interface && joinPairs(selector.interface.map((name) => at(names.indexOf(name) + 1))),
    );
    const paths = [...new Set(selectors.flatMap((one) => one.cgroup ?? []))].sort(depthFirst);
    // Rank 0 is no cgroup, or one that is in none of the named ones.
    this.#add(
      'cgroup',
      { all: [0, paths.length], ...RANKS },
      (selector) =>
        selector.cgroup &&
        joinPairs(
          selector.cgroup.map((path): [number, number] => {
            const first = paths.indexOf(path);
            const below = paths.filter((other) => isWithinCgroup(other, path)).length;
            return [first + 1, first + below];
          }),
        ),
    );
    const local = new Map<keyof Selector, FieldSet>([['interface', [0, 0]]]);
    if (last === 0) return [local];
    const forwarded = new Map<keyof Selector, FieldSet>([
      ['interface', [1, last]],
      ['cgroup', [0, 0]],
    ]);
    return [forwarded, local];
  }
}

/** Packets with ports, ICMPv6 messages, and what has neither: other protocols and later fragments. */
function headerKinds(ranks: ReadonlyMap<RangeKey, Ranks<number>>): Map<keyof Selector, FieldSet>[] {
  const kind = (protocols: readonly number[] | undefined, ports: boolean, icmp: boolean) => {
    const sets = new Map<keyof Selector, FieldSet>();
    const protocol = ranks.get('protocol');
    if (protocols && protocol) {
      const sorted = [...protocols].sort((a, b) => a - b);
      sets.set(
        'protocol',
        sorted.flatMap((one) => protocol.pair(one, one + 1)),
      );
    }
    for (const key of ['sourcePort', 'destinationPort', 'icmpType', 'icmpCode'] as const) {
      const here = key === 'icmpType' || key === 'icmpCode' ? icmp : ports;
      const field = ranks.get(key);
      const absent = absentOf(key);
      if (field) sets.set(key, here ? field.pair(0, absent) : field.pair(absent, absent + 1));
    }
    return sets;
  };
  return [
    kind(PROTOCOLS_WITH_PORTS, true, false),
    kind([ICMPV6], false, true),
    kind(undefined, false, false),
  ];
}

function numberSet(ranks: Ranks<number>, ranges: readonly Range[]): FieldSet {
  return ranges.flatMap(({ low, high }) => ranks.pair(low, high + 1));
}

function product(
  lists: readonly (readonly Map<keyof Selector, FieldSet>[])[],
): Map<keyof Selector, FieldSet>[] {
  return lists.reduce<Map<keyof Selector, FieldSet>[]>(
    (kinds, list) => kinds.flatMap((kind) => list.map((more) => new Map([...kind, ...more]))),
    [new Map()],
  );
}

function joinPairs(pairs: readonly [number, number][]): FieldSet {
  return [...pairs].sort((a, b) => a[0] - b[0]).flat();
}

function at(rank: number): [number, number] {
  return [rank, rank];
}

/** A path, then all below it, then its neighbours. */
function depthFirst(a: string, b: string): number {
  const [left, right] = [a, b].map((path) => path.replaceAll('/', '\0'));
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

function setOf(box: Box, index: number): FieldSet {
  return box[index] as FieldSet;
}
