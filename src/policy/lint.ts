/**
 * Finds policies that never decide, because others above them always do. A policy above can be inactive (none
 * of its bindings usable), so the question is asked for each state in which the policy itself is active and as
 * few others as possible are: one of its bindings usable and no other, or none at all when it needs none. What
 * holds in these holds in all others, where more of the policies above are active.
 */
import { bindingsOf, isAlwaysActive } from './action.js';
import { type Box, PacketSpace, type Pattern } from './lint-space.js';
import { findUncovered } from './lint-witness.js';
import type { Policy } from './policy.js';

/** What is remarkable about one policy. */
export interface LintFinding {
  /**
   * - `hidden`: it never decides, `by` do.
   * - `equal`: it never decides, and is the same as the one in `by`.
   * - `standby`: it decides only while bindings of `by` are unusable.
   * - `undecided`: too many policies above it to say.
   */
  readonly kind: 'hidden' | 'equal' | 'standby' | 'undecided';
  readonly policy: Policy;
  /** In the order in which they are asked; with `undecided` empty. */
  readonly by: readonly Policy[];
}

export interface LintOptions {
  /** All interfaces by which packets come in; undefined: there may be more than the policies name. */
  readonly interfaces?: readonly string[] | undefined;
  /** Most steps for one policy before it is `undecided`. */
  readonly stepsPerPolicy?: number;
  /** Most steps for all of them. */
  readonly steps?: number;
}

/** One policy, prepared. */
interface Rule {
  readonly policy: Policy;
  readonly pattern: Pattern;
  readonly always: boolean;
  readonly bids: ReadonlySet<number>;
}

/** The findings about one router's policies, in the order in which these are asked. */
export function lintPolicies(policies: readonly Policy[], options: LintOptions = {}): LintFinding[] {
  const inOrder = [...policies].sort((a, b) => a.priority - b.priority || a.fid - b.fid);
  const space = new PacketSpace(
    inOrder.map(({ selector }) => selector),
    options.interfaces,
  );
  const rules = inOrder.map(
    (policy): Rule => ({
      policy,
      pattern: space.pattern(policy.selector),
      always: isAlwaysActive(policy),
      bids: new Set(bindingsOf(policy.action)),
    }),
  );
  const budget = { left: options.steps ?? 20_000_000, each: options.stepsPerPolicy ?? 200_000 };
  const seen = new Map<string, Policy>();
  // What never decides changes nothing for those below it: all of it belongs to others that are active with it.
  const deciding = new DecidingRules(space);
  return rules.flatMap((rule): LintFinding[] => {
    const { policy } = rule;
    const key = JSON.stringify([rule.pattern, policy.action, policy.otherwise]);
    const same = seen.get(key);
    if (same !== undefined) return [{ kind: 'equal', policy, by: [same] }];
    seen.set(key, policy);
    const boxes = space.boxes(rule.pattern);
    const verdict = judge(space, rule, boxes, deciding, budget);
    if (verdict?.kind !== 'hidden') deciding.add(rule, boxes);
    return verdict === undefined ? [] : [{ policy, ...verdict }];
  });
}

type Verdict = Pick<LintFinding, 'kind' | 'by'> | undefined;

interface Budget {
  left: number;
  readonly each: number;
}

function judge(
  space: PacketSpace,
  rule: Rule,
  boxes: readonly Box[],
  deciding: DecidingRules,
  budget: Budget,
): Verdict {
  const hides = (above: Rule): boolean =>
    (above.always || (!rule.always && isSubset(rule.bids, above.bids))) &&
    boxes.every((box) => space.covers(above.pattern, box));
  const above = deciding.meeting(boxes, hides);
  if ('policy' in above) return { kind: 'hidden', by: [above.policy] };
  // With all bindings usable every policy above is active: what decides nothing then may decide later.
  const all = cover(space, boxes, above, budget);
  if (all === 'open') return undefined;
  if (all === 'undecided') return { kind: 'undecided', by: [] };
  const states = rule.always ? [undefined] : [...rule.bids];
  const by = new Set<Rule>();
  for (const bid of states) {
    const active = above.filter(({ always, bids }) => always || (bid !== undefined && bids.has(bid)));
    const cover1 = active.length === above.length ? all : cover(space, boxes, active, budget);
    if (cover1 === 'undecided') return { kind: 'undecided', by: [] };
    if (cover1 === 'open') return { kind: 'standby', by: policiesOf(all) };
    for (const one of cover1) by.add(one);
  }
  return { kind: 'hidden', by: policiesOf(by) };
}

function policiesOf(rules: ReadonlySet<Rule>): Policy[] {
  return [...rules].map(({ policy }) => policy).sort((a, b) => a.priority - b.priority || a.fid - b.fid);
}

