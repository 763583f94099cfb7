/**
 * Which division of the rules of a node is best. A division is judged by what a packet gains (how much fewer
 * rules it meets, as a logarithm, for packets that fall where the rules are) less what it costs (copies of
 * rules that stand in several children).
 */
import type { Box, View } from './box.js';
import type { Decision, Span } from './node.js';
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
const lows = new Uint32Array(SAMPLE);
const highs = new Uint32Array(SAMPLE);
/** Of the rules that a field restricts in the box, the parts inside it. */
let starts = new Uint32Array(1024);
let stops = new Uint32Array(1024);

interface Candidate {
  score: number;
  decision: Decision | undefined;
}

/** The best division of the rules of a span, or undefined when none is worth its step. */
export function chooseDecision(
  view: View,
  rules: Uint32Array,
  span: Span,
  box: Box,
  options: ChoiceOptions,
): Decision | undefined {
  const { at, count } = span;
  const best: Candidate = { score: LEAST_SCORE, decision: undefined };
  if (starts.length < count) {
    starts = new Uint32Array(2 * count);
    stops = new Uint32Array(2 * count);
  }
  for (const field of view.fields) {
    const low = view.store.low[field] as Uint32Array;
    const high = view.store.high[field] as Uint32Array;
    const first = box.low[field] as number;
    const last = box.high[field] as number;
    if (first === last) continue;
    let restricted = 0;
    let from = WORD_MAX;
    let to = 0;
    for (let i = at; i < at + count; i++) {
      const rule = rules[i] as number;
      let start = low[rule] as number;
      let end = high[rule] as number;
      if (start < first) start = first;
      if (end > last) end = last;
      if (start === first && end === last) continue;
      starts[restricted] = start;
      stops[restricted++] = end;
      if (start < from) from = start;
      if (end > to) to = end;
    }
    if (restricted * 8 < count || restricted === 0) continue;
    const here = { field, first, last, from, to, restricted, rules: count };
    considerCuts(best, here, options);
    considerRanges(best, here, Math.max(1, Math.floor(count / SAMPLE)), options);
  }
  if (view.marks) considerBits(best, view, rules, span, box, options);
  return best.decision;
}

/** @param expected rules that a packet meets behind the division @param total rules of all children */
function scoreOf(count: number, expected: number, total: number, options: ChoiceOptions): number {
  return Math.log(count / expected) - options.copyCost * Math.log(Math.max(1, total / count));
}

/** The rules of a node in one field; those that are restricted are in `starts` and `stops`. */
interface FieldRules {
  readonly field: number;
  /** The box. */
  readonly first: number;
  readonly last: number;
  /** What the restricted ones are all inside. */
  readonly from: number;
  readonly to: number;
  readonly restricted: number;
  /** With those that hold all of the box. */
  readonly rules: number;
}

function considerCuts(best: Candidate, here: FieldRules, options: ChoiceOptions): void {
  const { from, to } = here;
  const span = to - from + 1;
  let wanted = 4;
  while (wanted < 2 * here.rules && wanted < MOST_PIECES) wanted *= 2;
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
    const score = scoreCut(here, start, shift, pieces, options);
    if (score > best.score) {
      best.score = score;
      best.decision = { kind: 'cut', field: here.field, low: start, shift, pieces };
    }
  }
}

function scoreCut(
  { first, last, restricted, rules }: FieldRules,
  start: number,
  shift: number,
  pieces: number,
  options: ChoiceOptions,
): number {
  difference.fill(0, 0, pieces + 2);
  begins.fill(0, 0, pieces + 2);
  const size = 2 ** shift;
  const end = start + pieces * size - 1;
  const wide = rules - restricted;
  let elsewhere = first < start || last > end ? wide : 0;
  for (let i = 0; i < restricted; i++) {
    const a = starts[i] as number;
    const b = stops[i] as number;
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
  let here = wide;
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
  return scoreOf(rules, expected, total, options) - (PIECE_COST * pieces) / rules;
}

function considerRanges(best: Candidate, here: FieldRules, stride: number, options: ChoiceOptions): void {
  const { field, first, last, restricted, rules } = here;
  // As many of those that hold all of the box as they are among all rules.
  const wide = Math.round((rules - restricted) / stride);
  let some = 0;
  for (let i = 0; i < restricted && some < SAMPLE; i += stride, some++) {
    lows[some] = starts[i] as number;
    highs[some] = stops[i] as number;
  }
  sortFirst(lows, some);
  sortFirst(highs, some);
  const count = some + wide;
  // Thresholds in order, of two lists that are: in front of a start, or at an end.
  let [nextStart, nextEnd] = [0, 0];
  while (nextStart < some && lows[nextStart] === first) nextStart++;
  let [started, ended] = [nextStart, 0];
  while (nextStart < some || (nextEnd < some && (highs[nextEnd] as number) < last)) {
    const beforeStart = nextStart < some ? (lows[nextStart] as number) - 1 : WORD_MAX;
    const atEnd = nextEnd < some && (highs[nextEnd] as number) < last ? (highs[nextEnd] as number) : WORD_MAX;
    const threshold = Math.min(beforeStart, atEnd);
    while (started < some && (lows[started] as number) <= threshold) started++;
    while (ended < some && (highs[ended] as number) <= threshold) ended++;
    while (nextStart < some && (lows[nextStart] as number) - 1 <= threshold) nextStart++;
    nextEnd = Math.max(nextEnd, ended);
    const left = started + wide;
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

/** Sorts the first numbers of a list. Few are sorted here: a view of them would cost more. */
function sortFirst(list: Uint32Array, count: number): void {
  if (count > 32) {
    list.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const value = list[i] as number;
    let place = i;
    for (; place > 0 && (list[place - 1] as number) > value; place--) list[place] = list[place - 1] as number;
    list[place] = value;
  }
}

function considerBits(
  best: Candidate,
  view: View,
  rules: Uint32Array,
  { at, count }: Span,
  box: Box,
  options: ChoiceOptions,
): void {
  const { markValue, markMask } = view.store;
  let bits = 0;
  for (let i = at; i < at + count; i++) bits |= (markMask[rules[i] as number] as number) & ~box.markKnown;
  if (bits === 0) return;
  for (let shift = 0; shift < 32; shift++) {
    if ((bits & (1 << shift)) === 0) continue;
    let width = 1;
    while (
      width < BIT_WINDOW &&
      shift + width < 32 &&
      2 ** width < 2 * count &&
      (bits & (1 << (shift + width))) !== 0
    ) {
      width++;
    }
    const mask = 2 ** width - 1;
    difference.fill(0, 0, mask + 1);
    let total = 0;
    for (let i = at; i < at + count; i++) {
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
    const score = scoreOf(count, expected, total, options) - (PIECE_COST * (mask + 1)) / count;
    if (score > best.score) {
      best.score = score;
      best.decision = { kind: 'bits', shift, mask };
    }
    shift += width - 1;
  }
}
