import type { Address } from '../net/index.js';
import { GRE_KEY, IFLA_GRE, IFLA_IPTUN, IFLA_VXLAN, IFLA_XFRM, IP6_TNL_F } from './constants.js';
import { nameOf } from './names.js';
import type { Attributes } from './wire.js';

/** Next headers that an `ip6tnl` device carries, as `ip link` calls them; 0 is any. */
export const IP6_TUNNEL_PROTOCOLS = { any: 0, ipip6: 4, ip6ip6: 41 } as const;
/** What is in the packets of an `ip6tnl` device: IPv6, IPv4 or either. */
export type Ip6TunnelProtocol = keyof typeof IP6_TUNNEL_PROTOCOLS;

/** The outer header that `ip6tnl` and `ip6gre` devices write. */
export interface OuterHeader {
  /** One device for all tunnels: the packet's metadata says where to (collect_md). */
  external: boolean;
  /** Undefined: each packet's route chooses it, and what arrives may be for any address. */
  local: Address | undefined;
  /** Undefined: what arrives may be from any address. */
  remote: Address | undefined;
  /** 0: that of the inner packet */
  hopLimit: number;
  /** RFC 2473 section 4.1.1; `none`: no such option, unless the inner packet has one. */
  encapLimit: number | 'none';
  /** `inherit`: that of the inner packet */
  trafficClass: number | 'inherit';
  /** `inherit`: that of the inner packet */
  flowLabel: number | 'inherit';
  /** The mark by which outer packets are routed, 0 for none. */
  fwmark: number;
}

export interface Ip6Tunnel extends OuterHeader {
  kind: 'ip6tnl';
  protocol: Ip6TunnelProtocol;
}

export interface Ip6Gre extends OuterHeader {
  kind: 'ip6gre';
  /** The key that packets must have which arrive; undefined: none */
  inputKey: number | undefined;
  /** The key of packets that are sent; undefined: none */
  outputKey: number | undefined;
}

export interface Vxlan {
  kind: 'vxlan';
  /** One device for all tunnels: the packet's metadata says where to (collect_md). */
  external: boolean;
  /** Undefined for an external device. */
  vni: number | undefined;
  /** Outer UDP port */
  port: number;
  local: Address | undefined;
  remote: Address | undefined;
  /** 0: what the outer route says */
  hopLimit: number;
}

export interface XfrmInterface {
  kind: 'xfrm';
  /** One device for all policies and states: the packet's metadata has the id (collect_md). */
  external: boolean;
  /** The id that policies and states have; undefined for an external device. */
  ifId: number | undefined;
}

/** What a tunnel device says of itself, by its kind; the lower device, if it has one, is `Link.link`. */
export type Tunnel = Ip6Tunnel | Ip6Gre | Vxlan | XfrmInterface;

/**
 * Decodes IFLA_INFO_DATA of a kind; undefined for a kind that is none of these.
 * @throws NetlinkDecodeError
 */
export function decodeTunnel(kind: string | undefined, data: Attributes | undefined): Tunnel | undefined {
  if (data === undefined) return undefined;
  switch (kind) {
    case 'ip6tnl':
      return {
        kind,
        ...decodeOuterHeader(data, IFLA_IPTUN),
        protocol: nameOf(IP6_TUNNEL_PROTOCOLS, data.u8(IFLA_IPTUN.PROTO) ?? 0, 'any'),
      };
    case 'ip6gre':
      return {
        kind,
        ...decodeOuterHeader(data, IFLA_GRE),
        inputKey: keyOf(data, IFLA_GRE.IFLAGS, IFLA_GRE.IKEY),
        outputKey: keyOf(data, IFLA_GRE.OFLAGS, IFLA_GRE.OKEY),
      };
    case 'vxlan':
      return decodeVxlan(data);
    case 'xfrm': {
      const external = data.has(IFLA_XFRM.COLLECT_METADATA);
      return { kind, external, ifId: external ? undefined : data.u32(IFLA_XFRM.IF_ID) };
    }
    default:
      return undefined;
  }
}

/** The attributes of an outer header, under the numbers of a kind. */
export type OuterHeaderNumbers = Readonly<
  Record<
    | 'LINK'
    | 'LOCAL'
    | 'REMOTE'
    | 'TTL'
    | 'ENCAP_LIMIT'
    | 'FLOWINFO'
    | 'FLAGS'
    | 'COLLECT_METADATA'
    | 'FWMARK',
    number
  >
>;

function decodeOuterHeader(data: Attributes, numbers: OuterHeaderNumbers): OuterHeader {
  const flags = data.u32(numbers.FLAGS) ?? 0;
  const flowInfo = data.be32(numbers.FLOWINFO) ?? 0;
  return {
    external: data.has(numbers.COLLECT_METADATA),
    local: specified(data.address(numbers.LOCAL)),
    remote: specified(data.address(numbers.REMOTE)),
    hopLimit: data.u8(numbers.TTL) ?? 0,
    encapLimit: flags & IP6_TNL_F.IGN_ENCAP_LIMIT ? 'none' : (data.u8(numbers.ENCAP_LIMIT) ?? 0),
    trafficClass: flags & IP6_TNL_F.USE_ORIG_TCLASS ? 'inherit' : (flowInfo >>> 20) & 0xff,
    flowLabel: flags & IP6_TNL_F.USE_ORIG_FLOWLABEL ? 'inherit' : flowInfo & 0xfffff,
    fwmark: data.u32(numbers.FWMARK) ?? 0,
  };
}

function decodeVxlan(data: Attributes): Vxlan {
  const external = (data.u8(IFLA_VXLAN.COLLECT_METADATA) ?? 0) !== 0;
  return {
    kind: 'vxlan',
    external,
    vni: external ? undefined : data.u32(IFLA_VXLAN.ID),
    port: data.be16(IFLA_VXLAN.PORT) ?? 0,
    local: specified(data.address(IFLA_VXLAN.LOCAL6) ?? data.address(IFLA_VXLAN.LOCAL)),
    remote: specified(data.address(IFLA_VXLAN.GROUP6) ?? data.address(IFLA_VXLAN.GROUP)),
    hopLimit: data.u8(IFLA_VXLAN.TTL) ?? 0,
  };
}

function keyOf(data: Attributes, flags: number, key: number): number | undefined {
  return (data.be16(flags) ?? 0) & GRE_KEY ? data.be32(key) : undefined;
}

/** The address, unless it stands for none. */
export function specified(address: Address | undefined): Address | undefined {
  return address?.isUnspecified ? undefined : address;
}
