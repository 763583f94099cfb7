/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Outer header off: who may send us tunnelled packets, and where the inner packet goes. */
#ifndef COAX_DECAP_H
#define COAX_DECAP_H

#if CX_LEAVES_TO_TC
#include "leave.h"
#else
#include "copy.h"
#include "icmp.h"
#include "signalling.h"
#endif

#define CX_ECN_MASK 3
#define CX_ECN_CE 3

/* RFC 6040 section 4.2: the ECN field of the inner packet after decapsulation; -1 to drop. */
CX_INLINE int cx_combine_ecn(__u8 inner, __u8 outer) {
  if (outer == CX_ECN_CE)
    return inner ? CX_ECN_CE : -1;
  if (inner == 2 && outer == 1) /* ECT(0) inside, ECT(1) outside */
    return 1;
  return inner;
}

CX_INLINE __u32 cx_apply_ecn(cx_context *ctx, struct cx_packet *inner, __u8 outer_class) {
  int ecn = cx_combine_ecn(inner->traffic_class & CX_ECN_MASK, outer_class & CX_ECN_MASK);
  if (ecn < 0)
    return CX_REASON_DROP_ECN;
  if (ecn != (inner->traffic_class & CX_ECN_MASK)) {
    inner->traffic_class = (inner->traffic_class & ~CX_ECN_MASK) | ecn;
    __u8 start[2] = {6 << 4 | inner->traffic_class >> 4,
                     (inner->traffic_class & 0xf) << 4 | inner->flow_label >> 16};
    if (cx_store(ctx, inner->start, start, sizeof(start)))
      return CX_REASON_DROP_TRUNCATED;
    inner->version_class_label = bpf_htonl(6U << 28 | (__u32)inner->traffic_class << 20 | inner->flow_label);
  }
  return CX_REASON_NONE;
}

/* Sends a packet as it was chosen, or tells its sender that it is too big for that. */
CX_INLINE __u32 cx_send(cx_context *ctx, const struct cx_packet *packet, const struct cx_choice *choice,
                        struct cx_sending *sending) {
  __u32 reason = choice->copies ? cx_send_copies(ctx, packet, choice, sending) : CX_REASON_NONE;
  if (!reason)
    reason = cx_encapsulate(ctx, packet, choice, sending);
  return reason == CX_REASON_PACKET_TOO_BIG ? cx_answer_too_big(ctx, packet, choice, sending) : reason;
}

/* Home agent: from one mobile router's tunnel, `outer` bytes in front of the packet, into another's.
 * CX_REASON_NONE leaves it to the stack. */
static __noinline __u32 cx_relay(cx_context *ctx, struct cx_packet *inner, __u32 outer, __u32 router,
                                 struct cx_sending *sending) {
  struct cx_choice choice = {};
  __u32 reason;

  if (CX_ONLY_BEHIND_STACK || inner->hop_limit <= 1 || cx_parse_rest(ctx, inner))
    return CX_REASON_NONE;
  reason = cx_classify(ctx, inner, router, &CX_ORIGIN_HERE(ctx, sending->hook), &choice);
  if (reason)
    return reason == CX_REASON_DROP_BY_POLICY ? reason : CX_REASON_NONE;
  const struct cx_binding *row = cx_binding_at(choice.row);
  if (!row || inner->length > CX_IPV6_MAX_PAYLOAD)
    return CX_REASON_NONE;
  sending->room = CX_ROOM_READY;
  if (outer != sizeof(struct cx_ipv6_header) || inner->segment > row->mtu) {
    if (CX_LEAVES_TO_TC)
      return CX_REASON_LEFT_TO_TC;
    if (outer && cx_pop(ctx, outer))
      return CX_REASON_DROP_DECAP_FAILED;
    inner->start -= outer;
    inner->upper -= outer;
    sending->room = CX_ROOM_NONE;
  }
  reason = cx_send(ctx, inner, &choice, sending);
  /* Without its outer header it could only start anew. */
  return reason == CX_REASON_TO_BE_SEGMENTED ? CX_REASON_DROP_ENCAP_FAILED : reason;
}

/* A packet that may come in by its tunnel: to another tunnel, to its neighbour or to the stack. `outer` is
 * the number of bytes between the link header and the inner packet. */
