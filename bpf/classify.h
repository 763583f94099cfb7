/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Packet -> policy: the active generation's policies of one router, in the order of their FID-PRI. */
#ifndef COAX_CLASSIFY_H
#define COAX_CLASSIFY_H

#include "packet.h"
#include "select.h"

/* Rows of one generation in cx_policies and cx_routers; set before load from the maps' sizes. */
const volatile __u32 cx_policies_per_generation = 1024;
const volatile __u32 cx_routers_per_generation = 8;

/* One packet's walk through the policies of its router. */
struct cx_scan {
  const struct cx_packet *packet;
  struct cx_choice *choice;
  __u32 first;
  __u32 mark;
  __u32 mark_known;
  __u32 mark_decides; /* a policy matches but for the mark, which is not known here */
};

CX_INLINE int cx_in_prefix(const struct in6_addr *address, const struct in6_addr *prefix,
                           const struct in6_addr *mask) {
  return !(((address->s6_addr32[0] & mask->s6_addr32[0]) ^ prefix->s6_addr32[0]) |
           ((address->s6_addr32[1] & mask->s6_addr32[1]) ^ prefix->s6_addr32[1]) |
           ((address->s6_addr32[2] & mask->s6_addr32[2]) ^ prefix->s6_addr32[2]) |
           ((address->s6_addr32[3] & mask->s6_addr32[3]) ^ prefix->s6_addr32[3]));
}

/* All selectors but the mark. */
CX_INLINE int cx_matches(const struct cx_packet *packet, const struct cx_policy *policy) {
  __u32 match = policy->match;

  if (match & CX_MATCH_PROTOCOL && packet->protocol != policy->protocol)
    return 0;
  if (match & (CX_MATCH_SOURCE_PORT | CX_MATCH_DESTINATION_PORT) && !packet->has_ports)
    return 0;
  if (match & CX_MATCH_SOURCE_PORT &&
      (packet->source_port < policy->source_port_low || packet->source_port > policy->source_port_high))
    return 0;
  if (match & CX_MATCH_DESTINATION_PORT && (packet->destination_port < policy->destination_port_low ||
                                            packet->destination_port > policy->destination_port_high))
    return 0;
  if (match & CX_MATCH_SOURCE && !cx_in_prefix(&packet->source, &policy->source, &policy->source_mask))
    return 0;
  if (match & CX_MATCH_DESTINATION &&
      !cx_in_prefix(&packet->destination, &policy->destination, &policy->destination_mask))
    return 0;
  return 1;
}

/* bpf_loop callback: one policy. Returns 1 to end the walk. */
static long cx_scan_policy(__u32 index, void *data) {
  struct cx_scan *scan = data;
  __u32 key = scan->first + index;
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &key);

  if (!policy)
    return 1;
  if (!cx_matches(scan->packet, policy))
    return 0;
  if (policy->match & CX_MATCH_MARK) {
    if (!scan->mark_known) {
      scan->mark_decides = 1;
      return 1;
    }
    if ((scan->mark & policy->mark_mask) != policy->mark)
      return 0;
  }
  /* RFC 6089 section 4.3: an entry none of whose bindings is registered is skipped. */
  if (!cx_select(policy->bindings, policy->binding_count, CX_POLICY_BINDINGS, scan->choice))
    return 0;
  scan->choice->policy_id = policy->id;
  scan->choice->by_policy = 1;
  return 1;
}

/* Decides which binding carries a packet of `router`. Returns CX_REASON_NONE with a choice that has a
 * row, or why there is none. */
CX_INLINE __u32 cx_classify(const struct cx_packet *packet, __u32 router, __u32 mark, __u32 mark_known,
                            struct cx_choice *choice) {
  __u32 key = CX_SETTING_GENERATION;
  __u32 *active = bpf_map_lookup_elem(&cx_settings, &key);
  if (!active)
    return CX_REASON_DROP_BROKEN_STATE;
  __u32 slot = *(volatile __u32 *)active;

  key = slot * cx_routers_per_generation + router;
  const struct cx_router *row = bpf_map_lookup_elem(&cx_routers, &key);
  if (!row || router >= cx_routers_per_generation)
    return CX_REASON_DROP_BROKEN_STATE;

  struct cx_scan scan = {
      .packet = packet,
      .choice = choice,
      .first = slot * cx_policies_per_generation + row->first_policy,
      .mark = mark,
      .mark_known = mark_known,
  };
  __u32 count = row->policy_count;
  if (count) {
    if (count > CX_POLICIES_PER_ROUTER)
      count = CX_POLICIES_PER_ROUTER;
    bpf_loop(count, cx_scan_policy, &scan, 0);
    if (scan.mark_decides)
      return CX_REASON_MARK_DECIDES;
    if (choice->row)
      return CX_REASON_NONE;
  }
  if (cx_select(row->bindings, row->binding_count, CX_DEFAULT_BINDINGS, choice))
    return CX_REASON_NONE;
  return CX_REASON_NO_BINDING;
}

#endif
