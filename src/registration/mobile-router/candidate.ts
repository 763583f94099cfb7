/** Which Binding Updates could be sent, when, and which goes first. Pure. */
import type { BindingEntry } from './binding-entry.js';
import type { UpdateForm } from './exchange.js';
import type { FlowList } from './flow-list.js';
import type { HomeAgentLimits } from './home-agent-limits.js';
import type { Path, Paths } from './path.js';
import { DEMOTED_AFTER } from './timing.js';

/** A Binding Update that could be sent. */
export interface Candidate {
  readonly form: UpdateForm;
  readonly kind: 'register' | 'remove';
  readonly path: Path;
  /** Those that are held when it is sent stay out. */
  readonly entries: readonly BindingEntry[];
  /** Monotonic, milliseconds; minus infinity: at once. */
  readonly at: number;
  /** Lower goes first. */
  readonly urgency: Urgency;
}

const Urgency = { CHANGE: 0, FLOWS: 1, REMOVAL: 2, REFRESH: 3 } as const;
type Urgency = (typeof Urgency)[keyof typeof Urgency];

/** What the choice depends on. */
export interface Situation {
  readonly phase: 'running' | 'closing' | 'closed';
  readonly entries: readonly BindingEntry[];
  readonly paths: Paths;
  readonly flows: FlowList;
  readonly limits: HomeAgentLimits;
  readonly bulk: boolean;
}

export function candidates(situation: Situation): Candidate[] {
  const { phase, limits, paths } = situation;
  if (phase === 'closed') return [];
  const everything = (): Candidate[] =>
    paths.all.map((path) => ({
      form: 'everything',
      kind: 'remove',
      path,
      entries: [],
      at: path.notBefore,
      urgency: Urgency.REMOVAL,
    }));
  if (phase === 'closing') return everything();
  if (limits.withoutRouters) return limits.cleanup ? everything() : [];
  const found = limits.single ? ofSingle(situation) : [...ofBindings(situation), ...ofRemovals(situation)];
  return found.map((one) => ({ ...one, at: Math.max(one.at, limits.pausedUntil) }));
}

/** The binding that stands for all where there may be one: the best that answers (RFC 6089 section 4.1). */
export function singleEntry({ entries, paths }: Situation): BindingEntry | undefined {
  const demoted = ({ wanted }: BindingEntry): number =>
    wanted && (paths.get(wanted.careOf)?.failures ?? 0) >= DEMOTED_AFTER ? 1 : 0;
  return entries
    .filter(({ wanted }) => wanted)
    .sort(
      (a, b) =>
        demoted(a) - demoted(b) || (a.wanted?.priority ?? 0) - (b.wanted?.priority ?? 0) || a.bid - b.bid,
    )[0];
}

/** The one to send of those that are ready. */
export function choose(all: readonly Candidate[], now: number): Candidate | undefined {
  return all.filter(({ at }) => at <= now).sort(compare)[0];
}

function ofSingle(situation: Situation): Candidate[] {
  const entry = singleEntry(situation);
  const path = entry?.wanted && situation.paths.get(entry.wanted.careOf);
  if (!entry || !path) return [];
  const need = needOf(entry, 'single');
  const at = Math.max(need.at, entry.heldUntil, path.notBefore);
  return [{ form: 'single', kind: 'register', path, entries: [entry], at, urgency: need.urgency }];
}

function ofBindings(situation: Situation): Candidate[] {
  const { entries, paths, limits, bulk } = situation;
  const wanted = entries.filter((entry) => entry.wanted);
  const flows = flowsDueAt(situation);
  const base = { form: 'bindings', kind: 'register' } as const;
  if (!bulk || limits.individualOnly) {
    return wanted.flatMap((entry) => {
      const path = entry.wanted && paths.get(entry.wanted.careOf);
      if (!path) return [];
      const { at, urgency } = earlier(
        needOf(entry, 'bindings'),
        entry.isRight('bindings') ? flows : undefined,
      );
      return [
        { ...base, path, entries: [entry], at: Math.max(at, entry.heldUntil, path.notBefore), urgency },
      ];
    });
  }
  const needs = wanted.map((entry) => {
    const { at, urgency } = earlier(needOf(entry, 'bindings'), entry.isRight('bindings') ? flows : undefined);
    return { at: Math.max(at, entry.heldUntil), urgency };
  });
  const first = needs.sort((a, b) => a.at - b.at || a.urgency - b.urgency)[0];
  if (first === undefined) return [];
  return paths.all.map((path) => ({
    ...base,
    path,
    entries: wanted,
    at: Math.max(first.at, path.notBefore),
    urgency: first.urgency,
  }));
}

/** Bindings that are not wanted any more end over any path that there is (RFC 5648 section 5.4). */
function ofRemovals({ entries, paths, limits, bulk }: Situation): Candidate[] {
  // O ends them anyway.
  if (limits.overwrite) return [];
  const unwanted = entries.filter(({ wanted }) => !wanted);
  const groups =
    bulk && !limits.individualOnly && unwanted.length > 0 ? [unwanted] : unwanted.map((one) => [one]);
  return groups.flatMap((group) => {
    const held = Math.min(...group.map(({ heldUntil }) => heldUntil));
    return paths.all.map(
      (path): Candidate => ({
        form: 'bindings',
        kind: 'remove',
        path,
        entries: group,
        at: Math.max(held, path.notBefore),
        urgency: Urgency.REMOVAL,
      }),
    );
  });
}

interface Need {
  readonly at: number;
  readonly urgency: Urgency;
}

function needOf(entry: BindingEntry, form: 'bindings' | 'single'): Need {
  if (!entry.isRight(form)) return { at: Number.NEGATIVE_INFINITY, urgency: Urgency.CHANGE };
  return { at: entry.registered?.refreshAt ?? Number.NEGATIVE_INFINITY, urgency: Urgency.REFRESH };
}

function earlier(need: Need, flowsAt: number | undefined): Need {
  return flowsAt === undefined || flowsAt >= need.at ? need : { at: flowsAt, urgency: Urgency.FLOWS };
}

function flowsDueAt({ entries, flows }: Situation): number | undefined {
  return flows.dueAt(new Set(entries.filter((entry) => entry.isRight('bindings')).map(({ bid }) => bid)));
}

/** Paths that answer first, then what is urgent; among paths that do not answer, they take turns. */
function compare(a: Candidate, b: Candidate): number {
  const [suspectA, suspectB] = [a.path.failures > 0, b.path.failures > 0];
  if (suspectA !== suspectB) return suspectA ? 1 : -1;
  const bids = ({ entries }: Candidate): number => entries[0]?.bid ?? 0;
  return (
    a.urgency - b.urgency ||
    (suspectA ? order(a.path.lastSent, b.path.lastSent) : 0) ||
    a.path.priority - b.path.priority ||
    bids(a) - bids(b)
  );
}

/** Of times that may be minus infinity. */
function order(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
