// The ratios that are wanted, each with its target.
import type { Ratio } from './results.js';
import type { ForwardingRates } from './schedule.js';
import { netRatio, ratio } from './statistics.js';

/** `a` should forward at least `target` times what `b` does. */
export interface WantedRatio {
  readonly a: string;
  readonly b: string;
  readonly target: number | null;
  /** Packets for `b` are made on a CPU that it does not use: their cost is only taken off `a`. */
  readonly apart?: boolean;
}

/** Contender that is nothing but the generator and a sink. */
export const GENERATOR = 'generator alone';

/** The smallest frames, and the most flows of those that were measured with them. */
const SIZE = 64;

/** Every ratio of which both contenders were measured, twice: as it is, and net of the generator. */
export function forwardingRatios(wanted: readonly WantedRatio[], rates: readonly ForwardingRates[]): Ratio[] {
  const small = rates.filter(({ workload }) => workload.size === SIZE);
  const flows = Math.max(...small.map(({ workload }) => workload.flows));
  const of = (name: string): readonly number[] | undefined =>
    small.find(({ contender, workload }) => contender === name && workload.flows === flows)?.received;
  const generator = of(GENERATOR);
  return wanted.flatMap(({ a, b, target, apart }) => {
    const [one, other] = [of(a), of(b)];
    if (one === undefined || other === undefined) return [];
    const name = `${a} / ${b}`;
    const whole = judged(name, ratio(one, other), target);
    if (generator === undefined) return [whole];
    const paid = apart === true ? 'a' : 'both';
    return [whole, judged(`${name}, net of the generator`, netRatio(one, other, generator, paid), null)];
  });
}

/** @param most the target is the most that the value may be */
export function judged(name: string, value: number, target: number | null, most = false): Ratio {
  const known = Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
  if (target === null) return { name, value: known, target, ok: null };
  return { name, value: known, target, ok: known !== null && (most ? known <= target : known >= target) };
}
