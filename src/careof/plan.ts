import { type DeviceConfig, type Encapsulation, largestInner, type TunnelKind } from '../config/index.js';
import { type CxBinding, CxBindingFlag, CxTunnelKind } from '../datapath/index.js';
import type { Address, MacAddress, Prefix } from '../net/index.js';
import type { RouteSpec, RuleSpec } from '../netlink/index.js';
import type { Policy } from '../policy/index.js';
import type { BindingState } from '../views/index.js';
import type { Problem } from './problems.js';
import type { NextHop } from './uplink.js';

/** Metric of routes that only catch what nothing else takes (the kernel's largest is 2^32 - 1). */
export const LAST_METRIC = 0x7fffffff;

/** Smallest MTU an IPv6 link may have (RFC 8200 section 5). */
export const IPV6_MIN_MTU = 1280;

/** A router whose packets we carry; on a mobile router there is one, itself. */
export interface RouterPlan {
  id: number;
  name: string;
  homeAddress: Address;
  prefixes: readonly Prefix[];
  policies: readonly Policy[];
  bindings: BindingPlan[];
}

/** A binding as it should be, derived from config, registrations and the kernel. */
export interface BindingPlan {
  index: number;
  bid: number;
  name: string;
  /** BID-PRI */
  priority: number;
  tunnel: TunnelKind;
  /** Of `tunnel: device`. */
  device: DeviceConfig | undefined;
  /** Of an external xfrm interface. */
  keyFile: string | undefined;
  state: BindingState;
  careOf: Address | undefined;
  /** The care-of address to register with the home agent; undefined where there is none, or it is the home agent. */
  wanted: Address | undefined;
  homeAgent: Address;
  /** The uplink's name, as far as known. */
  interface: string | undefined;
  nextHop: NextHop | undefined;
  /** Largest inner packet, bytes; undefined as long as the path is unknown. */
  mtu: number | undefined;
  /** Pairs of outer addresses from which packets of this binding are taken. */
  accepts: { local: Address; remote: Address }[];
}

/** An address that we answer neighbour discovery for, as its owner does not. */
export interface ProxyPlan {
  ifindex: number;
  address: Address;
}

/** A route of ours; one that leads packets to the home interface waits for a binding that can carry them. */
export interface RoutePlan {
  spec: RouteSpec & { table: number; metric: number };
  needsBindings: boolean;
}

/** The way that packets of an ingress interface take. */
export interface IngressPlan {
  interface: string;
  forwarding: 'fast' | 'stack';
  /** In words. */
  why: string;
  problems: readonly ForwardingProblem[];
}

/** What is bypassed, or may be. */
export interface ForwardingProblem extends Problem {
  code: 'FIREWALL_BYPASSED' | 'FIREWALL_UNKNOWN' | 'IPSEC_BYPASSED' | 'IPSEC_UNKNOWN';
}

/** Everything that should be so. */
export interface Plan {
  /** None on a home agent, where no packet enters the stack that need not. */
  ingress: readonly IngressPlan[];
  routers: RouterPlan[];
  prefixes: { prefix: Prefix; router: number }[];
  rules: RuleSpec[];
  routes: RoutePlan[];
  proxies: readonly ProxyPlan[];
  /** The home address of a mobile router that registers itself, which its home agent sends mobility headers to. */
  signalled: Address | undefined;
  /** MTU of the home interface, bytes: the largest usable binding's, as each packet is told its own one's. */
  homeMtu: number;
  /** What an operator should know, one entry for each thing that is wrong. */
  problems: Problem[];
}

/** Does a binding carry packets in this state? */
export function carries(state: BindingState): boolean {
  return state === 'usable' || state === 'deprecated';
}

/** A device that makes outer headers. */
export interface TunnelDevice {
  ifindex: number;
  kind: CxTunnelKind;
  /** VNI of external tunnels, or interface id of IPsec. */
  tunnelId: number;
  /** Whether packets that are given to it start with an Ethernet header. */
  linkHeader: boolean;
}

/**
 * The row packets use for a binding, undefined while it cannot carry any.
 * @param tunnel the device that makes its outer header, where that is not our program
 */
export function bindingRow(
  plan: BindingPlan,
  router: number,
  outer: { source: Address; destination: Address },
  tunnel: TunnelDevice | undefined,
): CxBinding | undefined {
  const { nextHop, mtu } = plan;
  if (!carries(plan.state) || !nextHop || mtu === undefined) {
    return undefined;
  }
  const common = {
    outerSource: outer.source.toString(),
    outerDestination: outer.destination.toString(),
    nextHop: (nextHop.address ?? outer.destination).toString(),
    uplinkIfindex: nextHop.ifindex,
    router,
    bid: plan.bid,
    mtu,
  };
  if (plan.tunnel !== 'bpf' && plan.tunnel !== 'home') {
    return tunnel
      ? {
          ...common,
          ifindex: tunnel.ifindex,
          tunnelId: tunnel.tunnelId,
          kind: tunnel.kind,
          flags: tunnel.linkHeader ? 0 : CxBindingFlag.NO_LINK_HEADER,
          nextHopMac: macText(undefined),
          ownMac: macText(undefined),
        }
      : undefined;
  }
  const flags =
    (nextHop.linkHeader ? 0 : CxBindingFlag.NO_LINK_HEADER) | (nextHop.mac ? CxBindingFlag.MAC_KNOWN : 0);
  return {
    ...common,
    ifindex: nextHop.ifindex,
    tunnelId: 0,
    kind: plan.tunnel === 'home' ? CxTunnelKind.HOME : CxTunnelKind.BPF,
    flags,
    nextHopMac: macText(nextHop.mac),
    ownMac: macText(nextHop.ownMac),
  };
}

function macText(mac: MacAddress | undefined): string {
  return mac?.toString() ?? '00:00:00:00:00:00';
}

/** What the path carries: a configured value counts as long as the link carries that much. */
export function pathMtu(configured: number | undefined, link: number): number {
  return Math.min(configured ?? link, link);
}

/** MTU for the inner packet, undefined where the path is too narrow: BPF cannot make outer fragments. */
export function innerMtu(path: number, encapsulation: Encapsulation): number | undefined {
  const mtu = largestInner(Math.min(path, 65535), encapsulation);
  return mtu < IPV6_MIN_MTU ? undefined : mtu;
}
