/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Mobility headers to an address of ours -> the daemon, which registers bindings by them: a kernel without
 * support for Mobile IPv6 refuses them. */
#ifndef COAX_SIGNALLING_H
#define COAX_SIGNALLING_H

#include "fragment.h"
#include "peers.h"

/* A little more than a second. */
#define CX_SIGNAL_WINDOW_SHIFT 30

/* May one more packet from this source pass now? A sender shares its budget with few others, and one whose
 * addresses are accepted with none that merely makes up sources. Who counts at the same time on another CPU
 * may get one more. */
CX_INLINE int cx_within_signal_budget(const struct cx_packet *packet, int accepted) {
  __u32 hash = cx_fragment_secret[0];

#pragma unroll
  for (int i = 0; i < 4; i++)
    hash = cx_mix(hash ^ packet->source.s6_addr32[i]);
  __u32 key = hash % CX_SIGNAL_SENDERS + (accepted ? CX_SIGNAL_SENDERS : 0);
  struct cx_signal_budget *budget = bpf_map_lookup_elem(&cx_signal_budgets, &key);
  if (!budget)
    return 0;
  __u32 window = bpf_ktime_get_ns() >> CX_SIGNAL_WINDOW_SHIFT;
  if (budget->window != window) {
    budget->window = window;
    budget->used = 0;
  }
  return budget->used++ < CX_SIGNALS_A_WINDOW;
}

CX_INLINE __u32 cx_write_signal(cx_context *ctx, const struct cx_packet *packet, const __u32 room) {
  __u32 start = packet->start, length = packet->length;

  if (length < sizeof(struct cx_ipv6_header) || length > room)
    return CX_REASON_DROP_TRUNCATED;
  struct cx_signal *signal = bpf_ringbuf_reserve(&cx_signals, sizeof(*signal) + room, 0);
  if (!signal)
    return CX_REASON_DROP_SIGNALS_FULL;
  signal->ifindex = cx_ifindex(ctx);
  signal->length = length;
  if (cx_load(ctx, start, signal + 1, length)) {
    bpf_ringbuf_discard(signal, 0);
    return CX_REASON_DROP_TRUNCATED;
  }
  bpf_ringbuf_submit(signal, 0);
  return CX_REASON_TO_DAEMON;
}

/* What becomes of a packet whose upper layer is a mobility header. */
CX_SHARED __u32 cx_take_signal(cx_context *ctx, const struct cx_packet *packet) {
  if (!packet)
    return CX_REASON_DROP_BROKEN_STATE;
  if (!cx_setting(CX_SETTING_SIGNALLING) || packet->fragmented || packet->length > CX_SIGNAL_BYTES)
    return CX_REASON_NOT_OURS;
  struct cx_tunnel_end_key ends = {.local = packet->destination, .remote = packet->source};
  const struct cx_tunnel_end *end = cx_find_tunnel(&ends);
  int accepted = end && end->router;
  int to_tunnel_end = cx_is_tunnel_end(&packet->destination);
  /* A home agent is there for addresses that it does not know yet. A mobile router hears its own one: at a
   * care-of address, and at the home address, which is an end of no tunnel. */
  if (cx_role == CX_ROLE_MOBILE_ROUTER ? !accepted && (!end || to_tunnel_end) : !to_tunnel_end)
    return CX_REASON_NOT_OURS;
  if (cx_explaining)
    return CX_REASON_TO_DAEMON;
  if (!cx_within_signal_budget(packet, accepted))
    return CX_REASON_DROP_SIGNAL_LIMIT;
  return packet->length <= CX_SIGNAL_SHORT_BYTES ? cx_write_signal(ctx, packet, CX_SIGNAL_SHORT_BYTES)
                                                 : cx_write_signal(ctx, packet, CX_SIGNAL_BYTES);
}

#endif
