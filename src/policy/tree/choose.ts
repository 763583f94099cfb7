/**
 * Which division of the rules of a node is best. A division is judged by what a packet gains (how much fewer
 * rules it meets, as a logarithm, for packets that fall where the rules are) less what it costs (copies of
 * rules that stand in several children).
 */
import type { Box, View } from './box.js';
import type { Decision } from './node.js';
import { WORD_MAX } from './rule-store.js';

export interface ChoiceOptions {
  /** Weight of copies; higher makes smaller and deeper trees. */
  readonly copyCost: number;
}

/** Less is not worth a step. */
const LEAST_SCORE = 0.02;
const PIECE_COST = 0.04;
/** Most pieces of a cut; `step` and position arithmetic have room for many more. */
const MOST_PIECES = 1 << 14;
/** Rules that are looked at to find a threshold. */
const SAMPLE = 128;
const BIT_WINDOW = 6;

/** Scratch of one level; choosing never nests. */
const difference = new Int32Array(MOST_PIECES + 3);
const begins = new Uint8Array(MOST_PIECES + 3);
const ends = new Uint32Array(2 * SAMPLE);
const lows = new Uint32Array(SAMPLE);
const highs = new Uint32Array(SAMPLE);

interface Candidate {
  score: number;
  decision: Decision | undefined;
}

/** The best division, or undefined when none is worth its step. */
export function chooseDecision(
  view: View,
  rules: Uint32Array,
  box: Box,
  options: ChoiceOptions,
): Decision | undefined {
  const best: Candidate = { score: LEAST_SCORE, decision: undefined };
  for (const field of view.fields) {
    const low = view.store.low[field] as Uint32Array;
    const high = view.store.high[field] as Uint32Array;
    const first = box.low[field] as number;
    const last = box.high[field] as number;
    if (first === last) continue;
    let restricted = 0;
    let from = WORD_MAX;
    let to = 0;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as number;
      const start = Math.max(low[rule] as number, first);
      const end = Math.min(high[rule] as number, last);
      if (start === first && end === last) continue;
      restricted++;
      if (start < from) from = start;
      if (end > to) to = end;
    }
    if (restricted * 8 < rules.length || restricted === 0) continue;
    considerCuts(best, field, low, high, rules, first, last, from, to, options);
    considerRanges(best, field, low, high, rules, first, last, options);
  }
  if (view.marks) considerBits(best, view, rules, box, options);
  return best.decision;
}

/** @param expected rules that a packet meets behind the division @param total rules of all children */
function scoreOf(count: number, expected: number, total: number, options: ChoiceOptions): number {
  return Math.log(count / expected) - options.copyCost * Math.log(Math.max(1, total / count));
}

function considerCuts(
  best: Candidate,
  field: number,
  low: Uint32Array,
  high: Uint32Array,
  rules: Uint32Array,
  first: number,
  last: number,
  from: number,
  to: number,
  options: ChoiceOptions,
): void {
  const span = to - from + 1;
  let wanted = 4;
  while (wanted < 2 * rules.length && wanted < MOST_PIECES) wanted *= 2;
  let before = -1;
  for (const most of [wanted, wanted >> 2, wanted >> 4, wanted >> 7]) {
    if (most < 2) break;
    let shift = 0;
    while (span > most * 2 ** shift) shift++;
    if (shift === before || shift > 31) continue;
    before = shift;
    const size = 2 ** shift;
    // On a multiple of the size, as prefixes are.
    const start = from - (from % size);
    const pieces = Math.floor((to - start) / size) + 1;
    const score = scoreCut(low, high, rules, first, last, start, shift, pieces, options);
    if (score > best.score) {
      best.score = score;
      best.decision = { kind: 'cut', field, low: start, shift, pieces };
    }
  }
}

