/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The contract: every struct, enum and constant that the kernel programs share with user space.
 *
 * The TypeScript side (src/datapath/generated.ts) is generated from the BTF of these definitions;
 * after a change here run `make generate`. Addresses are in network order, everything else in host
 * order unless a decl tag says otherwise.
 */
#ifndef COAX_H
#define COAX_H

#include <linux/in6.h>
#include <linux/types.h>

#define CX_TAG(x) __attribute__((btf_decl_tag(x)))

typedef enum {
  CX_SCHEMA = 2,            /* layout version; part of the pin path, raised with every change of a row */
  CX_POLICY_BINDINGS = 8,   /* most bindings one policy may list */
  CX_DEFAULT_BINDINGS = 16, /* most bindings of one router */
  CX_GENERATIONS = 2,       /* slots of the policy table: the active one and the spare one */
  CX_FIELDS = 19,           /* fields of a key, see enum cx_field */
  CX_KEY_WORDS = 32,        /* words that a node can name: a power of two, so that a mask keeps it inside */
  CX_BLOCK_NODES = 256,     /* nodes of one row of cx_blocks: fewer and larger rows are written faster */
  CX_WALK_STEPS = 2048,     /* most nodes that one packet visits; the compiler keeps to it */
  CX_CGROUP_LEVELS = 16,    /* deepest cgroup that a policy can name */
  CX_CGROUP_BYPASSES = 1 << 30, /* bit of a value of cx_cgroups: sockets that are made there bypass us */
  CX_REASON_ROWS = 64,          /* rows of one hook in cx_reasons; leaves room for new reasons */
  CX_SUM_WORDS = 16,            /* words that are summed up at a time */
  CX_ERROR_WORDS = 12,          /* words of an ICMPv6 error in front of what it quotes */
  CX_FRAGMENT_SLICES = 16,      /* parts of cx_fragments that do not push each other out */
  CX_FRAGMENT_ROWS = 2048,      /* rows of one; a power of two */
  CX_HOOKS = 6,
  CX_SETTINGS = 7,
  CX_SIGNAL_BYTES = 1500,      /* longest packet with a mobility header that is taken; none is a fragment */
  CX_SIGNAL_SHORT_BYTES = 504, /* what all but those with many flow bindings fit into */
  CX_SIGNAL_SENDERS = 4096,    /* budgets that accepted addresses share; a power of two */
  CX_SIGNAL_STRANGERS = 128,   /* the same for all other networks: all of them together keep no daemon busy */
  CX_SIGNALS_A_WINDOW = 16,    /* mobility headers of one budget a second; a node sends three */
  CX_SIGNAL_RING_BYTES = 1 << 20,    /* what the daemon has not read yet */
  CX_SIGNAL_STRANGE_BYTES = 1 << 18, /* with so much in the ring, strangers are not let in any more */
  CX_EXPLAINED_VALUES = 4,           /* numbers of one row of cx_explained */
  CX_PORT_ROWS = 1024,               /* rows of cx_ports; a power of two */
} cx_constants;

/* What this machine is; fixed when the object is loaded. */
enum cx_role {
  CX_ROLE_MOBILE_ROUTER = 0,
  CX_ROLE_HOME_AGENT = 1,
};

/* Words of the settings map: each one is read and written as one aligned u32. A number is never given to
 * another meaning: an upgrade copies the words by number, as it does with hooks and reasons. */
enum cx_setting {
  CX_SETTING_GENERATION = 0,     /* slot of the active generation; a packet reads it once */
  CX_SETTING_HOME_IFINDEX = 1,   /* the home interface, where decapsulated packets enter the stack */
  CX_SETTING_GENERATION_ID = 2,  /* running number of the active generation, for people */
  CX_SETTING_ROUTE_PROTOCOL = 3, /* rtnetlink protocol number of our routes and rules, for who removes them */
  CX_SETTING_ROLE = 4,           /* enum cx_role + 1, so that 0 is a new instance */
  CX_SETTING_BYPASS_MARK = 5,    /* bit of the mark by which a rule knows what bypasses us */
  CX_SETTING_SIGNALLING = 6,     /* 1 = mobility headers to us go to the daemon */
};

