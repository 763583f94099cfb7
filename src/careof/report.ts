import { formatSelector } from '../policy/index.js';
import type { BindingView, PolicyView, Traffic } from '../views/index.js';
import type { BindingPlan, RouterPlan } from './plan.js';

/** A binding as people and programs see it. */
export function bindingView(
  router: string,
  plan: BindingPlan,
  counted: { sentPackets: number; sentBytes: number; receivedPackets: number; receivedBytes: number },
  since: Date,
): BindingView {
  return {
    router,
    bid: plan.bid,
    name: plan.name,
    state: plan.state,
    careOf: plan.careOf?.toString() ?? null,
    homeAgent: plan.homeAgent.toString(),
    interface: plan.interface ?? null,
    tunnel: plan.tunnel,
    mtu: plan.mtu ?? null,
    nextHop: plan.nextHop?.address?.toString() ?? null,
    nextHopMac: plan.nextHop?.mac?.toString() ?? null,
    priority: plan.priority,
    sent: { packets: counted.sentPackets, bytes: counted.sentBytes },
    received: { packets: counted.receivedPackets, bytes: counted.receivedBytes },
    since: since.toISOString(),
  };
}

/** The policies of a router with their hits. */
export function policyViews(router: RouterPlan, hits: (fid: number) => Traffic): PolicyView[] {
  const nameOf = (bid: number): string =>
    router.bindings.find((binding) => binding.bid === bid)?.name ?? String(bid);
  return router.policies.map((policy) => ({
    router: router.name,
    fid: policy.fid,
    name: policy.name,
    priority: policy.priority,
    match: formatSelector(policy.selector),
    use: policy.use.map(nameOf),
    ...hits(policy.fid),
  }));
}
