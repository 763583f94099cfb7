import {
  type AddressId,
  type AddressSpec,
  deleteAddressBody,
  describeAddress,
  newAddressBody,
} from './address-request.js';
import { AF, NDA, NTF, RTA, RTM } from './constants.js';
import { NetlinkError } from './errors.js';
import { decodeFilter, type Filter, filterDumpBody } from './filter.js';
import { addressHeader, decodeInterfaceAddress, type InterfaceAddress } from './interface-address.js';
import { decodeLink, decodeLinkStats, type Link, type LinkStats, linkDumpBody } from './link.js';
import { type MetadataKind, offersLinkKind, offersMetadata } from './link-kind.js';
import {
  type LinkChange,
  type LinkOptions,
  newLinkBody,
  newVethBody,
  newVxlanBody,
  oneLinkBody,
  setLinkBodies,
  type VethOptions,
  type VxlanOptions,
} from './link-request.js';
import { type Mode, modeFlags } from './mode.js';
import { decodeNeighbour, type Neighbour, neighbourHeader } from './neighbour.js';
import {
  deleteNeighbourBody,
  describeNeighbour,
  type NeighbourId,
  type NeighbourSpec,
  newNeighbourBody,
} from './neighbour-request.js';
import { decodeQdisc, type Qdisc, qdiscDumpBody } from './qdisc.js';
import { type Request, RequestSocket } from './request-socket.js';
import { decodeRoute, ROUTE_TYPES, type Route, type RouteType, routeHeader } from './route.js';
import {
  deleteRouteBody,
  describeQuery,
  describeRoute,
  getRouteBody,
  newRouteBody,
  type RouteQuery,
  type RouteSpec,
} from './route-request.js';
import { decodeRule, type Rule, ruleHeader } from './rule.js';
import { deleteRuleBody, describeRule, newRuleBody, type RuleSpec } from './rule-request.js';
import { tolerating } from './tolerating.js';
import {
  changeTunnelBodies,
  type Ip6GreOptions,
  type Ip6TunnelOptions,
  newIp6GreBody,
  newIp6TunnelBody,
  newXfrmInterfaceBody,
  type TunnelChange,
  type XfrmInterfaceOptions,
} from './tunnel-request.js';
import type { Message } from './wire.js';

const DEFAULT_RECEIVE_BUFFER = 1024 * 1024;

export interface AddressFilter {
  /** Default 6; 0 for both */
  family?: 4 | 6 | 0 | undefined;
  ifindex?: number | undefined;
}

export interface RouteFilter {
  /** Default 6 */
  family?: 4 | 6 | undefined;
  table?: number | undefined;
  ifindex?: number | undefined;
  /** RTPROT_* */
  protocol?: number | undefined;
  type?: RouteType | undefined;
}

export interface NeighbourFilter {
  /** Default 6 */
  family?: 4 | 6 | undefined;
  ifindex?: number | undefined;
  /** True: the proxy entries instead of the cache */
  proxy?: boolean | undefined;
}

/**
 * rtnetlink requests in the network namespace of the process. Every method rejects with NetlinkError: NETLINK_KERNEL
 * (see `errnoName` and `extack`), NETLINK_CLOSED, NETLINK_SOCKET or NETLINK_OVERRUN. The create methods resolve to
 * whether the kernel made a change, the delete methods to whether there was something to delete.
 */
export class Netlink implements Disposable {
  readonly #socket: RequestSocket;

  private constructor(receiveBuffer: number) {
    this.#socket = new RequestSocket(receiveBuffer);
  }

  /** @throws NetlinkError NETLINK_SOCKET */
  static open(options: { receiveBuffer?: number | undefined } = {}): Netlink {
    return new Netlink(options.receiveBuffer ?? DEFAULT_RECEIVE_BUFFER);
  }

  /** Closes; what is pending is rejected with NETLINK_CLOSED. */
  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A request this class has no method for; `attempted` completes the sentence "Cannot ...". */
  request(request: Request, attempted: string): Promise<Message[]> {
    return this.#socket.request(request, attempted);
  }

  async dumpLinks(): Promise<Link[]> {
    return this.#dump(RTM.GETLINK, linkDumpBody(), decodeLink, 'list the links');
  }

  async dumpAddresses(filter: AddressFilter = {}): Promise<InterfaceAddress[]> {
    const { family = 6, ifindex } = filter;
    const header = addressHeader(family === 0 ? AF.UNSPEC : familyNumber(family), 0, 0, ifindex ?? 0);
    return this.#dump(RTM.GETADDR, header.finish(), decodeInterfaceAddress, 'list the addresses', ['ENODEV']);
  }