/* How the outer header of a binding is made. */
enum cx_tunnel_kind {
  CX_TUNNEL_BPF = 1,           /* this program pushes it and gives the packet to the uplink */
  CX_TUNNEL_DEVICE = 2,        /* the binding has a tunnel device of its own, which makes it */
  CX_TUNNEL_EXTERNAL = 3,      /* one collect_md device makes it from a per-packet tunnel key */
  CX_TUNNEL_EXTERNAL_XFRM = 4, /* one xfrm interface encrypts by a per-packet interface id */
  CX_TUNNEL_HOME = 5,          /* none: the packet goes to the other end by the link that both are on */
};

/* Facts about a binding that the fast path needs as bits. */
enum cx_binding_flag {
  CX_BINDING_MAC_KNOWN = 1,      /* next_hop_mac is valid, no neighbour lookup needed */
  CX_BINDING_NO_LINK_HEADER = 2, /* `ifindex` has no Ethernet header (tun, wwan, most tunnel devices) */
};

/* One binding as packets use it: outer source and way out are one row, so that a packet can never
 * leave by the right link with the wrong source. A row is immutable while a slot points at it. */
struct cx_binding {
  struct in6_addr outer_source; /* care-of address (mobile router) or home agent's address (home agent) */
  struct in6_addr outer_destination; /* the other end of the tunnel */
  struct in6_addr next_hop;          /* the uplink's router, or the other end itself when on-link */
  __u32 ifindex;                     /* device the packet is given to: the uplink or the tunnel device */
  __u32 uplink_ifindex;              /* link the outer packet leaves by */
  __u32 tunnel_id;                   /* VNI, or interface id of IPsec, of an external tunnel */
  __u32 router;                      /* router the binding belongs to; the mobile router itself is 1 */
  __u16 bid;                         /* Binding ID, 1..65535 */
  __u16 mtu;                         /* largest inner packet, bytes */
  __u8 kind CX_TAG("enum:cx_tunnel_kind");
  __u8 flags CX_TAG("flags:cx_binding_flag");
  __u8 next_hop_mac[6] CX_TAG("mac");
  __u8 own_mac[6] CX_TAG("mac"); /* MAC of `ifindex` */
};

/* Bits of cx_binding_key. */
enum cx_binding_key_flag {
  CX_BINDING_KEY_USED = 1,
  CX_BINDING_KEY_DISABLED = 2, /* taken out of use by an administrator */
};

/* Who a binding index is, and what was said of it at run time; a restarted controller reads it back, so
 * that indices keep their meaning for the generation that is active. */
struct cx_binding_key {
  struct in6_addr care_of; /* registered at run time, :: = as the config says */
  __u32 router;
  __u16 bid;
  __u8 flags CX_TAG("flags:cx_binding_key_flag");
};

/* Who a policy id is: counters keep their meaning over reloads and restarts. FID 0 = free. */
struct cx_policy_key {
  __u32 router;
  __u32 fid;
};

/* Who a router id is: the home address. :: = free. */
struct cx_router_key {
  struct in6_addr home_address;
};

/* Traffic of one binding since it was created (per CPU). */
struct cx_binding_stats {
  __u64 sent_packets; /* segments of an offloaded packet count one each */
  __u64 sent_bytes;   /* inner bytes */
  __u64 received_packets;
  __u64 received_bytes;
};

/* Packets a policy decided (per CPU), found by the policy's stable id. */
struct cx_policy_stats {
  __u64 packets;
  __u64 bytes;
};

/* Words of a packet's key, each a u32 in host order. A field that a packet does not have is a number that no
 * selector can ask for, so that nothing but a wildcard matches it. */
enum cx_field {
  CX_FIELD_SOURCE = 0,      /* four words, the first one on the wire first */
  CX_FIELD_DESTINATION = 4, /* four words */
  CX_FIELD_PROTOCOL = 8,
  CX_FIELD_SOURCE_PORT = 9,       /* CX_ABSENT_PORT without one */
  CX_FIELD_DESTINATION_PORT = 10, /* the same */
  CX_FIELD_DSCP = 11,
  CX_FIELD_FLOW_LABEL = 12,
  CX_FIELD_SPI = 13,       /* of the first AH or ESP header; 0, which is never on the wire, without one */
  CX_FIELD_ICMP_TYPE = 14, /* CX_ABSENT_ICMP without one */
  CX_FIELD_ICMP_CODE = 15, /* the same */
  CX_FIELD_INTERFACE = 16, /* ifindex of the ingress interface, 0 for local traffic */
  CX_FIELD_CGROUP = 17,    /* number of the deepest cgroup with a name in the generation, 0 without one */
  CX_FIELD_MARK = 18,      /* 0 where it is not known; nodes ask for it only where it is */
};

