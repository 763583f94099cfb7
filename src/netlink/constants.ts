/** Numbers of the kernel's uapi headers (linux/netlink.h, rtnetlink.h, if_link.h, ...), grouped by prefix. */

/** The kernel's subsystems that are spoken to by netlink. */
export const NETLINK = { ROUTE: 0, XFRM: 6, NETFILTER: 12, GENERIC: 16 } as const;

export const AF = { UNSPEC: 0, INET: 2, INET6: 10 } as const;

export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

export const NLM_F = {
  REQUEST: 0x01,
  MULTI: 0x02,
  ACK: 0x04,
  ECHO: 0x08,
  DUMP_INTR: 0x10,
  DUMP_FILTERED: 0x20,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  DUMP: 0x300,
  /** In an acknowledgement: the request is not repeated. */
  CAPPED: 0x100,
  /** In an acknowledgement: attributes follow. */
  ACK_TLVS: 0x200,
} as const;

export const NLMSGERR_ATTR = { MSG: 1, OFFS: 2, COOKIE: 3, POLICY: 4, MISS_TYPE: 5, MISS_NEST: 6 } as const;

export const NLA_F_NESTED = 0x8000;
export const NLA_TYPE_MASK = 0x3fff;

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
  GETQDISC: 38,
  GETTFILTER: 46,
} as const;

export const RTNLGRP = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV4_RULE: 8,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
  IPV6_PREFIX: 18,
  IPV6_RULE: 19,
} as const;

export const ARPHRD = {
  ETHER: 1,
  PPP: 512,
  TUNNEL: 768,
  TUNNEL6: 769,
  LOOPBACK: 772,
  SIT: 776,
  IPGRE: 778,
  IP6GRE: 823,
  RAWIP: 519,
  NONE: 0xfffe,
  VOID: 0xffff,
} as const;

export const IFF = {
  UP: 1 << 0,
  BROADCAST: 1 << 1,
  LOOPBACK: 1 << 3,
  POINTOPOINT: 1 << 4,
  RUNNING: 1 << 6,
  NOARP: 1 << 7,
  PROMISC: 1 << 8,
  MULTICAST: 1 << 12,
  LOWER_UP: 1 << 16,
  DORMANT: 1 << 17,
} as const;

export const IFLA = {
  IFALIAS: 20,
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  NET_NS_PID: 19,
  STATS64: 23,
  AF_SPEC: 26,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  NUM_TX_QUEUES: 31,
  CARRIER: 33,
  LINK_NETNSID: 37,
  PROP_LIST: 52,
  ALT_IFNAME: 53,
} as const;

export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;

export const IFLA_INET6_ADDR_GEN_MODE = 8;

export const VETH_INFO_PEER = 1;

export const IFLA_VXLAN = {
  ID: 1,
  LINK: 3,
  LOCAL: 4,
  TTL: 5,
  LEARNING: 7,
  PORT: 15,
  GROUP6: 16,
  LOCAL6: 17,
  GROUP: 2,
  UDP_CSUM: 18,
  UDP_ZERO_CSUM6_TX: 19,
  UDP_ZERO_CSUM6_RX: 20,
  COLLECT_METADATA: 25,
} as const;

/** Attributes of `ip6tnl` (linux/if_tunnel.h). */
export const IFLA_IPTUN = {
  LINK: 1,
  LOCAL: 2,
  REMOTE: 3,
  TTL: 4,
  ENCAP_LIMIT: 6,
  FLOWINFO: 7,
  FLAGS: 8,
  PROTO: 9,
  COLLECT_METADATA: 19,
  FWMARK: 20,
} as const;

/** Attributes of `ip6gre` (linux/if_tunnel.h). */
export const IFLA_GRE = {
  LINK: 1,
  IFLAGS: 2,
  OFLAGS: 3,
  IKEY: 4,
  OKEY: 5,
  LOCAL: 6,
  REMOTE: 7,
  TTL: 8,
  ENCAP_LIMIT: 11,
  FLOWINFO: 12,
  FLAGS: 13,
  COLLECT_METADATA: 18,
  FWMARK: 20,
} as const;

