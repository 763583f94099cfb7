// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* The TC programs, one per hook; the way of a packet is in forward.h.
 *
 *   mobile network --> coax_ingress --+--> uplink            upstream, never enters the stack
 *                          |          |
 *                        stack --> coax_home                 local traffic, "the mark decides"
 *                                                            (coax_bypass instead of coax_ingress where all
 *                                                            packets take the stack and some bypass us)
 *   visited network --> coax_uplink --+--> mobile network    downstream
 *                                     +--> coax0, the stack
 * A home agent has coax_transit on all its interfaces; coax_tunnel sits on an external tunnel device, and
 * coax_device on a tunnel device that one binding has for itself, or on an xfrm interface; coax_socket sits
 * on all processes where policies let some of them bypass us.
 */
#include "ctx_skb.h"

#include "forward.h"
#include "socket.h"

const volatile struct cx_vocabulary cx_vocabulary;

char cx_license[] SEC("license") = "Dual MIT/GPL";

/* An ingress interface whose packets take the stack: only what bypasses us is told so, before it is routed.
 */
CX_INLINE __u32 cx_find_bypass(cx_context *ctx, __u32 link) {
  struct cx_choice choice = {};
  struct cx_packet packet;

  if (!cx_is_for_us(ctx, link) || !cx_is_ipv6(ctx) || cx_parse_fixed(ctx, link, &packet) ||
      cx_has_link_scope(&packet))
    return CX_REASON_LEFT_TO_STACK;
  __u32 router = cx_router_of(&cx_routes, &packet.destination);
  if (!router || cx_router_of(&cx_prefixes, &packet.source) != router || cx_parse_rest(ctx, &packet) ||
      cx_classify(ctx, &packet, router, &CX_ORIGIN_HERE(ctx, CX_HOOK_INGRESS), &choice) != CX_REASON_BYPASS)
    return CX_REASON_LEFT_TO_STACK;
  cx_set_mark(ctx, cx_setting(CX_SETTING_BYPASS_MARK));
  return CX_REASON_BYPASS;
}

CX_INLINE int cx_bypass(cx_context *ctx, const __u32 link) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);

  return cx_finish(ctx, CX_HOOK_INGRESS, cx_find_bypass(ctx, link), CX_PASS, packets, bytes);
}

SEC("tc")
int coax_ingress(cx_context *ctx) { return cx_ingress(ctx, CX_LINK_HEADER); }

SEC("tc")
int coax_ingress_l3(cx_context *ctx) { return cx_ingress(ctx, 0); }

SEC("tc")
int coax_bypass(cx_context *ctx) { return cx_bypass(ctx, CX_LINK_HEADER); }

SEC("tc")
int coax_bypass_l3(cx_context *ctx) { return cx_bypass(ctx, 0); }

SEC("tc")
int coax_uplink(cx_context *ctx) { return cx_uplink(ctx, CX_LINK_HEADER); }

SEC("tc")
int coax_uplink_l3(cx_context *ctx) { return cx_uplink(ctx, 0); }

SEC("tc")
int coax_transit(cx_context *ctx) { return cx_transit(ctx, CX_LINK_HEADER); }

SEC("tc")
int coax_transit_l3(cx_context *ctx) { return cx_transit(ctx, 0); }

/* Behind the device of all external tunnels, which has removed the outer header, settled ECN and shows the
 * outer addresses beside the packet. */
CX_INLINE __u32 cx_from_external(cx_context *ctx, __u32 link, struct cx_packet *packet, int *action) {
  struct cx_tunnel_end_key ends = {};
  __u32 reason;

  if (!cx_is_ipv6(ctx))
    return CX_REASON_DROP_NOT_IPV6;
  if (cx_get_tunnel(ctx, &ends))
    return CX_REASON_DROP_TUNNEL_KEY;
  const struct cx_tunnel_end *end = cx_find_tunnel(&ends);
  if (!end || !end->router)
    return CX_REASON_DROP_OUTER_SOURCE;
  reason = cx_parse_fixed(ctx, link, packet);
  return reason ? reason : cx_deliver(ctx, link, 0, packet, end->binding, end->router, action);
}

/* Behind a device of one binding's own, which has compared the outer addresses itself, or a key in their
 * place. Whose it was before may have IPv4 go by it, too. */
CX_INLINE __u32 cx_from_device(cx_context *ctx, __u32 link, struct cx_packet *packet, int *action) {
  struct cx_tunnel_device_key by = {.ifindex = cx_ifindex(ctx)};
  const struct cx_tunnel_device *device;
  __u32 reason;

  if (!cx_is_ipv6(ctx))
    return CX_REASON_NOT_IPV6;
#ifdef CX_WITH_XFRM_INFO
  by.interface_id = cx_interface_id(ctx);
#endif
  device = cx_find_device(&by);
  if (!device)
    return CX_REASON_DROP_OUTER_SOURCE;
  reason = cx_parse_fixed(ctx, link, packet);
  return reason ? reason : cx_deliver(ctx, link, 0, packet, device->binding, device->router, action);
}

CX_INLINE int cx_external(cx_context *ctx, const __u32 link) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);
  struct cx_packet packet;
  int action = CX_DROP;

  __u32 reason = cx_from_external(ctx, link, &packet, &action);
  return cx_finish(ctx, CX_HOOK_TUNNEL, reason, action, packets, bytes);
}

