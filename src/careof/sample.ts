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

/** Bindings that are looked at in one audit; each is some microseconds. */
const MOST_AT_ONCE = 2000;

/** Whose turn it is where there are more bindings than one audit looks at. */
export class SampleTurns {
  #next = 0;

  /** The routers of this turn, and which part of all they are. */
  take({ routers }: Plan): { routers: readonly RouterPlan[]; part?: 'some' | 'last' } {
    const from = this.#next < routers.length ? this.#next : 0;
    let count = 0;
    let to = from;
    while (to < routers.length && count < MOST_AT_ONCE) count += routers[to++]?.bindings.length ?? 0;
    const isLast = to === routers.length;
    this.#next = isLast ? 0 : to;
    if (from === 0 && isLast) return { routers };
    return { routers: routers.slice(from, to), part: isLast ? 'last' : 'some' };
  }
}

/** Counters, neighbours and links of the bindings that carry packets, as `Health` wants them. */
export async function takeHealthSample(
  sources: Sources,
  plan: Plan,
  turns: SampleTurns,
): Promise<HealthSample> {
  const snapshot = sources.monitor.snapshot();
  const { routers, ...turn } = turns.take(plan);
  const bindings = routers.flatMap((router) =>
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
  return { at: performance.now(), bindings, uplinks, ...turn };
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
