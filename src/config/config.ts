import type { Address, Prefix } from '../net/index.js';
import type { AddressRange, Policy } from '../policy/index.js';
import type { DeviceConfig, ExternalKind, TunnelKind } from './tunnel.js';

/** What one configuration file says, complete with defaults; immutable. */
export type Config = MobileRouterConfig | HomeAgentConfig;

interface CommonConfig {
  /** Name of this daemon among those of the machine. */
  readonly instance: string;
  /** Path of the API's Unix socket. */
  readonly socket: string;
  /** Where the BPF file system is mounted. */
  readonly bpffs: string;
  /** Folder of what survives a restart of the machine. */
  readonly state: string;
  readonly external: ExternalConfig | undefined;
  /** Named sets of addresses, in the order of the file; policies that use one name it in their selector. */
  readonly sets: readonly NamedSet[];
  readonly routing: RoutingConfig;
  /** How long an old care-of address is still accepted, milliseconds. */
  readonly graceTimeMs: number;
  /** How long a binding may send without receiving before it is named, milliseconds; 0: for ever. */
  readonly silenceMs: number;
  readonly xdp: XdpConfig;
  readonly limits: LimitsConfig;
}

export interface MobileRouterConfig extends CommonConfig {
  readonly role: 'mobile-router';
  readonly home: {
    readonly agent: Address;
    readonly address: Address;
    readonly prefixes: readonly Prefix[];
    /** The home interface; its peer is this name and a `p`. */
    readonly interface: string;
  };
  readonly ingress: readonly IngressConfig[];
  /** `undefined`: care-of addresses are set at the home agent by hand. */
  readonly registration: MobileRouterRegistration | undefined;
  readonly bindings: readonly MobileRouterBinding[];
  /** In the order they are asked. */
  readonly policies: readonly Policy[];
}

/** How a mobile router registers its care-of addresses (RFC 5648). */
export interface MobileRouterRegistration {
  /** `undefined`: nothing is authenticated, which the file says in so many words. */
  readonly keyFile: string | undefined;
  /** What is asked for, milliseconds. */
  readonly lifetimeMs: number;
  readonly mode: 'bulk' | 'individual';
  readonly prefixes: 'explicit' | 'implicit';
}

/** How a home agent takes registrations. */
export interface HomeAgentRegistration {
  /** Whether routers without a key may register. */
  readonly unauthenticated: 'refuse' | 'accept';
  /** The longest, milliseconds. */
  readonly lifetimeMs: number;
  readonly bulk: 'accept' | 'refuse';
  readonly homeAndForeign: 'accept' | 'refuse';
}

export interface IngressConfig {
  readonly interface: string;
  readonly forwarding: 'auto' | 'fast' | 'stack';
}

export interface MobileRouterBinding {
  readonly bid: number;
  readonly name: string;
  readonly priority: number;
  /** The uplink, or with `tunnel: home` the interface on the home link. */
  readonly interface: string;
  readonly careOf: 'auto' | Address;
  readonly gateway: 'auto' | Address;
  readonly tunnel: TunnelKind;
  /** Of `tunnel: device`. */
  readonly device: DeviceConfig | undefined;
  /** Where the external device is an xfrm interface. */
  readonly keyFile: string | undefined;
  /** Path MTU of the outer packet, bytes; `undefined`: that of the uplink. */
  readonly mtu: number | undefined;
}

export interface HomeAgentConfig extends CommonConfig {
  readonly role: 'home-agent';
  readonly home: {
    readonly agent: Address;
    readonly interface: string;
    /** Interface of the home link; `undefined`: no router is at home. */
    readonly link: string | undefined;
  };
  readonly interfaces: readonly string[];
  /** `undefined`: care-of addresses are in the file or set by hand. */
  readonly registration: HomeAgentRegistration | undefined;
  readonly routers: readonly RouterConfig[];
}

export interface RouterConfig {
  readonly name: string;
  readonly address: Address;
  readonly prefixes: readonly Prefix[];
  /** By which it registers; `undefined`: it has none. */
  readonly keyFile: string | undefined;
  readonly bindings: readonly HomeAgentBinding[];
  /** In the order they are asked. */
  readonly policies: readonly Policy[];
}

export interface HomeAgentBinding {
  readonly bid: number;
  readonly name: string;
  readonly priority: number;
  /** `undefined`: not known until it is registered. */
  readonly careOf: Address | undefined;
  readonly tunnel: TunnelKind;
  /** Of `tunnel: device`. */
  readonly device: DeviceConfig | undefined;
  /** Where the external device is an xfrm interface. */
  readonly keyFile: string | undefined;
  readonly mtu: number | undefined;
}

export interface NamedSet {
  readonly name: string;
  /** Sorted, disjoint and not adjacent. */
  readonly ranges: readonly AddressRange[];
}

export interface ExternalConfig {
  readonly kind: ExternalKind;
  readonly device: string;
  /** Of vxlan. */
  readonly port: number;
  readonly vni: number;
}

export interface RoutingConfig {
  /** The routing table of BID n is this plus n. */
  readonly table: number;
  readonly rulePriority: number;
  readonly metric: number;
  /** rtnetlink protocol number that marks what is ours. */
  readonly protocol: number;
  /** Bit of the mark that packets get which a policy lets bypass us. */
  readonly bypassMark: number;
}

/** Whether a program runs in the driver of an interface: `auto` where that is sure to win. */
export type XdpMode = 'auto' | 'native' | 'generic' | 'off';

export interface XdpConfig {
  /** Of interfaces that are not named. */
  readonly mode: XdpMode;
  readonly interfaces: readonly { readonly interface: string; readonly mode: XdpMode }[];
}

/** How many of each the datapath's maps are made for. */
export interface LimitsConfig {
  readonly bindings: number;
  readonly routers: number;
  readonly policies: number;
  readonly prefixes: number;
  readonly routes: number;
  readonly neighbours: number;
}