/* Values of key fields that stand for "the packet has none". */
typedef enum {
  CX_ABSENT_PORT = 0x10000,
  CX_ABSENT_ICMP = 0x100,
} cx_absent;

/* What a node of the decision tree does with the packet's word `v` of its field. Positions are those of
 * nodes within the slot. */
enum cx_node_kind {
  CX_NODE_END = 0,    /* nothing more in this tree: on to the next one */
  CX_NODE_RANGE = 1,  /* v - low <= extent ? target : target + step */
  CX_NODE_CUT = 2,    /* target + min((v - low) >> step, extent): equal pieces, the last one is "elsewhere" */
  CX_NODE_MASK = 3,   /* (v & extent) == low ? target : target + step */
  CX_NODE_BITS = 4,   /* target + ((v >> step) & extent) */
  CX_NODE_MATCH = 5,  /* policy `target` of the router matches; when it is inactive, on at `extent` */
  CX_NODE_DECIDE = 6, /* the same but for the mark, which is not known here */
  CX_NODE_TREE = 7, /* the tree at `target`, unless a match is better than `low`; the next one at `extent` */
};

/* Where the parts of a node's `operation` stand. */
typedef enum {
  CX_NODE_FIELD_SHIFT = 8, /* enum cx_field; the kind is below */
  CX_NODE_STEP_SHIFT = 16, /* `step`, the upper half */
} cx_node_part;

/* One node of a decision tree, or one comparison of a rule in a leaf. Differences wrap around, so that one
 * comparison tests both ends of a range. */
struct cx_node {
  __u32 operation; /* enum cx_node_kind, field and step, see cx_node_part */
  __u32 low;
  __u32 extent;
  __u32 target;
};

/* Nodes that are written together. */
struct cx_block {
  struct cx_node nodes[CX_BLOCK_NODES];
};

/* What becomes of a packet that a policy matches. */
enum cx_action {
  CX_ACTION_USE = 1,     /* the first usable binding carries it */
  CX_ACTION_BALANCE = 2, /* the usable bindings share the flows by weight */
  CX_ACTION_COPY = 3,    /* every usable binding carries a copy */
  CX_ACTION_DROP = 4,
  CX_ACTION_BYPASS = 5, /* the route that the kernel has without ours */
};

/* What holds while none of a policy's bindings is usable. */
enum cx_otherwise {
  CX_OTHERWISE_NEXT = 0, /* as if the policy were not there (RFC 6089 section 4.3) */
  CX_OTHERWISE_DROP = 1,
  CX_OTHERWISE_DEFAULT = 2, /* the router's bindings in the order of their BID-PRI */
};

/* What one policy does. Policies of a set stand one after the other in the order of their FID-PRI: the
 * position is the rank that decides which of two matches wins. */
struct cx_policy {
  __u32 id;       /* stable id, counted from the router's first_policy_id: index of the policy's counters */
  __u32 fid;      /* flow identifier, for people */
  __u32 priority; /* FID-PRI, for people */
  __u8 action CX_TAG("enum:cx_action");
  __u8 otherwise CX_TAG("enum:cx_otherwise");
  __u8 binding_count;
  __u8 weights[CX_POLICY_BINDINGS];  /* of `balance`, beside the bindings */
  __u8 bindings[CX_POLICY_BINDINGS]; /* positions in the set's bindings, in the policy's order */
};

/* Policies, the trees that find them and, for what none of them decides, bindings in the order of their
 * BID-PRI. Nothing here says whose they are, so that equal routers share it and packets of many routers find
 * it in the cache. Row 0 has no policies and no bindings. */
struct cx_policy_set {
  __u32 known_root;   /* node to start at where the mark is known; 0 = no policies */
  __u32 unknown_root; /* the same where it is not */
  __u32 first_policy; /* position within the slot */
  __u32 policy_count;
  __u8 fragments;    /* 1 = policies ask for what only the first fragment of a packet shows */
  __u8 cgroup_depth; /* levels of cgroups at which policies name one, 0 = none does */
  __u8 binding_count;
  __u32 bindings[CX_DEFAULT_BINDINGS]; /* binding indices, counted from the router's first_binding; lowest
                                          BID-PRI first */
};

/* One router's part of a generation: its set of policies, and what it counts its own numbers from. It is as
 * short as can be, as each packet of many routers finds another one. The mobile router itself is router 1;
 * row 0 is unused. */
