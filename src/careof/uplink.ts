import type { Address, MacAddress, Prefix } from '../net/index.js';
import {
  ARPHRD,
  type InterfaceAddress,
  type Link,
  type NetlinkSnapshot,
  type Route,
  RT_TABLE,
} from '../netlink/index.js';
import type { BindingState } from '../views/index.js';

/** Where the outer packets of a binding go next. */
export interface NextHop {
  ifindex: number;
  /** Undefined on a link without neighbours (tun, wwan). */
  address: Address | undefined;
  /** Undefined until the kernel has resolved it. */
  mac: MacAddress | undefined;
  ownMac: MacAddress | undefined;
  /** Whether packets on this link start with an Ethernet header. */
  linkHeader: boolean;
}

/** An uplink as it is now. */
export interface Uplink {
  state: BindingState;
  link: Link | undefined;
  /** The address to use, set when the state is `usable` or `deprecated`. */
  careOf: Address | undefined;
  nextHop: NextHop | undefined;
  /** The uplink's way to everywhere else, where that is another one than to the home agent. */
  gateway: Address | undefined;
  /** Addresses that may be or become the care-of address: tunnelled packets to any of them are taken. */
  candidates: Address[];
  /** On-link prefixes of the uplink, for its routing table. */
  prefixes: Prefix[];
}

/** What is asked of an uplink. */
export interface UplinkQuery {
  interface: string;
  careOf: 'auto' | Address;
  gateway: 'auto' | Address;
  homeAgent: Address;
  /** Home address and mobile network prefixes: never a care-of address. */
  home: readonly Prefix[];
  /** The care-of address in use, kept as long as it is good. */
  current: Address | undefined;
  /** Protocol number of our own routes, which are no way to the home agent. */
  ownProtocol: number;
}

/** Where a route is looked for. */
interface From {
  snapshot: NetlinkSnapshot;
  link: Link;
  query: Pick<UplinkQuery, 'homeAgent' | 'ownProtocol'>;
  careOf: Address;
}

/** Derives the state of an uplink from the kernel's. */
export function observeUplink(snapshot: NetlinkSnapshot, query: UplinkQuery): Uplink {
  const link = snapshot.links.find(
    (candidate) => candidate.name === query.interface || candidate.altNames.includes(query.interface),
  );
  const gone = (state: BindingState, part: Partial<Uplink> = {}): Uplink => ({
    state,
    link,
    careOf: undefined,
    nextHop: undefined,
    gateway: undefined,
    candidates: [],
    prefixes: [],
    ...part,
  });
  if (!link?.up) {
    return gone('down');
  }
  const addresses = snapshot.addresses.filter(
    (item) =>
      item.ifindex === link.ifindex &&
      item.address.isGlobal &&
      !item.dadFailed &&
      !query.home.some((prefix) => prefix.contains(item.address)) &&
      (query.careOf === 'auto' || query.careOf.equals(item.address)),
  );
  const found = {
    candidates: addresses.map((item) => item.address).sort((a, b) => a.compare(b)),
    prefixes: onLinkPrefixes(addresses),
  };
  if (!hasCarrier(link)) {
    return gone('no-carrier', found);
  }
  const chosen = chooseCareOf(addresses, query.current);
  if (!chosen) {
    return gone(addresses.length > 0 ? 'tentative' : 'no-address', found);
  }
  const from = { snapshot, link, query, careOf: chosen.address };
  const address =
    query.gateway === 'auto'
      ? gatewayOf(from, (destination) => destination.contains(query.homeAgent))
      : query.gateway;
  if (!address) {
    return gone('no-route', found);
  }
  const nextHop = describeNextHop(snapshot, link, address);
  const gateway = query.gateway === 'auto' ? gatewayOf(from, ({ isDefault }) => isDefault) : undefined;
  return {
    state: chosen.deprecated ? 'deprecated' : 'usable',
    link,
    careOf: chosen.address,
    nextHop,
    gateway: nextHop.linkHeader && gateway && !gateway.equals(address) ? gateway : undefined,
    ...found,
  };
}

/** What is asked of the home link. */
export interface HomeLinkQuery {
  interface: string;
  homeAddress: Address;
  homeAgent: Address;
  /** Protocol number of our own routes, which are no way to the home agent. */
  ownProtocol: number;
}