CX_INLINE __u32 cx_hand_over(cx_context *ctx, __u32 link, __u32 outer, struct cx_packet *inner, int *action) {
  __u32 reason;

  if (cx_role == CX_ROLE_HOME_AGENT) {
    __u32 router = cx_router_of(&cx_routes, &inner->destination);
    if (router) {
      struct cx_sending sending = {
          .hook = outer ? CX_HOOK_UPLINK : CX_HOOK_TUNNEL, .link = link, .action = CX_DROP};
      reason = cx_relay(ctx, inner, outer, router, &sending);
      *action = sending.action;
      return reason ? reason : cx_to_stack(ctx, link, outer, action);
    }
  }

  const struct cx_neighbour *neighbour = cx_find_neighbour(&inner->destination);
  if (!neighbour || !cx_may_transmit(neighbour->ifindex) || inner->hop_limit <= 1 ||
      (cx_segment_payload(ctx) && cx_parse_rest(ctx, inner)) || inner->segment > neighbour->mtu)
    return cx_to_stack(ctx, link, outer, action);
  if (cx_decrement_hop_limit(ctx, inner))
    return CX_REASON_DROP_TRUNCATED;
  if (outer && cx_pop(ctx, outer))
    return CX_REASON_DROP_DECAP_FAILED;
  if (cx_set_link(ctx, link, neighbour->mac, neighbour->own_mac))
    return CX_REASON_DROP_DECAP_FAILED;
  *action = cx_transmit(neighbour->ifindex);
  return *action == CX_DROP ? CX_REASON_DROP_BROKEN_STATE : CX_REASON_DECAPSULATED;
}

/* A packet from the accepted tunnel of a router's binding: filter, then where it goes; as for `cx_hand_over`.
 */
CX_INLINE __u32 cx_deliver(cx_context *ctx, __u32 link, __u32 outer, struct cx_packet *inner, __u32 binding,
                           __u32 router, int *action) {
  __u32 reason;

  if (cx_has_link_scope(inner))
    return CX_REASON_DROP_LINK_SCOPE;
  if (cx_role == CX_ROLE_MOBILE_ROUTER) {
    if (cx_router_of(&cx_prefixes, &inner->destination) != router)
      return CX_REASON_DROP_DESTINATION;
  } else if (cx_router_of(&cx_prefixes, &inner->source) != router) {
    return CX_REASON_DROP_SOURCE;
  }
  if (!CX_LEAVES_TO_TC)
    cx_count_received(binding, cx_segments(ctx), inner->length);
  /* The home agent's word to the home address takes the way of all packets there. */
  if (cx_role == CX_ROLE_MOBILE_ROUTER && inner->next_header == CX_IPPROTO_MOBILITY) {
    reason = cx_take_signal(ctx, inner);
    if (reason != CX_REASON_NOT_OURS)
      return reason;
  }
  reason = cx_hand_over(ctx, link, outer, inner, action);
  if (CX_LEAVES_TO_TC && reason != CX_REASON_LEFT_TO_TC)
    cx_count_received(binding, 1, inner->length);
  return reason;
}

/* A packet, parsed to its upper layer, that carries no other one in clear. */
CX_INLINE __u32 cx_not_tunnelled(cx_context *ctx, const struct cx_packet *packet) {
  if (packet->protocol == CX_IPPROTO_MOBILITY)
    return cx_take_signal(ctx, packet);
  return cx_is_strange_esp(ctx, packet) ? CX_REASON_DROP_OUTER_SOURCE : CX_REASON_NOT_OURS;
}

/* An IPv6 packet that may carry another one for us. CX_REASON_NOT_OURS when it does not. */
CX_INLINE __u32 cx_decapsulate(cx_context *ctx, __u32 link, struct cx_packet *outer, int *action) {
  struct cx_tunnel_end_key ends = {.local = outer->destination, .remote = outer->source};
  __u8 outer_class = outer->traffic_class;
  __u32 outer_end = outer->start + outer->length;
  __u32 reason;

  if (outer->protocol == IPPROTO_ICMPV6)
    return cx_relay_error(ctx, link, outer, action);
  if (outer->protocol != IPPROTO_IPV6 && (cx_parse_chain(ctx, outer) || outer->protocol != IPPROTO_IPV6))
    return cx_not_tunnelled(ctx, outer);
  if (outer->fragmented || outer->authenticated || outer->routed)
    return CX_REASON_NOT_OURS;
  const struct cx_tunnel_end *end = cx_find_tunnel(&ends);
  if (!end || !end->router)
    return cx_is_tunnel_end(&outer->destination) ? CX_REASON_DROP_OUTER_SOURCE : CX_REASON_NOT_OURS;

  /* The inner packet takes the outer one's place, to spare the stack. */
  struct cx_packet *inner = outer;
  __u32 removed = outer->upper - link;
  reason = cx_parse_fixed(ctx, outer->upper, inner);
  if (reason)
    return reason;
  if (inner->start + inner->length > outer_end)
    return CX_REASON_DROP_TRUNCATED;
  reason = cx_apply_ecn(ctx, inner, outer_class);
  if (reason)
    return reason;
  return cx_deliver(ctx, link, removed, inner, end->binding, end->router, action);
}

#endif