struct cx_router {
  __u32 policy_set;      /* row of cx_policy_sets within the slot */
  __u32 first_policy_id; /* lowest id of its policies */
  __u32 first_binding;   /* lowest index of its bindings */
};

/* What the first fragment of a packet shows and the others do not. Each word is written and read at once and
 * carries a third of the hash of the packet's addresses and identification in its upper half, so that a row
 * of which another packet has written a part is nobody's. The lower halves, from the left: */
struct cx_fragment {
  __u64 spi;
  __u64 ports; /* source, destination */
  __u64 rest;  /* protocol (8 bits), ICMPv6 type (8), code (8), time (6), enum cx_fragment_has (2) */
};

/* A cgroup that policies of a generation name. */
struct cx_cgroup_key {
  __u64 id;   /* the kernel's */
  __u32 slot; /* of the generation */
};

/* Key of the longest-prefix maps. */
struct cx_prefix_key {
  __u32 prefix_length;
  struct in6_addr address;
};

/* Key of the accept set. An all-zero remote stands for "any": it tells that the local address is an end
 * of our tunnels, so that what comes from nobody we know is refused. A local address without that one, a
 * mobile router's home address, is no end of a tunnel: only mobility headers to it are taken. */
struct cx_tunnel_end_key {
  struct in6_addr local;
  struct in6_addr remote;
};

/* An accepted pair of outer addresses and the binding it belongs to. The addresses are repeated so
 * that a reader can tell a row that was reused under its feet. */
struct cx_tunnel_end {
  struct in6_addr local;
  struct in6_addr remote;
  __u32 binding; /* binding index */
  __u32 router;  /* router whose prefixes the inner packet must belong to; 0 refuses */
};

/* How a packet shows which binding's tunnel it came by, where its outer addresses are gone. */
struct cx_tunnel_device_key {
  __u32 ifindex;
  __u32 interface_id; /* of IPsec, where one xfrm interface is for several bindings, else 0 */
};

/* A tunnel device that one binding has for itself, or its part of one, and the binding. */
struct cx_tunnel_device {
  struct cx_tunnel_device_key key; /* repeated: a row may be reused under a reader's feet */
  __u32 binding;                   /* binding index */
  __u32 router;                    /* router whose prefixes the inner packet must belong to */
};

/* Where ESP that protects a binding of ours arrives. */
struct cx_spi_key {
  struct in6_addr local;
  __u32 spi;
};

/* Where an inner destination is on the link: found by address, checked by address. */
struct cx_neighbour {
  struct in6_addr address;
  __u32 ifindex;
  __u8 mac[6] CX_TAG("mac");
  __u8 own_mac[6] CX_TAG("mac"); /* MAC of `ifindex` */
  __u16 mtu;                     /* of the link */
};

/* Bits of cx_port. */
enum cx_port_flag {
  CX_PORT_FLAG_TRANSMITS = 1, /* frames may be given to it beside its queue: it is in cx_devices */
};

/* What XDP programs know of an interface; written and read as one aligned u64. */
struct cx_port {
  __u8 mac[6] CX_TAG("mac");
  __u8 flags CX_TAG("flags:cx_port_flag");
  __u8 tag; /* which of those that share the row it is: ifindex / CX_PORT_ROWS + 1, 0 = none */
};

/* Where in the packet's way a verdict was given. */
enum cx_hook {
  CX_HOOK_INGRESS = 0,     /* from the mobile network (or, on a home agent, towards it) */
  CX_HOOK_HOME = 1,        /* egress of the home interface: local traffic and what the stack forwards */
  CX_HOOK_UPLINK = 2,      /* from the visited network: decapsulation */
  CX_HOOK_TUNNEL = 3,      /* from a tunnel device that has decapsulated */
  CX_HOOK_XDP_INGRESS = 4, /* as INGRESS, before it: what is left to TC comes there as well */
  CX_HOOK_XDP_UPLINK = 5,  /* the same in front of UPLINK */
};