/**
 * The link that the home agent is on, too: usable while it is on-link there. The home address is in the place of a
 * care-of address, and nothing comes tunnelled to it.
 */
export function observeHomeLink(snapshot: NetlinkSnapshot, query: HomeLinkQuery): Uplink {
  const { homeAddress, homeAgent, ownProtocol } = query;
  const link = snapshot.links.find(
    (candidate) => candidate.name === query.interface || candidate.altNames.includes(query.interface),
  );
  const nothing = { careOf: undefined, nextHop: undefined, gateway: undefined, candidates: [], prefixes: [] };
  if (!link?.up) return { state: 'down', link, ...nothing };
  if (!hasCarrier(link)) return { state: 'no-carrier', link, ...nothing };
  const from = { snapshot, link, query: { homeAgent, ownProtocol }, careOf: homeAddress };
  const way = gatewayOf(from, (destination) => destination.contains(homeAgent));
  if (!way?.equals(homeAgent)) return { state: 'no-route', link, ...nothing };
  const nextHop = describeNextHop(snapshot, link, homeAgent);
  return { ...nothing, state: 'usable', link, careOf: homeAddress, nextHop };
}

/** Whether frames can leave; a link that cannot tell (tun) is taken at its word. */
export function hasCarrier(link: Link): boolean {
  return link.carrier !== false && link.operState !== 'down' && link.operState !== 'lowerLayerDown';
}

/**
 * The address to use among those of an uplink: the one in use while it is preferred, else a preferred one,
 * else the one in use, else any that is valid. Temporary addresses only when nothing else is there.
 */
export function chooseCareOf(
  addresses: readonly InterfaceAddress[],
  current: Address | undefined,
): InterfaceAddress | undefined {
  const rank = (item: InterfaceAddress): number =>
    (item.deprecated ? 4 : 0) + (current?.equals(item.address) ? 0 : 2) + (item.temporary ? 1 : 0);
  return addresses
    .filter((item) => !item.tentative || item.optimistic)
    .sort((a, b) => rank(a) - rank(b) || a.address.compare(b.address))[0];
}

function onLinkPrefixes(addresses: readonly InterfaceAddress[]): Prefix[] {
  const prefixes = new Map<string, Prefix>();
  for (const { prefix, noPrefixRoute } of addresses) {
    if (!noPrefixRoute && !prefix.isHost) {
      prefixes.set(prefix.toString(), prefix);
    }
  }
  return [...prefixes.values()].sort((a, b) => a.compare(b));
}

/**
 * The gateway of the best of an uplink's routes to one of the destinations; the home agent itself where that
 * route has none, undefined without a route.
 */
function gatewayOf(
  { snapshot, link, query, careOf }: From,
  reaches: (destination: Prefix) => boolean,
): Address | undefined {
  const gateway = (route: Route): Address =>
    route.nextHops.find((hop) => hop.ifindex === link.ifindex)?.gateway ??
    (route.ifindex === link.ifindex ? route.gateway : undefined) ??
    query.homeAgent;
  const best = snapshot.routes
    .filter(
      (route) =>
        route.type === 'unicast' &&
        route.table !== RT_TABLE.LOCAL &&
        route.protocol !== query.ownProtocol &&
        !route.dead &&
        reaches(route.destination) &&
        (!route.source || route.source.contains(careOf)) &&
        (route.ifindex === link.ifindex || route.nextHops.some((hop) => hop.ifindex === link.ifindex)),
    )
    .sort(
      (a, b) =>
        b.destination.length - a.destination.length || a.metric - b.metric || gateway(a).compare(gateway(b)),
    )[0];
  return best && gateway(best);
}

/** The next hop with what the neighbour table knows of it. */
export function describeNextHop(snapshot: NetlinkSnapshot, link: Link, address: Address): NextHop {
  const linkHeader = link.type === ARPHRD.ETHER;
  if (!linkHeader) {
    return { ifindex: link.ifindex, address: undefined, mac: undefined, ownMac: undefined, linkHeader };
  }
  const neighbour = snapshot.neighbours.find(
    (item) => item.ifindex === link.ifindex && !item.proxy && item.address.equals(address),
  );
  return {
    ifindex: link.ifindex,
    address,
    mac: neighbour?.usable ? neighbour.mac : undefined,
    ownMac: link.mac,
    linkHeader,
  };
}
