/** The live answer beside that of the reference classifier. */
import type { Explained } from '../datapath/index.js';
import { type Decision, decide, type Packet } from '../policy/index.js';
import type { AgreementView } from './explanation.js';
import {
  generationDifferences,
  keyDifferences,
  type LiveDecision,
  liveDecision,
  sameDecision,
} from './live-decision.js';
import { type LiveRouter, policyName } from './world.js';

/** @param packet what was classified, as the specifications read it */
export function agreement(
  explained: Explained,
  router: LiveRouter,
  packet: Packet,
  state: { readonly markKnown: boolean; usable(bid: number): boolean },
): AgreementView {
  const live = liveDecision(explained, router);
  const reference = router.configured === undefined ? undefined : decide(router.configured, packet, state);
  const differences = [
    ...(explained.key === undefined ? [] : keyDifferences(explained.key, packet, state.markKnown)),
    ...(explained.router?.markKnown === state.markKnown
      ? []
      : ['the programs take the mark for known, or not, otherwise']),
    ...generationDifferences(router),
  ];
  const same = reference !== undefined && sameDecision(live, reference);
  return {
    agrees: same && differences.length === 0,
    live: liveText(live, router),
    reference:
      reference === undefined ? 'nothing: the router is not in the file' : referenceText(reference, router),
    differences,
  };
}

const bindingName = ({ configured }: LiveRouter, bid: number): string =>
  configured?.bindings.find((one) => one.bid === bid)?.name ?? `BID ${bid}`;

const byPolicy = ({ configured }: LiveRouter, fid: number | null): string =>
  fid === null ? 'no policy' : policyName(configured, fid);

function liveText({ kind, bids, fid }: LiveDecision, router: LiveRouter): string {
  const policy = byPolicy(router, fid);
  switch (kind) {
    case 'binding':
      return `${bids.map((bid) => bindingName(router, bid)).join(', ')} by ${policy}`;
    case 'none':
      return 'no binding can carry it';
    case 'left':
      return `not bypassed, by ${policy}`;
    case 'other':
      return 'none of what a policy can say';
    default:
      return `${kind} by ${policy}`;
  }
}

function referenceText(decision: Decision, router: LiveRouter): string {
  switch (decision.kind) {
    case 'binding':
      return `${bindingName(router, decision.bid)} by ${byPolicy(router, decision.fid)}`;
    case 'balance':
      return `one of ${decision.bindings.map(({ bid }) => bindingName(router, bid)).join(', ')} by ${byPolicy(router, decision.fid)}`;
    case 'copy':
      return `${decision.bindings.map((bid) => bindingName(router, bid)).join(', ')} by ${byPolicy(router, decision.fid)}`;
    case 'none':
      return 'no binding can carry it';
    default:
      return `${decision.kind} by ${byPolicy(router, decision.fid)}`;
  }
}