/* Why a packet left a program as it did. One of these is counted at every exit. */
enum cx_reason {
  CX_REASON_NONE = 0,
  /* sent */
  CX_REASON_ENCAPSULATED = 1,          /* outer header pushed, given to the uplink */
  CX_REASON_TO_TUNNEL_DEVICE = 2,      /* given to a tunnel device, which makes the outer header */
  CX_REASON_NEXT_HOP_UNRESOLVED = 3,   /* as ENCAPSULATED or TO_HOME_LINK, the kernel finds the next hop */
  CX_REASON_DECAPSULATED = 4,          /* outer header removed, given to the neighbour */
  CX_REASON_TO_STACK_DECAPSULATED = 5, /* outer header removed, enters the stack at the home interface */
  CX_REASON_RELAYED = 6,               /* from one tunnel into another, outer header rewritten */
  CX_REASON_TO_HOME_LINK = 7,          /* given to the other end on the home link, as it is */
  /* left to the stack */
  CX_REASON_NOT_IPV6 = 8,       /* or tagged for a VLAN, which is another interface's */
  CX_REASON_NOT_FOR_HOME = 9,   /* the routes do not send it home */
  CX_REASON_LINK_SCOPE = 10,    /* link-local or multicast */
  CX_REASON_HOP_LIMIT = 11,     /* the stack answers Time Exceeded */
  CX_REASON_BYPASS = 12,        /* a policy leaves it to the kernel's own route */
  CX_REASON_MARK_DECIDES = 13,  /* a policy asks for a mark that is not known yet */
  CX_REASON_NO_BINDING = 14,    /* no usable binding; the stack answers unreachable */
  CX_REASON_NOT_OURS = 15,      /* not one of our tunnels */
  CX_REASON_OTHER_HOST = 16,    /* the frame is another host's: promiscuous mode, broadcast */
  CX_REASON_ERROR_KEPT = 17,    /* an ICMPv6 error about our tunnel that no inner sender can use */
  CX_REASON_LEFT_TO_STACK = 19, /* the interface's packets take the stack, which meets the firewall */
  CX_REASON_LEFT_TO_TC = 20, /* XDP cannot decide or do it: the TC program of the interface counts it again */
  CX_REASON_TO_BE_SEGMENTED =
      18, /* no outer header fits on this offload: segmented first, then looked at again */
  CX_REASON_TO_BE_ENCRYPTED =
      21, /* ESP that may not be encrypted yet: the home interface does that, then looked at again */
  /* taken, or dropped and the sender is told */
  CX_REASON_PACKET_TOO_BIG = 24, /* answered with a Packet Too Big of the chosen binding's MTU */
  CX_REASON_ERROR_RELAYED = 25,  /* an ICMPv6 error about our tunnel, passed on to the inner sender */
  CX_REASON_TO_DAEMON = 26,      /* a mobility header to us: the daemon reads it */
  /* dropped */
  CX_REASON_DROP_TRUNCATED = 32,    /* shorter than its headers say */
  CX_REASON_DROP_HEADER_CHAIN = 33, /* extension headers too many or malformed */
  CX_REASON_DROP_SOURCE = 34,       /* inner source is not of this router's prefixes */
  CX_REASON_DROP_DESTINATION = 35,  /* inner destination is not of this router's prefixes */
  CX_REASON_DROP_OUTER_SOURCE = 36, /* outer source is not the home agent or a registered care-of address */
  CX_REASON_DROP_LOOP = 37,         /* source is an end of our own tunnels: already encapsulated */
  CX_REASON_DROP_NO_BINDING = 38,   /* nothing can carry it and there is no other way */
  CX_REASON_DROP_TOO_BIG = 39,      /* larger than the binding, and nobody can be told */
  CX_REASON_DROP_ECN = 40,          /* RFC 6040: congestion experienced on a packet that cannot say so */
  CX_REASON_DROP_NOT_IPV6 = 41,     /* not IPv6 at the home interface or inside a tunnel */
  CX_REASON_DROP_LINK_SCOPE = 42,   /* link-local or multicast at the home interface or inside a tunnel */
  CX_REASON_DROP_ENCAP_FAILED = 43, /* the kernel refused to make room */
  CX_REASON_DROP_DECAP_FAILED = 44,
  CX_REASON_DROP_TUNNEL_KEY = 45,    /* a tunnel device gave or took no key */
  CX_REASON_DROP_BROKEN_STATE = 46,  /* a map row that must exist does not */
  CX_REASON_DROP_NOT_FOR_HOME = 47,  /* at the home interface, but the routes do not send it home */
  CX_REASON_DROP_ANSWER_LIMIT = 48,  /* an ICMPv6 error was due, but too many were sent in this second */
  CX_REASON_DROP_ERROR_INVALID = 49, /* an ICMPv6 error about a tunnelled packet that we cannot have sent */
  CX_REASON_DROP_BY_POLICY = 50,     /* a policy says so */
  CX_REASON_DROP_BYPASS = 51,       /* a policy would bypass it, but its route is decided: behind the stack */
  CX_REASON_DROP_SIGNALS_FULL = 52, /* a mobility header to us, but the daemon has not read the ones before */
  CX_REASON_DROP_SIGNAL_LIMIT = 53, /* the same, but its sender has sent too many in this second */
  /* counted beside the reason a packet left for */
  CX_REASON_ALSO_COPIED = 56,         /* a policy had one more binding carry it */
  CX_REASON_ALSO_COPY_LOST = 57,      /* it could not: its next hop is not known yet, or its uplink refused */
  CX_REASON_ALSO_FRAGMENT_ALONE = 58, /* the first fragment is not known, so it was as if it had no ports */
};

