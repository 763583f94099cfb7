// What the answer to each packet is: the policies one after the other, in plain columns. It shares nothing with
// the compiler.
import type { AddressMatch, Policy } from '../../src/policy/index.js';
import { type Flows, wordsOf } from './flows.js';

const COLUMNS = ['protocol', 'sourcePort', 'destinationPort', 'dscp'] as const;

/** Columns of a policy: address ends, then low and high of each of COLUMNS, then mark and mask. */
const SOURCE = 0;
const DESTINATION = 8;
const NUMBERS = 16;
const MARK = NUMBERS + 2 * COLUMNS.length;
const WIDTH = MARK + 2;

/** Rank of the first policy that matches each packet, -1 where none does; of policies with one range a field. */
export function firstMatches(policies: readonly Policy[], flows: Flows): Int32Array {
  const rows = new Float64Array(policies.length * WIDTH);
  for (const [rank, { selector }] of policies.entries()) {
    const at = rank * WIDTH;
    putAddresses(rows, at + SOURCE, selector.source);
    putAddresses(rows, at + DESTINATION, selector.destination);
    for (const [column, name] of COLUMNS.entries()) {
      const { low, high } = single(selector[name]) ?? { low: 0, high: Number.POSITIVE_INFINITY };
      rows[at + NUMBERS + 2 * column] = low;
      rows[at + NUMBERS + 2 * column + 1] = high;
    }
    rows[at + MARK] = selector.mark?.value ?? 0;
    rows[at + MARK + 1] = selector.mark?.mask ?? 0;
  }
  const answers = new Int32Array(flows.count).fill(-1);
  for (let packet = 0; packet < flows.count; packet++) {
    for (let rank = 0; rank < policies.length; rank++) {
      if (matches(rows, rank * WIDTH, flows, packet)) {
        answers[packet] = rank;
        break;
      }
    }
  }
  return answers;
}

function matches(rows: Float64Array, at: number, flows: Flows, packet: number): boolean {
  return (
    isBetween(rows, at + DESTINATION, flows.destination, 4 * packet) &&
    isBetween(rows, at + SOURCE, flows.source, 4 * packet) &&
    isIn(rows, at + NUMBERS, flows.protocol[packet] as number) &&
    isIn(rows, at + NUMBERS + 2, flows.sourcePort[packet] as number) &&
    isIn(rows, at + NUMBERS + 4, flows.destinationPort[packet] as number) &&
    isIn(rows, at + NUMBERS + 6, flows.dscp[packet] as number) &&
    ((flows.mark[packet] as number) & (rows[at + MARK + 1] as number)) >>> 0 === rows[at + MARK]
  );
}

function isIn(rows: Float64Array, at: number, value: number): boolean {
  return value >= (rows[at] as number) && value <= (rows[at + 1] as number);
}

/** Low end <= address <= high end, word by word. */
function isBetween(rows: Float64Array, at: number, words: Uint32Array, first: number): boolean {
  for (let word = 0; word < 4; word++) {
    const value = words[first + word] as number;
    const low = rows[at + word] as number;
    if (value > low) break;
    if (value < low) return false;
  }
  for (let word = 0; word < 4; word++) {
    const value = words[first + word] as number;
    const high = rows[at + 4 + word] as number;
    if (value < high) return true;
    if (value > high) return false;
  }
  return true;
}

function putAddresses(rows: Float64Array, at: number, match: AddressMatch | undefined): void {
  const range = match === undefined ? undefined : single(match.ranges);
  rows.set(range === undefined ? [0, 0, 0, 0] : wordsOf(range.low), at);
  rows.set(range === undefined ? new Array<number>(4).fill(0xffff_ffff) : wordsOf(range.high), at + 4);
}

function single<T>(list: readonly T[] | undefined): T | undefined {
  if (list !== undefined && list.length !== 1)
    throw new Error('one range a field is all that is needed here');
  return list?.[0];
}