/** In IFLA_GRE.IFLAGS and OFLAGS: the header has a key. */
export const GRE_KEY = 0x2000;

/** In IFLA_IPTUN.FLAGS and IFLA_GRE.FLAGS (linux/ip6_tunnel.h). */
export const IP6_TNL_F = { IGN_ENCAP_LIMIT: 0x1, USE_ORIG_TCLASS: 0x2, USE_ORIG_FLOWLABEL: 0x4 } as const;

export const IFLA_XFRM = { LINK: 1, IF_ID: 2, COLLECT_METADATA: 3 } as const;

/** Skips interface statistics, which make up most of a link dump. */
export const RTEXT_FILTER_SKIP_STATS = 1 << 3;

export const IFA = {
  ADDRESS: 1,
  LOCAL: 2,
  CACHEINFO: 6,
  FLAGS: 8,
  PROTO: 11,
} as const;

export const IFA_F = {
  TEMPORARY: 0x01,
  NODAD: 0x02,
  OPTIMISTIC: 0x04,
  DADFAILED: 0x08,
  HOMEADDRESS: 0x10,
  DEPRECATED: 0x20,
  TENTATIVE: 0x40,
  PERMANENT: 0x80,
  MANAGETEMPADDR: 0x100,
  NOPREFIXROUTE: 0x200,
  MCAUTOJOIN: 0x400,
  STABLE_PRIVACY: 0x800,
} as const;

export const IFAPROT = { UNSPEC: 0, KERNEL_LO: 1, KERNEL_RA: 2, KERNEL_LL: 3 } as const;

export const RTA = {
  DST: 1,
  SRC: 2,
  IIF: 3,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  CACHEINFO: 12,
  TABLE: 15,
  MARK: 16,
  VIA: 18,
  ENCAP_TYPE: 21,
  NH_ID: 30,
} as const;

export const RTAX = { LOCK: 1, MTU: 2 } as const;

export const RTN = {
  UNSPEC: 0,
  UNICAST: 1,
  LOCAL: 2,
  BROADCAST: 3,
  ANYCAST: 4,
  MULTICAST: 5,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
  THROW: 9,
} as const;

export const RTPROT = {
  UNSPEC: 0,
  REDIRECT: 1,
  KERNEL: 2,
  BOOT: 3,
  STATIC: 4,
  RA: 9,
  DHCP: 16,
} as const;

export const RT_SCOPE = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

