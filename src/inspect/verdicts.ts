/** Each policy up to the one that decides, and why it did or did not. */
import {
  bindingsOf,
  formatAction,
  formatMark,
  formatSelector,
  isAlwaysActive,
  type Packet,
  type Policy,
} from '../policy/index.js';
import { wireFid } from '../registration/index.js';
import { whyUnusable } from './candidates.js';
import type { PolicyVerdictView } from './explanation.js';
import { type Mismatch, mismatches } from './mismatch.js';
import type { ConfiguredRouter, World } from './world.js';

/** @param usable whether a binding can carry packets now */
export function policyVerdicts(
  world: World,
  router: ConfiguredRouter,
  packet: Packet,
  state: { readonly markKnown: boolean; usable(bid: number): boolean },
): PolicyVerdictView[] {
  const nameOf = (bid: number): string =>
    router.bindings.find((one) => one.bid === bid)?.name ?? `BID ${bid}`;
  const verdicts: PolicyVerdictView[] = [];
  for (const policy of [...router.policies].sort((a, b) => a.priority - b.priority)) {
    const differences = mismatches(policy.selector, packet, state.markKnown);
    const [verdict, why] = judge(world, router, policy, differences, state, nameOf);
    const { fid, name, priority } = policy;
    verdicts.push({
      fid,
      registeredFid: wireFid(fid) ?? null,
      name,
      priority,
      match: formatSelector(policy.selector),
      action: formatAction(policy, nameOf),
      verdict,
      differences,
      why,
    });
    if (verdict === 'decides' || verdict === 'mark-open') break;
  }
  return verdicts;
}

function judge(
  world: World,
  router: ConfiguredRouter,
  policy: Policy,
  differences: readonly Mismatch[],
  { markKnown, usable }: { readonly markKnown: boolean; usable(bid: number): boolean },
  nameOf: (bid: number) => string,
): [PolicyVerdictView['verdict'], why: string] {
  if (differences.length > 0) return ['differs', differences.map(({ text }) => text).join('; ')];
  const bids = bindingsOf(policy.action);
  const carried = bids.some((bid) => usable(bid));
  if (!carried && !isAlwaysActive(policy)) {
    const each = bids.map((bid) => `${nameOf(bid)}: ${whyUnusable(world, router, bid)}`);
    return ['inactive', `matches, but none of its bindings is usable (${each.join('; ')})`];
  }
  const { mark } = policy.selector;
  if (mark !== undefined && !markKnown) {
    return ['mark-open', `matches but for the mark ${formatMark(mark)}, which is not known here`];
  }
  if (!carried && bids.length > 0) {
    return [
      'decides',
      `matches; none of its bindings is usable, so its "otherwise: ${policy.otherwise}" holds`,
    ];
  }
  return ['decides', 'matches'];
}
