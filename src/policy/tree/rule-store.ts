/** The rules of one router in columns: a rule is a box (a range in each field) and a mark, and belongs to a policy. */
import { CX_FIELDS, CxField } from '../../datapath/generated.js';

/** Fields that are ranges: all but the mark. */
export const RANGE_FIELD_COUNT = CX_FIELDS - 1;
export const MARK_FIELD = CxField.MARK;
export const WORD_MAX = 0xffff_ffff;
/** `active` of a rule that decides whatever bindings are usable. */
export const ALWAYS = 0xffff_ffff;

export class RuleStore {
  count = 0;
  /** By field: lowest and highest value of each rule. */
  low: Uint32Array[];
  high: Uint32Array[];
  markValue: Uint32Array;
  markMask: Uint32Array;
  /** Position of the rule's policy in the order of the router. */
  rank: Uint32Array;
  /** Bits of the bindings one of which must be usable, or ALWAYS. */
  active: Uint32Array;
  #capacity: number;

  constructor(capacity = 64) {
    this.#capacity = capacity;
    this.low = columns(capacity);
    this.high = columns(capacity);
    this.markValue = new Uint32Array(capacity);
    this.markMask = new Uint32Array(capacity);
    this.rank = new Uint32Array(capacity);
    this.active = new Uint32Array(capacity);
  }

  clear(): void {
    this.count = 0;
  }

  /** Adds a rule that matches everything; answers its number. */
  add(rank: number, active: number, markValue: number, markMask: number): number {
    if (this.count === this.#capacity) this.#grow();
    const rule = this.count++;
    for (let field = 0; field < RANGE_FIELD_COUNT; field++) {
      (this.low[field] as Uint32Array)[rule] = 0;
      (this.high[field] as Uint32Array)[rule] = WORD_MAX;
    }
    this.markValue[rule] = markValue;
    this.markMask[rule] = markMask;
    this.rank[rule] = rank;
    this.active[rule] = active;
    return rule;
  }

  restrict(rule: number, field: number, low: number, high: number): void {
    (this.low[field] as Uint32Array)[rule] = low;
    (this.high[field] as Uint32Array)[rule] = high;
  }

  #grow(): void {
    const capacity = 2 * this.#capacity;
    const larger = (column: Uint32Array): Uint32Array => {
      const next = new Uint32Array(capacity);
      next.set(column);
      return next;
    };
    this.#capacity = capacity;
    this.low = this.low.map(larger);
    this.high = this.high.map(larger);
    this.markValue = larger(this.markValue);
    this.markMask = larger(this.markMask);
    this.rank = larger(this.rank);
    this.active = larger(this.active);
  }
}

function columns(capacity: number): Uint32Array[] {
  return Array.from({ length: RANGE_FIELD_COUNT }, () => new Uint32Array(capacity));
}
