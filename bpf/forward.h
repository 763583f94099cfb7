/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* A packet at an interface -> where it goes: the way of a packet can be read here, for TC and XDP alike. */
#ifndef COAX_FORWARD_H
#define COAX_FORWARD_H

#include "decap.h"

/* What is left to the stack, and so to the TC program in front of it; and what XDP sees only a part of. */
CX_INLINE int cx_is_left(__u32 reason) {
  return (reason >= CX_REASON_FIRST_PASS && reason < CX_REASON_FIRST_ANSWER) ||
         reason == CX_REASON_DROP_TRUNCATED;
}

/* Counts the reason and turns it into what the hook is told. */
CX_INLINE int cx_finish(cx_context *ctx, __u32 hook, __u32 reason, int action, __u32 packets, __u32 bytes) {
  if (CX_LEAVES_TO_TC) {
    hook = hook == CX_HOOK_UPLINK ? CX_HOOK_XDP_UPLINK : CX_HOOK_XDP_INGRESS;
    if (cx_is_left(reason))
      reason = CX_REASON_LEFT_TO_TC;
  }
  cx_count_reason(hook, reason, packets, bytes);
  if (reason >= CX_REASON_FIRST_DROP)
    return CX_DROP;
  return reason >= CX_REASON_FIRST_PASS && reason < CX_REASON_FIRST_ANSWER ? CX_PASS : action;
}

/* Behind the fixed header of a packet that arrived: is it for home, and by which binding? */
CX_INLINE __u32 cx_forward(cx_context *ctx, __u32 link, struct cx_packet *packet, int *action) {
  struct cx_sending sending = {.hook = CX_HOOK_INGRESS, .link = link, .action = CX_DROP};
  struct cx_choice choice = {};
  __u32 reason;

  if (cx_has_link_scope(packet))
    return CX_REASON_LINK_SCOPE;
  __u32 router = cx_router_of(&cx_routes, &packet->destination);
  if (!router)
    return CX_REASON_NOT_FOR_HOME;
  if (cx_role == CX_ROLE_MOBILE_ROUTER && cx_router_of(&cx_prefixes, &packet->source) != router)
    return CX_REASON_DROP_SOURCE;
  if (CX_ONLY_BEHIND_STACK)
    return CX_REASON_LEFT_TO_STACK;
  if (packet->hop_limit <= 1)
    return CX_REASON_HOP_LIMIT;
  reason = cx_parse_rest(ctx, packet);
  if (reason)
    return reason;
  if (cx_role == CX_ROLE_HOME_AGENT && cx_is_own_tunnel(packet))
    return CX_REASON_DROP_LOOP;
  reason = cx_classify(ctx, packet, router, &CX_ORIGIN_HERE(ctx, CX_HOOK_INGRESS), &choice);
  if (reason == CX_REASON_BYPASS)
    cx_set_mark(ctx, cx_setting(CX_SETTING_BYPASS_MARK));
  if (reason)
    return reason;
  reason = cx_send(ctx, packet, &choice, &sending);
  *action = sending.action;
  return reason;
}

CX_INLINE int cx_ingress(cx_context *ctx, const __u32 link) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);
  struct cx_packet packet;
  int action = CX_DROP;
  __u32 reason = CX_REASON_NOT_IPV6;

  if (!cx_is_for_us(ctx, link)) {
    reason = CX_REASON_OTHER_HOST;
  } else if (cx_is_ipv6(ctx)) {
    reason = cx_parse_fixed(ctx, link, &packet);
    if (!reason)
      reason = cx_forward(ctx, link, &packet, &action);
  }
  return cx_finish(ctx, CX_HOOK_INGRESS, reason, action, packets, bytes);
}

CX_INLINE int cx_uplink(cx_context *ctx, const __u32 link) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);
  struct cx_packet packet;
  int action = CX_DROP;
  __u32 reason = CX_REASON_NOT_IPV6;

  if (!cx_is_for_us(ctx, link)) {
    reason = CX_REASON_OTHER_HOST;
  } else if (cx_is_ipv6(ctx)) {
    /* What is not a whole IPv6 packet is not ours to judge on a link that carries other traffic. */
    reason = CX_REASON_NOT_OURS;
    if (!cx_parse_fixed(ctx, link, &packet))
      reason = cx_decapsulate(ctx, link, &packet, &action);
  }
  return cx_finish(ctx, CX_HOOK_UPLINK, reason, action, packets, bytes);
}

CX_INLINE int cx_transit(cx_context *ctx, const __u32 link) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);
  struct cx_packet packet;
  int action = CX_DROP;
  __u32 hook = CX_HOOK_UPLINK;
  __u32 reason = CX_REASON_NOT_IPV6;

  if (!cx_is_for_us(ctx, link)) {
    reason = CX_REASON_OTHER_HOST;
  } else if (cx_is_ipv6(ctx)) {
    reason = cx_parse_fixed(ctx, link, &packet);
    if (!reason)
      reason = cx_decapsulate(ctx, link, &packet, &action);
    if (reason == CX_REASON_NOT_OURS) {
      hook = CX_HOOK_INGRESS;
      reason = cx_parse_fixed(ctx, link, &packet);
      if (!reason)
        reason = cx_forward(ctx, link, &packet, &action);
    }
  }
  return cx_finish(ctx, hook, reason, action, packets, bytes);
}

#endif
