import { Address } from '../net/index.js';
import { checkedAddress6, checkedNumber } from './argument.js';
import {
  GRE_KEY,
  IFLA,
  IFLA_GRE,
  IFLA_INFO,
  IFLA_IPTUN,
  IFLA_VXLAN,
  IFLA_XFRM,
  IP6_TNL_F,
} from './constants.js';
import { NetlinkError } from './errors.js';
import { decodeLink, linkHeader } from './link.js';
import { type LinkOptions, newLinkBody } from './link-request.js';
import {
  IP6_TUNNEL_PROTOCOLS,
  type Ip6Gre,
  type Ip6Tunnel,
  type Ip6TunnelProtocol,
  type OuterHeaderNumbers,
  specified,
  type Vxlan,
} from './tunnel.js';
import { Attributes, type Writer } from './wire.js';

/** The outer header of an `ip6tnl` or `ip6gre` device. */
export interface OuterHeaderOptions extends LinkOptions {
  local?: Address | string | undefined;
  remote?: Address | string | undefined;
  /** ifindex of the lower device: outer packets are routed by this link alone. */
  device?: number | undefined;
  /** Default 64; 0: that of the inner packet */
  hopLimit?: number | undefined;
  /** RFC 2473 section 4.1.1; default `none`: no such option, unless the inner packet has one */
  encapLimit?: number | 'none' | undefined;
  /** Default 0; `inherit`: that of the inner packet */
  trafficClass?: number | 'inherit' | undefined;
  /** Default 0; `inherit`: that of the inner packet */
  flowLabel?: number | 'inherit' | undefined;
  /** The mark by which outer packets are routed, default none */
  fwmark?: number | undefined;
}

export interface Ip6TunnelOptions extends OuterHeaderOptions {
  /** What it carries, default `ip6ip6` */
  protocol?: Ip6TunnelProtocol | undefined;
  /**
   * One device for all tunnels: the packet's metadata says where to (collect_md). There is one for each network
   * namespace.
   */
  external?: boolean | undefined;
}

export interface Ip6GreOptions extends OuterHeaderOptions {
  /** The key of both directions, default none */
  key?: number | undefined;
}

export interface XfrmInterfaceOptions extends LinkOptions {
  /** The id that policies and states have, above 0; needed unless external. */
  ifId?: number | undefined;
  /** One device for all policies and states: the packet's metadata has the id (collect_md, Linux 6.1). */
  external?: boolean | undefined;
  /** ifindex of the lower device, which does not bind outer packets to it; default none */
  device?: number | undefined;
}

/** The addresses a tunnel is to have; what is left out stays, and the unspecified address is none. */
export interface TunnelChange {
  local?: Address | string | undefined;
  remote?: Address | string | undefined;
  /**
   * Of a vxlan with another local address: it keeps its remote address all the time, and with it the old source in
   * routes that the kernel has cached, until somebody changes a route to the remote address.
   */
  keepCached?: boolean | undefined;
}

export function newIp6TunnelBody(options: Ip6TunnelOptions): Uint8Array {
  const { external = false, local, remote, protocol = 'ip6ip6' } = options;
  if (external && (local !== undefined || remote !== undefined)) {
    throw new NetlinkError(
      'NETLINK_ARGUMENT',
      `ip6tnl ${options.name} is external and has no addresses of its own: leave local and remote out`,
    );
  }
  return newLinkBody(options, 'ip6tnl', (data) => {
    writeOuterHeader(data, IFLA_IPTUN, options);
    data
      .attributeU8(IFLA_IPTUN.PROTO, IP6_TUNNEL_PROTOCOLS[protocol])
      .attributeFlag(IFLA_IPTUN.COLLECT_METADATA, external);
  });
}

export function newIp6GreBody(options: Ip6GreOptions): Uint8Array {
  const key = checkedNumber('key', options.key, 0xffffffff);
  const flags = key === undefined ? undefined : GRE_KEY;
  return newLinkBody(options, 'ip6gre', (data) => {
    writeOuterHeader(data, IFLA_GRE, options);
    data
      .attributeBe16(IFLA_GRE.IFLAGS, flags)
      .attributeBe16(IFLA_GRE.OFLAGS, flags)
      .attributeBe32(IFLA_GRE.IKEY, key)
      .attributeBe32(IFLA_GRE.OKEY, key);
  });
}

export function newXfrmInterfaceBody(options: XfrmInterfaceOptions): Uint8Array {
  const { external = false, ifId } = options;
  if (external ? ifId !== undefined : !ifId) {
    throw new NetlinkError(
      'NETLINK_ARGUMENT',
      `xfrm ${options.name} needs either an ifId above 0 or external: true`,
    );
  }
  return newLinkBody(options, 'xfrm', (data) =>
    data
      .attributeU32(IFLA_XFRM.LINK, options.device)
      .attributeU32(IFLA_XFRM.IF_ID, checkedNumber('ifId', ifId, 0xffffffff))
      .attributeFlag(IFLA_XFRM.COLLECT_METADATA, external),
  );
}