/* Packets that left with one reason at one hook (per CPU). */
struct cx_reason_stats {
  __u64 packets;
  __u64 bytes;
};

/* How many ICMPv6 errors may be sent now (per CPU). */
struct cx_answer_budget {
  __u64 refilled_at; /* CLOCK_MONOTONIC, ns */
  __u32 left;
};

/* What stands in front of a packet with a mobility header to an address of ours. */
struct cx_signal {
  __u32 ifindex; /* where it arrived */
  __u32 length;  /* of the packet, from its IPv6 header on; what is behind it means nothing */
};

/* How many mobility headers of some senders have passed in this second. */
struct cx_signal_budget {
  __u32 window; /* which second that is */
  __u32 used;
};

/* Room to work in where the stack has none; means nothing to the next packet (per CPU). */
struct cx_scratch {
  __u32 walk[CX_KEY_WORDS];     /* a packet's way through the trees */
  __be32 chunk[CX_SUM_WORDS];   /* of what is summed up */
  __be32 error[CX_ERROR_WORDS]; /* headers of an ICMPv6 error */
};

/* What a packet meets on its way through programs that explain, in the order in which it does. */
enum cx_explain_step {
  CX_EXPLAIN_NONE = 0,
  CX_EXPLAIN_ROUTER = 1,  /* router id, slot of the generation, is the mark known */
  CX_EXPLAIN_KEY = 2,     /* first word of the key, three words from there */
  CX_EXPLAIN_NODE = 3,    /* a node of the trees as it stands there: operation, low, extent, target */
  CX_EXPLAIN_POLICY = 4,  /* rank and id of a policy that matches, is only its mark not known */
  CX_EXPLAIN_DEFAULT = 5, /* no policy decides: the router's bindings by BID-PRI */
  CX_EXPLAIN_BINDING = 6, /* of the policy or default before: binding index, its row, 0 = not usable */
  CX_EXPLAIN_SHARE = 7,  /* of a balance: binding index, weight, draw of the flow; the least one carries it */
  CX_EXPLAIN_CHOICE = 8, /* binding index, its row, bytes that it is asked to carry */
};

/* One step. Row 0 is the head instead: see cx_explained_head. */
struct cx_explained {
  __u32 step CX_TAG("enum:cx_explain_step");
  __u32 values[CX_EXPLAINED_VALUES];
};

/* Values of the head. */
typedef enum {
  CX_EXPLAINED_ROWS = 0,   /* rows written behind it */
  CX_EXPLAINED_LOST = 1,   /* steps that found no room */
  CX_EXPLAINED_CGROUP = 2, /* number of the cgroup that the packet is to come from; written by user space */
  CX_EXPLAINED_AT = 3,     /* row that is being written */
} cx_explained_head_value;

/* Names every type above that packets know only as a number, so that it reaches the object's BTF and from
 * there user space. */
struct cx_vocabulary {
  cx_constants constants;
  enum cx_role role;
  enum cx_setting setting;
  enum cx_tunnel_kind tunnel_kind;
  enum cx_binding_flag binding_flag;
  enum cx_binding_key_flag binding_key_flag;
  enum cx_field field;
  cx_absent absent;
  enum cx_node_kind node_kind;
  cx_node_part node_part;
  enum cx_action action;
  enum cx_otherwise otherwise;
  enum cx_hook hook;
  enum cx_reason reason;
  enum cx_explain_step explain_step;
  cx_explained_head_value explained_head;
  enum cx_port_flag port_flag;
  struct cx_signal signal;
};

#endif
