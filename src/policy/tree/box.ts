/** The packets that can still be at a place in a tree: a range in each field and some known bits of the mark. */
import { RANGE_FIELD_COUNT, type RuleStore, WORD_MAX } from './rule-store.js';

export class Box {
  readonly low = new Uint32Array(RANGE_FIELD_COUNT);
  readonly high = new Uint32Array(RANGE_FIELD_COUNT).fill(WORD_MAX);
  /** Bits of the mark that the way here has tested; all rules here agree with their values. */
  markKnown = 0;
}

/** What of the rules counts in one tree. */
export interface View {
  readonly store: RuleStore;
  /** Range fields that some rule restricts, in the order in which they are best compared. */
  readonly fields: readonly number[];
  /** Whether marks are compared; if not, a rule with a mark asks for it to be known. */
  readonly marks: boolean;
}

/** @param rules those of the tree @param marks whether it is for packets whose mark is known, and a rule asks for it */
export function viewOf(store: RuleStore, rules: Uint32Array, marks: boolean): View {
  return { store, fields: restrictedFields(store, rules), marks };
}

/** Fields that some rule restricts, the most restricted first. */
function restrictedFields(store: RuleStore, rules: Uint32Array): number[] {
  const counts: [field: number, count: number][] = [];
  for (let field = 0; field < RANGE_FIELD_COUNT; field++) {
    const low = store.low[field] as Uint32Array;
    const high = store.high[field] as Uint32Array;
    let count = 0;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as number;
      if (low[rule] !== 0 || high[rule] !== WORD_MAX) count++;
    }
    if (count > 0) counts.push([field, count]);
  }
  return counts.sort((a, b) => b[1] - a[1]).map(([field]) => field);
}

/** Whether a rule matches everything in a box (it matches something there). */
export function covers({ store, fields, marks }: View, rule: number, box: Box): boolean {
  for (const field of fields) {
    if (
      ((store.low[field] as Uint32Array)[rule] as number) > (box.low[field] as number) ||
      ((store.high[field] as Uint32Array)[rule] as number) < (box.high[field] as number)
    ) {
      return false;
    }
  }
  return !marks || ((store.markMask[rule] as number) & ~box.markKnown) === 0;
}
