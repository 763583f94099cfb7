import { type FieldSet, marksMeet } from './lint-sets.js';
import type { Box, PacketSpace, Pattern } from './lint-space.js';

interface Patterned {
  readonly pattern: Pattern;
}

/**
 * Looks for a packet of the box that none of the rules has, by going where the fewest rules are. True: there
 * is one. False: none was found this way, which proves nothing.
 */
export function findUncovered(space: PacketSpace, box: Box, rules: readonly Patterned[]): boolean {
  let [place, left] = [box, rules];
  while (left.length > 0) {
    let best: { index: number; set: FieldSet; count: number } | undefined;
    for (let index = 0; index < place.length; index++) {
      const quiet = space.isRanked(index) ? quietRank(place, left, index) : quietMark(place, left, index);
      if (quiet !== undefined && (best === undefined || quiet.count < best.count)) best = { index, ...quiet };
      // Good enough: the other fields are looked at when few rules are left.
      if (best !== undefined && best.count * 4 < left.length) break;
    }
    if (best === undefined || best.count >= left.length) return false;
    const { index, set } = best;
    place = place.with(index, set);
    left = left.filter(({ pattern }) => {
      const asked = pattern[index];
      return asked === undefined || (space.isRanked(index) ? hasRank(asked, set) : marksMeet(asked, set));
    });
  }
  return true;
}

interface Quiet {
  readonly set: FieldSet;
  /** How many rules are left there. */
  readonly count: number;
}

/** The rank of a field that the fewest rules have: they come and go at the ends of their ranges. */
function quietRank(box: Box, rules: readonly Patterned[], index: number): Quiet | undefined {
  const have = box[index] as FieldSet;
  const ends: number[] = [];
  let always = 0;
  for (const { pattern } of rules) {
    const asked = pattern[index];
    if (asked === undefined) always++;
    else {
      for (let at = 0; at < asked.length; at += 2) {
        // Even numbers: one more from here on; odd: one less.
        ends.push((asked[at] as number) * 2, ((asked[at + 1] as number) + 1) * 2 + 1);
      }
    }
  }
  if (always === rules.length) return undefined;
  const sorted = Float64Array.from(ends).sort();
  let best: { rank: number; count: number } | undefined;
  let [at, count] = [0, always];
  for (let range = 0; range < have.length; range += 2) {
    const [low, high] = [have[range] as number, have[range + 1] as number];
    for (let rank = low; rank <= high; ) {
      while (at < sorted.length && Math.floor((sorted[at] as number) / 2) <= rank) {
        count += (sorted[at] as number) % 2 === 0 ? 1 : -1;
        at++;
      }
      if (best === undefined || count < best.count) best = { rank, count };
      rank = at < sorted.length ? Math.floor((sorted[at] as number) / 2) : high + 1;
    }
  }
  return best && { set: [best.rank, best.rank], count: best.count };
}

const FEW = 64;

/** A mark that few rules have: the lowest, the highest, and those that just miss one of the rules. */
function quietMark(box: Box, rules: readonly Patterned[], index: number): Quiet | undefined {
  const [value = 0, mask = 0] = box[index] as FieldSet;
  const marks = new Set([value, (value | ~mask) >>> 0]);
  for (const { pattern } of rules) {
    const asked = pattern[index];
    if (asked === undefined) continue;
    const [wanted = 0, looked = 0] = asked;
    const open = (looked & ~mask) >>> 0;
    marks.add(((((wanted ^ (open & -open)) & ~mask) >>> 0) | value) >>> 0);
    if (marks.size >= FEW) break;
  }
  let best: Quiet | undefined;
  for (const mark of marks) {
    const set = [mark, 0xffff_ffff];
    const count = rules.reduce((sum, { pattern }) => {
      const asked = pattern[index];
      return asked === undefined || marksMeet(asked, set) ? sum + 1 : sum;
    }, 0);
    if (best === undefined || count < best.count) best = { set, count };
  }
  return best;
}

function hasRank(asked: FieldSet, [rank = 0]: FieldSet): boolean {
  for (let at = 0; at < asked.length; at += 2) {
    if ((asked[at] as number) <= rank && rank <= (asked[at + 1] as number)) return true;
  }
  return false;
}
