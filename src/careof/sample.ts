import type { Datapath } from '../datapath/index.js';
import { type Netlink, type NetlinkMonitor, type NetlinkSnapshot, NUD } from '../netlink/index.js';
import type { BindingSample, HealthSample, UplinkSample } from './health.js';
import { type BindingPlan, carries, type Plan, type RouterPlan } from './plan.js';

/** Where a sample is taken from. */
interface Sources {
  datapath: Pick<Datapath, 'counters'>;
  netlink: Pick<Netlink, 'getLinkStats'>;
  monitor: Pick<NetlinkMonitor, 'snapshot'>;
}

/** Counters, neighbours and links of the bindings that carry packets, as `Health` wants them. */
export async function takeHealthSample(sources: Sources, plan: Plan): Promise<HealthSample> {
  const snapshot = sources.monitor.snapshot();
  const bindings = plan.routers.flatMap((router) =>
    router.bindings
      .filter(({ state }) => carries(state))
      .flatMap((binding) => sampleBinding(sources, snapshot, router, binding) ?? []),
  );
  const uplinks: UplinkSample[] = [];
  for (const [ifindex, name] of new Map(bindings.map((one) => [one.ifindex, one.interface]))) {
    const stats = await sources.netlink.getLinkStats(ifindex);
    if (stats) {
      uplinks.push({ ifindex, interface: name, txDropped: stats.txDropped, txErrors: stats.txErrors });
    }
  }
  return { at: performance.now(), bindings, uplinks };
}

function sampleBinding(
  { datapath }: Sources,
  snapshot: NetlinkSnapshot,
  router: RouterPlan,
  { index, name, careOf, nextHop, tunnel, interface: uplink = '' }: BindingPlan,
): BindingSample | undefined {
  if (!nextHop) {
    return undefined;
  }
  const { sentPackets, receivedPackets } = datapath.counters.binding(index);
  return {
    index,
    router: router.name,
    name,
    way: `${careOf} ${nextHop.address ?? nextHop.mac} ${nextHop.ifindex}`,
    interface: uplink,
    ifindex: nextHop.ifindex,
    nextHop: nextHop.address?.toString(),
    neighbour: stateOf(snapshot, nextHop),
    sent: sentPackets,
    received: receivedPackets,
    onlySends: tunnel === 'home',
  };
}

function stateOf(
  snapshot: NetlinkSnapshot,
  { address, ifindex, linkHeader }: NonNullable<BindingPlan['nextHop']>,
): BindingSample['neighbour'] {
  if (!linkHeader || !address) {
    return 'none';
  }
  const entry = snapshot.neighbours.find(
    (item) => item.ifindex === ifindex && !item.proxy && item.address.equals(address),
  );
  if (entry?.usable) {
    return 'resolved';
  }
  return entry && (entry.state & NUD.FAILED) !== 0 ? 'failed' : 'unresolved';
}
