/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Mobility headers to an address of ours -> the daemon, which registers bindings by them: a kernel without
 * support for Mobile IPv6 refuses them. */
#ifndef COAX_SIGNALLING_H
#define COAX_SIGNALLING_H

#include "fragment.h"
#include "peers.h"

/* A little more than a second. */
#define CX_SIGNAL_WINDOW_SHIFT 30

/* The option between a mobile node and its home agent that authenticates a message (RFC 4285 section 5). It
 * is the last one and starts at 4n + 1, and the header ends at 8n: nothing or four bytes of padding follow.
 */
#define CX_AUTHENTICATION 9
#define CX_AUTHENTICATION_MN_HA 1
#define CX_AUTHENTICATION_VALUE 12
#define CX_AUTHENTICATION_PADDING 4

/* Its head; the value follows. */
struct cx_authentication {
  __u8 type;
  __u8 length; /* of what is behind it */
  __u8 subtype;
  __be32 spi;
} __attribute__((packed));

/* May one more packet of this budget pass now? Who counts at the same time on another CPU may get one more.
 */
CX_INLINE int cx_spend(struct cx_signal_budget *budget) {
  __u32 window = bpf_ktime_get_ns() >> CX_SIGNAL_WINDOW_SHIFT;

  if (budget->window != window) {
    budget->window = window;
    budget->used = 0;
  }
  return budget->used++ < CX_SIGNALS_A_WINDOW;
}

/* The budget of the key that a message names; NULL: it names none of ours. Only who has seen messages of a
 * router knows its SPI, so a flood of anybody else's, from wherever, does not use it up. Whether the value is
 * right is the daemon's to say. */
CX_INLINE struct cx_signal_budget *cx_budget_of_key(cx_context *ctx, const struct cx_packet *packet) {
  const __u32 size = sizeof(struct cx_authentication) + CX_AUTHENTICATION_VALUE;
  __u32 end = packet->start + packet->length;

#pragma unroll
  for (__u32 padding = 0; padding <= CX_AUTHENTICATION_PADDING; padding += CX_AUTHENTICATION_PADDING) {
    struct cx_authentication option;

    if (packet->upper + size + padding > end || cx_load(ctx, end - size - padding, &option, sizeof(option)))
      return NULL;
    if (option.type != CX_AUTHENTICATION || option.subtype != CX_AUTHENTICATION_MN_HA ||
        option.length != size - 2)
      continue;
    __u32 spi = bpf_ntohl(option.spi);
    return bpf_map_lookup_elem(&cx_signal_keys, &spi);
  }
  return NULL;
}

/* The budget of where a packet comes from: an accepted address shares it with few others and with none that
 * merely makes up sources. Of all others the network counts, in which a stranger has as many addresses as he
 * likes. */
CX_INLINE struct cx_signal_budget *cx_budget_of_source(const struct cx_packet *packet, int accepted) {
  __u32 hash = cx_fragment_secret[0];

#pragma unroll
  for (int i = 0; i < 2; i++)
    hash = cx_mix(hash ^ packet->source.s6_addr32[i]);
  __u32 key = CX_SIGNAL_SENDERS + hash % CX_SIGNAL_STRANGERS;
  if (accepted) {
#pragma unroll
    for (int i = 2; i < 4; i++)
      hash = cx_mix(hash ^ packet->source.s6_addr32[i]);
    key = hash % CX_SIGNAL_SENDERS;
  }
  return bpf_map_lookup_elem(&cx_signal_budgets, &key);
}

/* Why a packet may not go to the daemon now, CX_REASON_NONE if it may. What is known passes by its key, and
 * when somebody else has used that up, by its address. */
CX_INLINE __u32 cx_refuse_signal(cx_context *ctx, const struct cx_packet *packet, int accepted) {
  struct cx_signal_budget *budget = cx_budget_of_key(ctx, packet);

  if (budget && cx_spend(budget))
    return CX_REASON_NONE;
  budget = cx_budget_of_source(packet, accepted);
  if (!budget || !cx_spend(budget))
    return CX_REASON_DROP_SIGNAL_LIMIT;
  if (!accepted && bpf_ringbuf_query(&cx_signals, BPF_RB_AVAIL_DATA) >= CX_SIGNAL_STRANGE_BYTES)
    return CX_REASON_DROP_SIGNALS_FULL;
  return CX_REASON_NONE;
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
  __u32 reason = cx_refuse_signal(ctx, packet, accepted);
  if (reason)
    return reason;
  return packet->length <= CX_SIGNAL_SHORT_BYTES ? cx_write_signal(ctx, packet, CX_SIGNAL_SHORT_BYTES)
                                                 : cx_write_signal(ctx, packet, CX_SIGNAL_BYTES);
}

#endif
