/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Packet -> key: what a packet is to the policies, one u32 for each field that a selector can ask for. */
#ifndef COAX_KEY_H
#define COAX_KEY_H

#include "explain.h"
#include "packet.h"

/* A packet's key as functions that are verified on their own take it. */
struct cx_key {
  __u32 words[CX_FIELDS];
};

/* What is known of a packet at a hook beside its headers. */
struct cx_origin {
  __u32 hook;    /* enum cx_hook */
  __u32 ifindex; /* ingress interface, 0 = made here */
  __u32 local;   /* it may have been sent by a process of this machine */
  __u32 mark_known;
  __u32 mark;
};

/* A packet that arrived at this hook's interface; netfilter has not seen it. */
#define CX_ORIGIN_HERE(ctx, from) ((struct cx_origin){.hook = (from), .ifindex = cx_ifindex(ctx)})

/* A packet that the stack has routed; its mark is final. */
#define CX_ORIGIN_STACK(ctx)                                                                                 \
  ((struct cx_origin){.hook = CX_HOOK_HOME,                                                                  \
                      .ifindex = cx_ingress_ifindex(ctx),                                                    \
                      .local = 1,                                                                            \
                      .mark_known = 1,                                                                       \
                      .mark = cx_mark(ctx)})

/* Such a packet, or a segment of it, behind the home interface; it still has its sender's socket. */
#define CX_ORIGIN_SEGMENT(ctx)                                                                               \
  ((struct cx_origin){.hook = CX_HOOK_HOME,                                                                  \
                      .ifindex = cx_kept_ingress_ifindex(ctx),                                               \
                      .local = 1,                                                                            \
                      .mark_known = 1,                                                                       \
                      .mark = cx_mark(ctx)})

CX_INLINE void cx_put_address(__u32 *words, const struct in6_addr *address) {
  words[0] = bpf_ntohl(address->s6_addr32[0]);
  words[1] = bpf_ntohl(address->s6_addr32[1]);
  words[2] = bpf_ntohl(address->s6_addr32[2]);
  words[3] = bpf_ntohl(address->s6_addr32[3]);
}

/* Everything but the cgroup; `words` has CX_FIELDS words. */
CX_INLINE void cx_make_key(const struct cx_packet *packet, const struct cx_origin *origin, __u32 *words) {
  cx_put_address(words + CX_FIELD_SOURCE, &packet->source);
  cx_put_address(words + CX_FIELD_DESTINATION, &packet->destination);
  words[CX_FIELD_PROTOCOL] = packet->protocol;
  words[CX_FIELD_SOURCE_PORT] = packet->has_ports ? packet->source_port : CX_ABSENT_PORT;
  words[CX_FIELD_DESTINATION_PORT] = packet->has_ports ? packet->destination_port : CX_ABSENT_PORT;
  words[CX_FIELD_DSCP] = packet->traffic_class >> 2;
  words[CX_FIELD_FLOW_LABEL] = packet->flow_label;
  words[CX_FIELD_SPI] = packet->spi;
  words[CX_FIELD_ICMP_TYPE] = packet->icmp_type;
  words[CX_FIELD_ICMP_CODE] = packet->icmp_code;
  words[CX_FIELD_INTERFACE] = origin->ifindex;
  words[CX_FIELD_CGROUP] = 0;
  words[CX_FIELD_MARK] = origin->mark;
}

/* Number of the deepest cgroup of the sending process that the generation in `slot` has a name for, looking
 * down to `depth` levels below the root. */
CX_INLINE __u32 cx_cgroup_number(cx_context *ctx, __u32 slot, __u32 depth) {
  struct cx_cgroup_key key;
  __u32 number = 0;

  /* The map compares the bytes behind the last member, too, which an initialiser leaves as they were. */
  __builtin_memset(&key, 0, sizeof(key));
  key.slot = slot;
  for (__u32 level = 0; level <= CX_CGROUP_LEVELS; level++) {
    if (level > depth)
      break;
    key.id = cx_cgroup(ctx, level);
    if (!key.id)
      break;
    const __u32 *found = bpf_map_lookup_elem(&cx_cgroups, &key);
    if (found)
      number = *found & ~CX_CGROUP_BYPASSES;
  }
  return cx_explained_cgroup(number);
}

#endif