  /** Routes of all tables, or of those the filter names; no cache entries. */
  async dumpRoutes(filter: RouteFilter = {}): Promise<Route[]> {
    const { family = 6, table, ifindex, protocol, type } = filter;
    const header = routeHeader({
      family: familyNumber(family),
      table: table ?? 0,
      protocol: protocol ?? 0,
      type: type === undefined ? 0 : ROUTE_TYPES[type],
    });
    header.attributeU32(RTA.TABLE, table).attributeU32(RTA.OIF, ifindex);
    const routes = await this.#dump(RTM.GETROUTE, header.finish(), decodeRoute, 'list the routes', [
      'ENOENT',
      'ENODEV',
    ]);
    return routes.filter(
      (route) =>
        !route.cloned &&
        (table === undefined || route.table === table) &&
        (protocol === undefined || route.protocol === protocol) &&
        (type === undefined || route.type === type) &&
        (ifindex === undefined ||
          route.ifindex === ifindex ||
          route.nextHops.some((hop) => hop.ifindex === ifindex)),
    );
  }

  async dumpNeighbours(filter: NeighbourFilter = {}): Promise<Neighbour[]> {
    const { family = 6, ifindex, proxy = false } = filter;
    const header = neighbourHeader(familyNumber(family), 0, 0, proxy ? NTF.PROXY : 0);
    header.attributeU32(NDA.IFINDEX, ifindex);
    return this.#dump(RTM.GETNEIGH, header.finish(), decodeNeighbour, 'list the neighbours', ['ENODEV']);
  }

  async dumpRules(filter: { family?: 4 | 6 | undefined } = {}): Promise<Rule[]> {
    const header = ruleHeader({ family: familyNumber(filter.family ?? 6) });
    return this.#dump(RTM.GETRULE, header.finish(), decodeRule, 'list the rules');
  }

  /** The queueing disciplines of all links; a link that queues nothing (`noqueue`) is not among them. */
  async dumpQdiscs(): Promise<Qdisc[]> {
    return this.#dump(RTM.GETQDISC, qdiscDumpBody(), decodeQdisc, 'list the queueing disciplines');
  }

  /** Filters at a clsact hook of a link; none where there is no such hook. */
  async dumpFilters(ifindex: number, direction: 'ingress' | 'egress'): Promise<Filter[]> {
    const body = filterDumpBody(ifindex, direction);
    return this.#dump(
      RTM.GETTFILTER,
      body,
      decodeFilter,
      `list the filters at ${direction} of link ${ifindex}`,
      ['ENODEV', 'EINVAL', 'ENOENT'],
    );
  }

  /** A link by ifindex, name or alternative name; undefined when there is none. */
  async getLink(which: number | string): Promise<Link | undefined> {
    return decodeFirst(await this.#askForLink(which), decodeLink);
  }

  /** Counters of a link by ifindex; undefined when there is none. */
  async getLinkStats(ifindex: number): Promise<LinkStats | undefined> {
    const request = { type: RTM.GETLINK, flags: 0, body: oneLinkBody(ifindex) };
    const reading = this.#socket.request(request, `read the counters of link ${ifindex}`);
    return decodeFirst(await tolerating(reading, ['ENODEV'], []), decodeLinkStats);
  }

  /**
   * The kernel's route to a destination. Without one, or for a reject route, the kernel's errno is thrown:
   * ENETUNREACH, EHOSTUNREACH (unreachable), EACCES (prohibit), EINVAL (blackhole).
   */
  async getRoute(query: RouteQuery): Promise<Route> {
    const attempted = `find the ${describeQuery(query)}`;
    const request = { type: RTM.GETROUTE, flags: 0, body: getRouteBody(query) };
    const route = decodeFirst(await this.#socket.request(request, attempted), decodeRoute);
    if (route === undefined) {
      throw new NetlinkError('NETLINK_KERNEL', `Cannot ${attempted}: the kernel gave no route`, {
        attempted,
      });
    }
    return route;
  }

  /** Whether the kernel makes links of a kind, such as `ip6tnl`; its module is loaded, nothing is made. */
  async offersLinkKind(kind: string): Promise<boolean> {
    return offersLinkKind((request, attempted) => this.request(request, attempted), kind);
  }

  /** Whether one link of that kind can be `external`: its tunnel's ends in the metadata of each packet. */
  async offersMetadata(kind: MetadataKind): Promise<boolean> {
    return offersMetadata((request, attempted) => this.request(request, attempted), kind);
  }

  async createVeth(options: VethOptions): Promise<boolean> {
    const created = await this.#createLink(options, 'veth', newVethBody(options));
    if (!created) return false;
    try {
      await this.setLink(options.name, { addrGenMode: options.addrGenMode });
      if (options.peerAddrGenMode !== undefined || options.peerUp !== undefined) {
        await this.setLink(options.peer, { addrGenMode: options.peerAddrGenMode, up: options.peerUp });
      }
      await this.setLink(options.name, { up: options.up });
    } catch (error) {
      await this.deleteLink(options.name);
      throw error;
    }
    return true;
  }

  async createVxlan(options: VxlanOptions): Promise<boolean> {
    return this.#createSingleLink(options, 'vxlan', newVxlanBody(options));
  }

  /**
   * A tunnel of RFC 2473. Where the module `ip6_tunnel` was not loaded yet, each network namespace gets the device
   * `ip6tnl0` with it (unless sysctl net.core.fb_tunnels_only_for_init_net says otherwise).
   */
  async createIp6Tunnel(options: Ip6TunnelOptions): Promise<boolean> {
    return this.#createSingleLink(options, 'ip6tnl', newIp6TunnelBody(options));
  }

  /** A GRE tunnel over IPv6 (RFC 7676) without a link layer; `ip6gre0` comes with its module as `ip6tnl0` does. */
  async createIp6Gre(options: Ip6GreOptions): Promise<boolean> {
    return this.#createSingleLink(options, 'ip6gre', newIp6GreBody(options));
  }

  /** What is sent by it is protected by the IPsec policies of its id. */
  async createXfrmInterface(options: XfrmInterfaceOptions): Promise<boolean> {
    return this.#createSingleLink(options, 'xfrm', newXfrmInterfaceBody(options));
  }

  /** A device without keys and peers, which `Wireguard` gives it. */
  async createWireguard(options: LinkOptions): Promise<boolean> {
    return this.#createSingleLink(options, 'wireguard', newLinkBody(options, 'wireguard'));
  }

  /**
   * Changes addresses of an `ip6tnl`, `ip6gre` or `vxlan` that is not external, in place, and resolves to whether they
   * were others; everything else of the device stays. The kernel announces it for a link that is up.
   *
   * A vxlan has no remote address for a moment when its local one changes, and what the device has learned by itself
   * keeps the old source: make it with `learning: false`.
   */
  async changeTunnel(which: number | string, change: TunnelChange): Promise<boolean> {
    const attempted = `change the addresses of tunnel ${which}`;
    const [message] = await this.#askForLink(which);
    if (message === undefined) throw noSuchLink(attempted);
    const bodies = changeTunnelBodies(message.body, change);
    for (const body of bodies) {
      await this.#socket.request({ type: RTM.NEWLINK, flags: 0, body }, attempted);
    }
    return bodies.length > 0;
  }

  /** A link of a kind that needs no parameters, such as `dummy`, `ifb` or `bridge`. */
  async createLink(options: LinkOptions & { kind: string }): Promise<boolean> {
    return this.#createSingleLink(options, options.kind, newLinkBody(options, options.kind));
  }

  /** Changes what is given. `addrGenMode` is set before the link comes up. */
  async setLink(which: number | string, change: LinkChange): Promise<void> {
    const attempted = `change link ${which}`;
    const ifindex = typeof which === 'number' ? which : (await this.getLink(which))?.ifindex;
    if (ifindex === undefined) throw noSuchLink(attempted);
    for (const body of setLinkBodies(ifindex, change)) {
      await this.#socket.request({ type: RTM.SETLINK, flags: 0, body }, attempted);
    }
  }

  async deleteLink(which: number | string): Promise<boolean> {
    return this.#delete(RTM.DELLINK, oneLinkBody(which), `delete link ${which}`, ['ENODEV']);
  }

  async addAddress(spec: AddressSpec): Promise<boolean> {
    return this.#create(RTM.NEWADDR, newAddressBody(spec), `add ${describeAddress(spec)}`, spec.mode);
  }

  async deleteAddress(id: AddressId): Promise<boolean> {
    const attempted = `delete ${describeAddress(id)}`;
    return this.#delete(RTM.DELADDR, deleteAddressBody(id), attempted, ['EADDRNOTAVAIL', 'ENODEV', 'ENXIO']);
  }

  async addRoute(spec: RouteSpec): Promise<boolean> {
    return this.#create(RTM.NEWROUTE, newRouteBody(spec), `add ${describeRoute(spec)}`, spec.mode);
  }

  /** Deletes the first route that matches; what the spec leaves out matches anything. */
  async deleteRoute(spec: RouteSpec): Promise<boolean> {
    const attempted = `delete ${describeRoute(spec)}`;
    return this.#delete(RTM.DELROUTE, deleteRouteBody(spec), attempted, ['ESRCH', 'ENODEV']);
  }

  async addRule(spec: RuleSpec): Promise<boolean> {
    return this.#create(RTM.NEWRULE, newRuleBody(spec), `add ${describeRule(spec)}`, spec.mode);
  }

  async deleteRule(spec: RuleSpec): Promise<boolean> {
    return this.#delete(RTM.DELRULE, deleteRuleBody(spec), `delete ${describeRule(spec)}`, ['ENOENT']);
  }

  async addNeighbour(spec: NeighbourSpec): Promise<boolean> {
    const mode = spec.mode ?? 'replace';
    return this.#create(RTM.NEWNEIGH, newNeighbourBody(spec), `add ${describeNeighbour(spec)}`, mode);
  }

  async deleteNeighbour(id: NeighbourId): Promise<boolean> {
    const attempted = `delete ${describeNeighbour(id)}`;
    return this.#delete(RTM.DELNEIGH, deleteNeighbourBody(id), attempted, ['ENOENT', 'ENODEV']);
  }

  /** The messages about one link; none when there is no such link. */
  #askForLink(which: number | string): Promise<Message[]> {
    const request = { type: RTM.GETLINK, flags: 0, body: oneLinkBody(which) };
    return tolerating(this.#socket.request(request, `get link ${which}`), ['ENODEV'], []);
  }

  async #dump<T>(
    type: number,
    body: Uint8Array,
    decode: (body: Uint8Array) => T | undefined,
    attempted: string,
    absent: readonly string[] = [],
  ): Promise<T[]> {
    const request = { type, flags: 0, body };
    const messages = await tolerating(this.#socket.dump(request, attempted), absent, []);
    return messages.map((message) => decode(message.body)).filter((value) => value !== undefined);
  }

  async #create(type: number, body: Uint8Array, attempted: string, mode: Mode = 'create'): Promise<boolean> {
    const request = { type, flags: modeFlags(mode), body };
    return tolerating(
      this.#socket.request(request, attempted).then(() => true),
      mode === 'create' ? ['EEXIST'] : [],
      false,
    );
  }

  async #delete(type: number, body: Uint8Array, attempted: string, absent: string[]): Promise<boolean> {
    const request = { type, flags: 0, body };
    return tolerating(
      this.#socket.request(request, attempted).then(() => true),
      absent,
      false,
    );
  }

  async #createLink(options: LinkOptions, kind: string, body: Uint8Array): Promise<boolean> {
    const { mode = 'create', name } = options;
    if (mode === 'replace') await this.deleteLink(name);
    const request = { type: RTM.NEWLINK, flags: modeFlags('exclusive'), body };
    try {
      await this.#socket.request(request, `create ${kind} link ${name}`);
      return true;
    } catch (error) {
      // EEXIST can also be about the peer of a veth or about another kind of link: neither is what was asked for.
      const exists = error instanceof NetlinkError && error.errnoName === 'EEXIST';
      if (mode === 'create' && exists && (await this.getLink(name))?.kind === kind) return false;
      throw error;
    }
  }

  async #createSingleLink(options: LinkOptions, kind: string, body: Uint8Array): Promise<boolean> {
    if (!(await this.#createLink(options, kind, body))) return false;
    try {
      await this.setLink(options.name, { addrGenMode: options.addrGenMode, up: options.up });
    } catch (error) {
      await this.deleteLink(options.name);
      throw error;
    }
    return true;
  }
}

function noSuchLink(attempted: string): NetlinkError {
  return new NetlinkError('NETLINK_ARGUMENT', `Cannot ${attempted}: there is no such link`, { attempted });
}

function familyNumber(family: 4 | 6): number {
  return family === 4 ? AF.INET : AF.INET6;
}

function decodeFirst<T>(
  messages: readonly Message[],
  decode: (body: Uint8Array) => T | undefined,
): T | undefined {
  const [first] = messages;
  return first === undefined ? undefined : decode(first.body);
}
