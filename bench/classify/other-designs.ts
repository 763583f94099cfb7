// The two designs that the decision tree is compared with: a linear scan and a tuple-space search. Both take
// prefixes, one range of ports and one protocol a rule; sets with more are left out.
import type { AddressMatch, Policy, Range } from '../../src/policy/index.js';
import { wordsOf } from './flows.js';
import { type BenchTable, FEW_FLOWS } from './table.js';

const RULE_WORDS = 16;
const ANY_PROTOCOL = 0xffff;
const ANY_PORT = 0xffff;
const END = 0xffff_ffff;
const MASKS = 4096;

interface Rule {
  readonly words: Uint32Array;
  readonly mask: number;
}

/** Rows of the rules, or undefined where a policy asks for what these designs do not have. */
function rulesOf(policies: readonly Policy[]): Rule[] | undefined {
  const rules: Rule[] = [];
  for (const [rank, { selector }] of policies.entries()) {
    if (selector.mark !== undefined || selector.dscp !== undefined) return undefined;
    const words = new Uint32Array(RULE_WORDS);
    const lengths = [selector.source, selector.destination].map((match, side) => {
      const [range] = match?.ranges ?? [];
      if (range !== undefined) words.set(wordsOf(range.low), 4 * side);
      return lengthOf(match);
    });
    words[8] = ports(selector.sourcePort);
    words[9] = ports(selector.destinationPort);
    words[10] = selector.protocol?.[0]?.low ?? ANY_PROTOCOL;
    words[11] = ((lengths[0] as number) << 8) | (lengths[1] as number);
    words[12] = rank;
    rules.push({ words, mask: words[11] | (words[10] === ANY_PROTOCOL ? 0 : 1 << 16) });
  }
  return rules;
}

function ports(ranges: readonly Range[] | undefined): number {
  const [range] = ranges ?? [];
  return range === undefined ? ANY_PORT : ((range.low << 16) | range.high) >>> 0;
}

function lengthOf(match: AddressMatch | undefined): number {
  const [range] = match?.ranges ?? [];
  if (range === undefined) return 0;
  const [low, high] = [wordsOf(range.low), wordsOf(range.high)];
  return [0, 1, 2, 3].reduce(
    (length, word) => length + Math.clz32((low[word] as number) ^ (high[word] as number)),
    0,
  );
}

/** Loads the rules for both. @returns how many, or undefined where the set has more than they can say */
export function loadOthers({ object }: BenchTable, policies: readonly Policy[]): number | undefined {
  const rules = rulesOf(policies);
  if (rules === undefined) return undefined;
  const tuples = new Map<number, number>();
  const chains = new Map<string, { key: Uint8Array; first: number; last: Rule }>();
  for (const [at, rule] of rules.entries()) {
    if (!tuples.has(rule.mask)) tuples.set(rule.mask, at);
    const key = Uint32Array.of(...rule.words.subarray(0, 8), rule.mask, rule.words[10] as number);
    const name = key.join();
    const chain = chains.get(name);
    if (chain === undefined) {
      chains.set(name, { key: new Uint8Array(key.buffer), first: at + 1, last: rule });
    } else {
      chain.last.words[13] = at + 1;
      chain.last = rule;
    }
  }
  const bytes = new Uint32Array(rules.length * RULE_WORDS);
  for (const [at, { words }] of rules.entries()) bytes.set(words, at * RULE_WORDS);
  object.maps.get('bench_rules').setRange(0, new Uint8Array(bytes.buffer));
  const order = [...tuples].sort((a, b) => a[1] - b[1]).slice(0, MASKS - 1);
  const rows = Uint32Array.from([...order.flatMap(([mask, best]) => [best, mask]), END, END]);
  object.maps.get('bench_tuples').setRange(0, new Uint8Array(rows.buffer));
  const heads = object.maps.get('bench_heads');
  heads.clear();
  heads.setBatch(
    [...chains.values()].map(
      ({ key, first }) => [key, new Uint8Array(Uint32Array.of(first).buffer)] as const,
    ),
  );
  return rules.length;
}

/** Nanoseconds of one packet in each of the two, and how many of their answers are wrong. */
export function runOthers(
  table: BenchTable,
  ranks: Int32Array,
  rules: number,
): { linear: number; tupleSpace: number; wrong: number } {
  let wrong = 0;
  const check = (): void => {
    const answers = table.answers(FEW_FLOWS);
    for (let at = 0; at < FEW_FLOWS; at++) if (answers[at] !== (ranks[at] as number) + 1) wrong++;
  };
  const linear = table.pass('bench_linear', FEW_FLOWS, rules);
  check();
  const tupleSpace = table.pass('bench_tuple_space', FEW_FLOWS);
  check();
  return { linear, tupleSpace, wrong };
}
