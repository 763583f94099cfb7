/** Which bindings were looked at for a packet, and why each was taken or not. */
import { type ActivePolicy, CxAction, type Explained, type ExplainedBinding } from '../datapath/index.js';
import type { CandidateView } from './explanation.js';
import { decidingPolicy } from './live-decision.js';
import type { ConfiguredRouter, LiveRouter, World } from './world.js';

/** Why a binding is not usable, by the state that its daemon gives it. */
const STATES: Readonly<Record<string, string>> = {
  tentative: 'its care-of address is tentative',
  down: 'its uplink is down or not there',
  'no-carrier': 'its uplink has no carrier',
  'no-address': 'it has no care-of address',
  'no-route': 'its uplink has no router',
  registering: 'the home agent has not accepted its care-of address',
  disabled: 'an administrator has taken it out of use',
};

/** Why a binding cannot carry packets, as far as somebody knows. */
export function whyUnusable(world: World, router: ConfiguredRouter | undefined, bid: number): string {
  const state = world.bindingState(router, bid);
  return state === undefined ? 'not usable' : (STATES[state] ?? `not usable, ${state}`);
}

/** The bindings among which the deciding policy, or the default, chose. */
export function candidates(world: World, router: LiveRouter, explained: Explained): CandidateView[] {
  const policy = decidingPolicy(explained, router);
  const tried = policy && explained.policies.find(({ rank }) => router.policies[rank] === policy);
  const listed = tried?.bindings ?? [];
  const views = listed.map((one, at) =>
    view(world, router, explained, one, whyOfPolicy(policy, explained, listed, at)),
  );
  const fallback = (explained.fallback ?? []).map((one, at, all) =>
    view(world, router, explained, one, orderText(all, at, 'the lowest BID-PRI of the usable ones')),
  );
  // A binding may stand in both lists: the default is what was asked last.
  return [...views.filter(({ bid }) => !fallback.some((other) => other.bid === bid)), ...fallback];
}

function whyOfPolicy(
  policy: ActivePolicy | undefined,
  { shares, choices }: Explained,
  listed: readonly ExplainedBinding[],
  at: number,
): string {
  const index = listed[at]?.index ?? 0;
  if (choices.length === 0) return 'usable, if the mark is right';
  if (policy?.action === CxAction.BALANCE) {
    const share = shares.find((one) => one.index === index);
    if (share === undefined) return 'usable';
    const text = `weight ${share.weight}, draw ${share.draw} for this flow`;
    return choices.some((choice) => choice.index === index) ? `${text}, the least` : text;
  }
  if (policy?.action === CxAction.COPY) return 'usable, carries a copy';
  return orderText(listed, at, 'the first usable one of the list');
}

function orderText(all: readonly ExplainedBinding[], at: number, first: string): string {
  return all.findIndex(({ row }) => row !== 0) === at ? first : 'usable, but one before it is, too';
}

function view(
  world: World,
  router: LiveRouter,
  explained: Explained,
  { index, row }: ExplainedBinding,
  why: string,
): CandidateView {
  const bid = router.bindings.find((binding) => binding.index === index)?.bid ?? 0;
  const content = world.explainer.bindingRow(row);
  const isMobile = world.config.role === 'mobile-router';
  return {
    bid,
    name: router.configured?.bindings.find((binding) => binding.bid === bid)?.name ?? `BID ${bid}`,
    usable: row !== 0,
    taken: explained.choices.some((choice) => choice.index === index),
    why: row === 0 ? whyUnusable(world, router.configured, bid) : why,
    careOf: content === undefined ? null : isMobile ? content.outerSource : content.outerDestination,
    mtu: content?.mtu ?? null,
  };
}