export const RT_TABLE = { UNSPEC: 0, COMPAT: 252, DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;

export const RTNH_F = { DEAD: 1, PERVASIVE: 2, ONLINK: 4, OFFLOAD: 8, LINKDOWN: 16 } as const;

export const RTM_F = { CLONED: 0x200, LOOKUP_TABLE: 0x1000, FIB_MATCH: 0x2000 } as const;

export const NDA = {
  DST: 1,
  LLADDR: 2,
  IFINDEX: 8,
  PROTOCOL: 12,
  FLAGS_EXT: 15,
} as const;

export const NUD = {
  NONE: 0x00,
  INCOMPLETE: 0x01,
  REACHABLE: 0x02,
  STALE: 0x04,
  DELAY: 0x08,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
} as const;

export const NTF = {
  USE: 0x01,
  SELF: 0x02,
  MASTER: 0x04,
  PROXY: 0x08,
  EXT_LEARNED: 0x10,
  OFFLOADED: 0x20,
  STICKY: 0x40,
  ROUTER: 0x80,
} as const;

export const NTF_EXT = { MANAGED: 0x01, LOCKED: 0x02 } as const;

export const FRA = {
  DST: 1,
  SRC: 2,
  IIFNAME: 3,
  GOTO: 4,
  PRIORITY: 6,
  FWMARK: 10,
  SUPPRESS_PREFIXLEN: 14,
  TABLE: 15,
  FWMASK: 16,
  OIFNAME: 17,
  L3MDEV: 19,
  PROTOCOL: 21,
  IP_PROTO: 22,
} as const;

export const FR_ACT = {
  UNSPEC: 0,
  TO_TBL: 1,
  GOTO: 2,
  NOP: 3,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
} as const;

export const FIB_RULE_INVERT = 0x02;

export const NFNL_SUBSYS_NFTABLES = 10;

export const NFNLGRP = { NFTABLES: 7 } as const;

export const NFT_MSG = {
  NEWTABLE: 0,
  DELTABLE: 2,
  NEWCHAIN: 3,
  DELCHAIN: 5,
  NEWRULE: 6,
  DELRULE: 8,
  GETGEN: 16,
} as const;

export const NFTA_GEN_ID = 1;

/** Attributes of traffic control (linux/rtnetlink.h, linux/pkt_cls.h). */
export const TCA = { KIND: 1, OPTIONS: 2 } as const;

export const TCA_BPF = { NAME: 7 } as const;

/** Parents of filters at the hooks of clsact. */
export const TC_PARENT = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;

/** Commands and attributes of WireGuard (linux/wireguard.h). */
export const WG_CMD = { GET_DEVICE: 0, SET_DEVICE: 1 } as const;

export const WGDEVICE_A = {
  IFINDEX: 1,
  IFNAME: 2,
  PRIVATE_KEY: 3,
  PUBLIC_KEY: 4,
  FLAGS: 5,
  LISTEN_PORT: 6,
  FWMARK: 7,
  PEERS: 8,
} as const;

export const WGDEVICE_F = { REPLACE_PEERS: 0x1 } as const;

export const WGPEER_A = {
  PUBLIC_KEY: 1,
  PRESHARED_KEY: 2,
  FLAGS: 3,
  ENDPOINT: 4,
  PERSISTENT_KEEPALIVE_INTERVAL: 5,
  LAST_HANDSHAKE_TIME: 6,
  RX_BYTES: 7,
  TX_BYTES: 8,
  ALLOWEDIPS: 9,
} as const;

export const WGPEER_F = { REMOVE_ME: 0x1, REPLACE_ALLOWEDIPS: 0x2, UPDATE_ONLY: 0x4 } as const;

export const WGALLOWEDIP_A = { FAMILY: 1, IPADDR: 2, CIDR_MASK: 3 } as const;
/** Protocols of IPsec as the header before them names them (linux/in.h). */
export const IPPROTO = { ESP: 50, AH: 51, COMP: 108 } as const;

/** Messages of XFRM (linux/xfrm.h, as all that follows). */
export const XFRM_MSG = {
  NEWSA: 16,
  DELSA: 17,
  GETSA: 18,
  NEWPOLICY: 19,
  DELPOLICY: 20,
  GETPOLICY: 21,
  EXPIRE: 24,
  UPDPOLICY: 25,
  UPDSA: 26,
  POLEXPIRE: 27,
  FLUSHSA: 28,
  FLUSHPOLICY: 29,
  MIGRATE: 33,
  GETDEFAULT: 40,
} as const;

export const XFRMA = {
  TMPL: 5,
  POLICY_TYPE: 16,
  ALG_AEAD: 18,
  MARK: 21,
  REPLAY_ESN_VAL: 23,
  IF_ID: 31,
} as const;

export const XFRM_POLICY = { IN: 0, OUT: 1, FWD: 2 } as const;

export const XFRM_POLICY_TYPE = { MAIN: 0, SUB: 1 } as const;

export const XFRM_POLICY_ACTION = { ALLOW: 0, BLOCK: 1 } as const;

export const XFRM_USERPOLICY_BLOCK = 1;

export const XFRM_MODE = {
  TRANSPORT: 0,
  TUNNEL: 1,
  ROUTEOPTIMIZATION: 2,
  IN_TRIGGER: 3,
  BEET: 4,
  IPTFS: 5,
} as const;

export const XFRM_STATE_ESN = 128;

export const XFRMNLGRP = { EXPIRE: 2, SA: 3, POLICY: 4, MIGRATE: 7 } as const;
