import type { HomeAgentConfig, RouterConfig, TunnelKind } from '../config/index.js';
import { policyOfFlow, type RegistrarSettings } from '../registration/index.js';

/** Reason unspecified (RFC 6089 section 4.2): nobody prohibits it, this home agent cannot do it. */
const CANNOT = 129;

type FlowRule = RegistrarSettings['flowRefusal'];

/**
 * Which flow bindings the datapath of a configuration cannot have: those that are no policy of ours, and copies that the
 * configuration check refuses in the file, too. A packet is prepared once for all its copies, so they need one tunnel
 * kind; an external xfrm interface carries none.
 */
export function flowRuleOf({ routers, external }: HomeAgentConfig): FlowRule {
  const configured = new Map(routers.map((router) => [router.address.key, router]));
  return (flow, bindings, { homeAddress }) => {
    const policy = policyOfFlow(flow);
    if ('refused' in policy) return policy.refused;
    if (policy.action.kind !== 'copy') return undefined;
    const home = bindings.find(({ careOf }) => careOf.equals(homeAddress));
    const router = configured.get(homeAddress.key);
    const kinds = new Set(
      policy.action.bindings.map((bid) => (bid === home?.bid ? 'home' : kindOf(bid, router))),
    );
    return kinds.size > 1 || (kinds.has('external') && external?.kind === 'xfrm') ? CANNOT : undefined;
  };
}

/** A binding abroad is made as the file says, and what the file does not list is `bpf`. */
function kindOf(bid: number, router: RouterConfig | undefined): TunnelKind {
  return router?.bindings.find((binding) => binding.bid === bid)?.tunnel ?? 'bpf';
}