CX_INLINE int cx_device(cx_context *ctx, const __u32 link) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);
  struct cx_packet packet;
  int action = CX_DROP;

  __u32 reason = cx_from_device(ctx, link, &packet, &action);
  return cx_finish(ctx, CX_HOOK_TUNNEL, reason, action, packets, bytes);
}

SEC("tc")
int coax_tunnel(cx_context *ctx) { return cx_external(ctx, CX_LINK_HEADER); }

SEC("tc")
int coax_tunnel_l3(cx_context *ctx) { return cx_external(ctx, 0); }

SEC("tc")
int coax_device(cx_context *ctx) { return cx_device(ctx, CX_LINK_HEADER); }

SEC("tc")
int coax_device_l3(cx_context *ctx) { return cx_device(ctx, 0); }

SEC("tc")
int coax_device_xfrm(cx_context *ctx) {
  return cx_keeps_link_header(ctx) ? cx_device(ctx, CX_LINK_HEADER) : cx_device(ctx, 0);
}

/* Behind the stack there is no other way left. */
CX_INLINE __u32 cx_behind_stack(__u32 reason) {
  if (reason == CX_REASON_NO_BINDING)
    return CX_REASON_DROP_NO_BINDING;
  return reason == CX_REASON_BYPASS ? CX_REASON_DROP_BYPASS : reason;
}

/* May a packet in front of the home interface still have to be encrypted? Where the module esp6_offload is
 * loaded, the kernel leaves that, and the segmentation before it, to the transmission by any device. A packet
 * that a device of this machine has encrypted already looks the same. */
CX_INLINE int cx_may_lack_encryption(cx_context *ctx, const struct cx_packet *packet) {
  return packet->protocol == IPPROTO_ESP && (cx_segment_payload(ctx) || cx_has_inner_headers(ctx));
}

/* What the stack sent to the home interface: its own traffic and what it forwards; netfilter has run, the
 * mark is final. `transmitted`: by the home interface, this is its other end. */
CX_INLINE __u32 cx_from_stack(cx_context *ctx, const int transmitted, const struct cx_origin *origin,
                              struct cx_packet *packet, int *action) {
  struct cx_sending sending = {
      .hook = CX_HOOK_HOME, .link = CX_LINK_HEADER, .forwarding = CX_FORWARDED_BY_STACK, .action = CX_DROP};
  struct cx_choice choice = {};
  __u32 router;
  __u32 reason;

  if (!cx_is_ipv6(ctx))
    return CX_REASON_DROP_NOT_IPV6;
  reason = cx_parse_fixed(ctx, CX_LINK_HEADER, packet);
  if (reason)
    return reason;
  if (cx_has_link_scope(packet))
    return CX_REASON_DROP_LINK_SCOPE;
  if (cx_role == CX_ROLE_MOBILE_ROUTER) {
    router = cx_router_of(&cx_prefixes, &packet->source);
    if (!router)
      return cx_is_tunnel_end(&packet->source) ? CX_REASON_DROP_LOOP : CX_REASON_DROP_SOURCE;
  } else {
    router = cx_router_of(&cx_routes, &packet->destination);
    if (!router)
      return CX_REASON_DROP_NOT_FOR_HOME;
  }
  reason = cx_parse_rest(ctx, packet);
  if (reason)
    return reason;
  if (cx_role == CX_ROLE_HOME_AGENT && cx_is_own_tunnel(packet))
    return CX_REASON_DROP_LOOP;
  if (CX_ONLY_BEHIND_STACK && transmitted)
    return CX_REASON_DROP_ENCAP_FAILED;
  if (!CX_ONLY_BEHIND_STACK && !transmitted && cx_may_lack_encryption(ctx, packet))
    return CX_REASON_TO_BE_ENCRYPTED;
  reason = cx_classify(ctx, packet, router, origin, &choice);
  if (reason)
    return cx_behind_stack(reason);
  reason = cx_send(ctx, packet, &choice, &sending);
  *action = sending.action;
  return reason;
}

/* Lets nothing through but what must be segmented or encrypted first: the device does that, and what comes of
 * it is looked at once more at its other end. Whatever else has no path is a counted drop. */
SEC("tc")
int coax_home(cx_context *ctx) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);
  struct cx_packet packet;
  int action = CX_DROP;

  __u32 reason = cx_from_stack(ctx, 0, &CX_ORIGIN_STACK(ctx), &packet, &action);
  if (reason == CX_REASON_TO_BE_SEGMENTED || reason == CX_REASON_TO_BE_ENCRYPTED)
    cx_keep_ingress_ifindex(ctx);
  return cx_finish(ctx, CX_HOOK_HOME, reason, action, packets, bytes);
}

/* The other end of the home interface has nobody to talk to: what comes out is for the tunnels, or lost. */
SEC("tc")
int coax_peer(cx_context *ctx) {
  __u32 packets = cx_segments(ctx), bytes = cx_length(ctx);
  struct cx_packet packet;
  int action = CX_DROP;

  __u32 reason = cx_from_stack(ctx, 1, &CX_ORIGIN_SEGMENT(ctx), &packet, &action);
  if (reason == CX_REASON_TO_BE_SEGMENTED)
    reason = CX_REASON_DROP_ENCAP_FAILED;
  return cx_finish(ctx, CX_HOOK_HOME, reason, action, packets, bytes);
}

SEC("cgroup/sock_create")
int coax_socket(struct bpf_sock *socket) {
  cx_mark_socket(socket);
  return 1; /* all sockets may be made */
}