function writeOuterHeader(data: Writer, numbers: OuterHeaderNumbers, options: OuterHeaderOptions): void {
  const { encapLimit = 'none', trafficClass = 0, flowLabel = 0 } = options;
  const flags =
    (encapLimit === 'none' ? IP6_TNL_F.IGN_ENCAP_LIMIT : 0) |
    (trafficClass === 'inherit' ? IP6_TNL_F.USE_ORIG_TCLASS : 0) |
    (flowLabel === 'inherit' ? IP6_TNL_F.USE_ORIG_FLOWLABEL : 0);
  const flowInfo =
    ((trafficClass === 'inherit' ? 0 : checkedNumber('traffic class', trafficClass, 0xff)) << 20) |
    (flowLabel === 'inherit' ? 0 : checkedNumber('flow label', flowLabel, 0xfffff));
  data
    .attributeU32(numbers.LINK, options.device)
    .attributeAddress(numbers.LOCAL, checkedAddress6('local address', options.local))
    .attributeAddress(numbers.REMOTE, checkedAddress6('remote address', options.remote))
    .attributeU8(numbers.TTL, checkedNumber('hop limit', options.hopLimit ?? 64, 0xff))
    .attributeU8(
      numbers.ENCAP_LIMIT,
      encapLimit === 'none' ? 0 : checkedNumber('encapsulation limit', encapLimit, 0xff),
    )
    .attributeBe32(numbers.FLOWINFO, flowInfo)
    .attributeU32(numbers.FLAGS, flags)
    .attributeU32(numbers.FWMARK, options.fwmark);
}

/**
 * The RTM_NEWLINK bodies that change the addresses of a tunnel, in the order to send them; none where they are so
 * already. `message` is the body of the RTM_NEWLINK that tells of the tunnel as it is.
 * @throws NetlinkError NETLINK_ARGUMENT for a link whose addresses cannot be changed in place
 */
export function changeTunnelBodies(message: Uint8Array, change: TunnelChange): Uint8Array[] {
  const link = decodeLink(message);
  const tunnel = link?.tunnel;
  if (link === undefined || tunnel === undefined || tunnel.kind === 'xfrm' || tunnel.external) {
    const kind = tunnel?.external ? `external ${tunnel.kind}` : link?.kind;
    throw new NetlinkError(
      'NETLINK_ARGUMENT',
      `Link ${link?.name} (${kind ?? 'no tunnel'}) has no addresses to change: name an ip6tnl, ip6gre or vxlan that is not external`,
    );
  }
  const wanted = {
    local: change.local === undefined ? tunnel.local : Address.from(change.local),
    remote: change.remote === undefined ? tunnel.remote : Address.from(change.remote),
  };
  const changes = {
    local: !sameAddress(wanted.local, tunnel.local),
    remote: !sameAddress(wanted.remote, tunnel.remote),
  };
  if (!changes.local && !changes.remote) return [];
  if (tunnel.kind === 'vxlan')
    return changeVxlanBodies(link.ifindex, tunnel, wanted, changes, change.keepCached === true);
  return [changeOuterHeaderBody(link.ifindex, tunnel.kind, message, wanted)];
}

interface Addresses {
  local: Address | undefined;
  remote: Address | undefined;
}

/** The kernel takes what is left out for zero: everything that it said goes back to it. */
function changeOuterHeaderBody(
  ifindex: number,
  kind: (Ip6Tunnel | Ip6Gre)['kind'],
  message: Uint8Array,
  wanted: Addresses,
): Uint8Array {
  const numbers = kind === 'ip6tnl' ? IFLA_IPTUN : IFLA_GRE;
  const data = new Attributes(message.subarray(16)).nested(IFLA.LINKINFO)?.nested(IFLA_INFO.DATA);
  const kept = (data?.entries() ?? []).filter(
    ({ type }) => type !== numbers.LOCAL && type !== numbers.REMOTE,
  );
  return changedLinkBody(ifindex, kind, (changed) => {
    for (const { type, value } of kept) changed.attribute(type, value);
    changed
      .attributeAddress(numbers.LOCAL, checkedAddress6('local address', wanted.local))
      .attributeAddress(numbers.REMOTE, checkedAddress6('remote address', wanted.remote));
  });
}

/**
 * The kernel keeps what is left out, and refuses what cannot change even where it is the same. Each remote address
 * caches its route with the source address, and vxlan_changelink() of drivers/net/vxlan does not reset that when the
 * local address changes: the remote address is taken away with the old one and comes back after it.
 */
function changeVxlanBodies(
  ifindex: number,
  { remote: known }: Vxlan,
  { local, remote }: Addresses,
  changes: { local: boolean; remote: boolean },
  keepCached: boolean,
): Uint8Array[] {
  const body = (addresses: Addresses): Uint8Array =>
    changedLinkBody(ifindex, 'vxlan', (data) =>
      data
        .attributeAddress(
          addresses.local?.family === 4 ? IFLA_VXLAN.LOCAL : IFLA_VXLAN.LOCAL6,
          addresses.local,
        )
        .attributeAddress(
          addresses.remote?.family === 4 ? IFLA_VXLAN.GROUP : IFLA_VXLAN.GROUP6,
          addresses.remote,
        ),
    );
  if (!changes.local) return [body({ local: undefined, remote })];
  if (known === undefined || keepCached)
    return [body({ local, remote: changes.remote ? remote : undefined })];
  const nowhere = known.family === 4 ? Address.fromWord(0) : Address.UNSPECIFIED;
  const restored = specified(remote);
  const bodies = [body({ local, remote: nowhere })];
  if (restored !== undefined) bodies.push(body({ local: undefined, remote: restored }));
  return bodies;
}

function changedLinkBody(ifindex: number, kind: string, writeData: (data: Writer) => void): Uint8Array {
  return linkHeader(ifindex)
    .nested(IFLA.LINKINFO, (info) =>
      info.attributeString(IFLA_INFO.KIND, kind).nested(IFLA_INFO.DATA, writeData),
    )
    .finish();
}

function sameAddress(one: Address | undefined, other: Address | undefined): boolean {
  const [a, b] = [specified(one), specified(other)];
  return a === undefined || b === undefined ? a === b : a.equals(b);
}