function scoreCut(
  low: Uint32Array,
  high: Uint32Array,
  rules: Uint32Array,
  first: number,
  last: number,
  start: number,
  shift: number,
  pieces: number,
  options: ChoiceOptions,
): number {
  difference.fill(0, 0, pieces + 2);
  begins.fill(0, 0, pieces + 2);
  const size = 2 ** shift;
  const end = start + pieces * size - 1;
  let elsewhere = 0;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as number;
    const a = Math.max(low[rule] as number, first);
    const b = Math.min(high[rule] as number, last);
    if (a < start || b > end) elsewhere++;
    if (b < start || a > end) continue;
    const from = a <= start ? 0 : (a - start) >>> shift;
    const to = b >= end ? pieces - 1 : (b - start) >>> shift;
    difference[from] = (difference[from] as number) + 1;
    difference[to + 1] = (difference[to + 1] as number) - 1;
    begins[from] = 1;
    begins[to + 1] = 1;
  }
  let total = elsewhere;
  let squares = elsewhere * elsewhere;
  let here = 0;
  begins[0] = 1;
  for (let piece = 0; piece < pieces; piece++) {
    here += difference[piece] as number;
    if (begins[piece] === 1) {
      total += here;
      squares += here * here;
    }
  }
  if (total === 0) return 0;
  const expected = Math.max(1, squares / total);
  return scoreOf(rules.length, expected, total, options) - (PIECE_COST * pieces) / rules.length;
}

function considerRanges(
  best: Candidate,
  field: number,
  low: Uint32Array,
  high: Uint32Array,
  rules: Uint32Array,
  first: number,
  last: number,
  options: ChoiceOptions,
): void {
  const stride = Math.max(1, Math.floor(rules.length / SAMPLE));
  let count = 0;
  for (let i = 0; i < rules.length && count < SAMPLE; i += stride, count++) {
    const rule = rules[i] as number;
    lows[count] = Math.max(low[rule] as number, first);
    highs[count] = Math.min(high[rule] as number, last);
  }
  const sortedLows = lows.subarray(0, count).sort();
  const sortedHighs = highs.subarray(0, count).sort();
  let candidates = 0;
  for (let i = 0; i < count; i++) {
    const start = sortedLows[i] as number;
    const end = sortedHighs[i] as number;
    if (start > first) ends[candidates++] = start - 1;
    if (end < last) ends[candidates++] = end;
  }
  const thresholds = ends.subarray(0, candidates).sort();
  let [started, ended, before] = [0, 0, -1];
  for (let i = 0; i < candidates; i++) {
    const threshold = thresholds[i] as number;
    if (threshold === before) continue;
    before = threshold;
    while (started < count && (sortedLows[started] as number) <= threshold) started++;
    while (ended < count && (sortedHighs[ended] as number) <= threshold) ended++;
    const left = started;
    const right = count - ended;
    if (left === 0 || right === 0) continue;
    const total = left + right;
    const score = scoreOf(count, (left * left + right * right) / total, total, options);
    if (score > best.score) {
      best.score = score;
      best.decision = { kind: 'range', field, low: first, high: threshold };
    }
  }
}

function considerBits(
  best: Candidate,
  view: View,
  rules: Uint32Array,
  box: Box,
  options: ChoiceOptions,
): void {
  const { markValue, markMask } = view.store;
  let bits = 0;
  for (let i = 0; i < rules.length; i++) bits |= (markMask[rules[i] as number] as number) & ~box.markKnown;
  if (bits === 0) return;
  for (let shift = 0; shift < 32; shift++) {
    if ((bits & (1 << shift)) === 0) continue;
    let width = 1;
    while (
      width < BIT_WINDOW &&
      shift + width < 32 &&
      2 ** width < 2 * rules.length &&
      (bits & (1 << (shift + width))) !== 0
    ) {
      width++;
    }
    const mask = 2 ** width - 1;
    difference.fill(0, 0, mask + 1);
    let total = 0;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as number;
      const known = ((markMask[rule] as number) >>> shift) & mask;
      const value = ((markValue[rule] as number) >>> shift) & mask;
      const free = mask & ~known;
      // All values of the free bits.
      for (let some = free; ; some = (some - 1) & free) {
        const piece = value | some;
        difference[piece] = (difference[piece] as number) + 1;
        total++;
        if (some === 0) break;
      }
    }
    let squares = 0;
    for (let piece = 0; piece <= mask; piece++) squares += (difference[piece] as number) ** 2;
    const expected = Math.max(1, squares / total);
    const score = scoreOf(rules.length, expected, total, options) - (PIECE_COST * (mask + 1)) / rules.length;
    if (score > best.score) {
      best.score = score;
      best.decision = { kind: 'bits', shift, mask };
    }
    shift += width - 1;
  }
}
