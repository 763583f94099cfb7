/** Rules with the same box: in large sets they are many, and no division tells them apart. */
import type { View } from './box.js';
import { ALWAYS } from './rule-store.js';

/** Leaves out rules that never decide because rules above them with the same box are active whenever they are. */
export function withoutEqual(view: View, rules: Uint32Array): Uint32Array {
  const { store, fields, marks } = view;
  let size = 16;
  while (size < 2 * rules.length) size *= 2;
  // First rule of each box + 1, and the bindings that its rules have together.
  const table = new Uint32Array(size);
  const unions = new Uint32Array(size);
  const kept = new Uint32Array(rules.length);
  let count = 0;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as number;
    let place = hash(view, rule) & (size - 1);
    for (; table[place] !== 0; place = (place + 1) & (size - 1)) {
      if (isSameBox((table[place] as number) - 1, rule)) break;
    }
    const own = store.active[rule] as number;
    const above = table[place] === 0 ? 0 : (unions[place] as number);
    if (above === ALWAYS || (own !== ALWAYS && (own & ~above) === 0)) continue;
    if (table[place] === 0) table[place] = rule + 1;
    unions[place] = own === ALWAYS ? ALWAYS : (above | own) >>> 0;
    kept[count++] = rule;
  }
  return count === rules.length ? rules : kept.slice(0, count);

  function isSameBox(a: number, b: number): boolean {
    for (const field of fields) {
      const low = store.low[field] as Uint32Array;
      const high = store.high[field] as Uint32Array;
      if (low[a] !== low[b] || high[a] !== high[b]) return false;
    }
    return !marks || (store.markMask[a] === store.markMask[b] && store.markValue[a] === store.markValue[b]);
  }
}

function hash({ store, fields, marks }: View, rule: number): number {
  let sum = 0;
  const add = (word: number): void => {
    sum = Math.imul(sum ^ word, 0x9e3779b1);
    sum ^= sum >>> 15;
  };
  for (const field of fields) {
    add((store.low[field] as Uint32Array)[rule] as number);
    add((store.high[field] as Uint32Array)[rule] as number);
  }
  if (marks) {
    add(store.markValue[rule] as number);
    add(store.markMask[rule] as number);
  }
  return sum >>> 0;
}