/** The rules that together have all of the boxes, or that there is more in the boxes than they have. */
function cover(
  space: PacketSpace,
  boxes: readonly Box[],
  rules: readonly Rule[],
  budget: Budget,
): ReadonlySet<Rule> | 'open' | 'undecided' {
  const whole = rules.find(({ pattern }) => boxes.every((box) => space.covers(pattern, box)));
  if (whole !== undefined) return new Set([whole]);
  const meeting = boxes.map((box) => rules.filter(({ pattern }) => space.meets(box, pattern)));
  for (const [index, box] of boxes.entries()) {
    if (findUncovered(space, box, meeting[index] ?? [])) return 'open';
  }
  const by = new Set<Rule>();
  let steps = Math.min(budget.each, budget.left);
  for (const [index, box] of boxes.entries()) {
    const before = steps;
    const left = peel(space, box, meeting[index] ?? [], by, steps);
    steps = left.steps;
    budget.left -= before - steps;
    if (left.verdict !== 'covered') return left.verdict;
  }
  return smallest(space, boxes, by);
}

/** Takes rule after rule away from a box until nothing is left of it, or a piece that no rule has. */
function peel(
  space: PacketSpace,
  box: Box,
  rules: readonly Rule[],
  by: Set<Rule>,
  most: number,
): { readonly verdict: 'covered' | 'open' | 'undecided'; readonly steps: number } {
  let steps = most;
  const pieces: { box: Box; next: number }[] = [{ box, next: 0 }];
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    let met = false;
    for (let index = piece.next; index < rules.length && !met; index++) {
      if (--steps < 0) return { verdict: 'undecided', steps: 0 };
      const rule = rules[index] as Rule;
      if (!space.meets(piece.box, rule.pattern)) continue;
      met = true;
      by.add(rule);
      for (const rest of space.subtract(piece.box, rule.pattern)) pieces.push({ box: rest, next: index + 1 });
    }
    if (!met) return { verdict: 'open', steps };
  }
  return { verdict: 'covered', steps };
}

const FEW = 12;
const FEW_STEPS = 5000;

/** Leaves out what is not needed for the cover, where there are few enough to try. */
function smallest(space: PacketSpace, boxes: readonly Box[], by: ReadonlySet<Rule>): ReadonlySet<Rule> {
  if (by.size > FEW) return by;
  let kept = [...by];
  // From the last one asked: what stands higher is the better explanation.
  for (const one of [...by].reverse()) {
    const without = kept.filter((other) => other !== one);
    const still = boxes.every((box) => peel(space, box, without, new Set(), FEW_STEPS).verdict === 'covered');
    if (still) kept = without;
  }
  return new Set(kept);
}

function isSubset(part: ReadonlySet<number>, whole: ReadonlySet<number>): boolean {
  for (const one of part) if (!whole.has(one)) return false;
  return true;
}

const FAR = 0x7fff_ffff;

/** The rules that were judged already and may decide, in their order. */
class DecidingRules {
  readonly #space: PacketSpace;
  readonly #rules: Rule[] = [];
  /** Lowest and highest rank in each ranked field, rule after rule: they rule out most. */
  #bounds = new Int32Array(1024);

  constructor(space: PacketSpace) {
    this.#space = space;
  }

  /** @param boxes the packets of the rule */
  add(rule: Rule, boxes: readonly Box[]): void {
    if (boxes.length === 0) return;
    const { ranked } = this.#space;
    const base = this.#rules.length * ranked.length * 2;
    if (base + ranked.length * 2 > this.#bounds.length) {
      const larger = new Int32Array(this.#bounds.length * 2 + ranked.length * 2);
      larger.set(this.#bounds);
      this.#bounds = larger;
    }
    for (const [at, index] of ranked.entries()) {
      this.#bounds[base + 2 * at] = rule.pattern[index]?.[0] ?? 0;
      this.#bounds[base + 2 * at + 1] = rule.pattern[index]?.at(-1) ?? FAR;
    }
    this.#rules.push(rule);
  }

  /** Those that have packets in common with the boxes, or the first one that does what `hides` asks. */
  meeting(boxes: readonly Box[], hides: (rule: Rule) => boolean): readonly Rule[] | Rule {
    const bounds = this.#bounds;
    const { ranked } = this.#space;
    const width = ranked.length * 2;
    const outer = new Int32Array(width);
    for (const [at, index] of ranked.entries()) {
      outer[2 * at] = Math.min(...boxes.map((box) => box[index]?.[0] ?? 0));
      outer[2 * at + 1] = Math.max(...boxes.map((box) => box[index]?.at(-1) ?? 0));
    }
    const found: Rule[] = [];
    for (let at = 0, base = 0; at < this.#rules.length; at++, base += width) {
      let apart = false;
      for (let end = 0; end < width && !apart; end += 2) {
        apart =
          (bounds[base + end] as number) > (outer[end + 1] as number) ||
          (bounds[base + end + 1] as number) < (outer[end] as number);
      }
      if (apart) continue;
      const rule = this.#rules[at] as Rule;
      if (!boxes.some((box) => this.#space.meets(box, rule.pattern))) continue;
      if (hides(rule)) return rule;
      found.push(rule);
    }
    return found;
  }
}
