/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* ICMPv6 errors: Packet Too Big with the chosen binding's MTU, and errors from inside a tunnel that are
 * passed on to the sender of what the tunnel carried (RFC 2473 section 8).
 *
 * An error is built around the packet it is about: what is too long goes at the tail, the headers in front.
 */
#ifndef COAX_ICMP_H
#define COAX_ICMP_H

#include "stack.h"

#define CX_IPV6_MIN_MTU 1280
#define CX_ICMP_ADDRESS_UNREACHABLE 3 /* code */
#define CX_ICMP_FIRST_INFORMATION 128 /* types below are errors */
#define CX_ICMP_REDIRECT 137

/* Errors that one CPU sends: that many at once, and one more in each interval. */
#define CX_ANSWER_BURST 200
#define CX_ANSWER_INTERVAL_NS 1000000

/* Everything in front of the quoted packet. */
struct cx_icmp_error {
  struct cx_ipv6_header ip;
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be32 detail; /* MTU of a Packet Too Big */
};

/* RFC 4443 section 2.4 (c): as much of the packet as fits without the error exceeding the smallest MTU. */
#define CX_QUOTE_MAX (CX_IPV6_MIN_MTU - sizeof(struct cx_icmp_error))
#define CX_SUM_CHUNK (CX_SUM_WORDS * 4)

_Static_assert(sizeof(struct cx_icmp_error) == CX_ERROR_WORDS * sizeof(__be32), "it has its room");

/* Room for the headers of the error that is being made. */
CX_INLINE struct cx_icmp_error *cx_error(void) {
  struct cx_scratch *scratch = cx_work();
  return scratch ? (struct cx_icmp_error *)scratch->error : NULL;
}

CX_INLINE int cx_may_answer(void) {
  __u32 key = 0;
  struct cx_answer_budget *budget = bpf_map_lookup_elem(&cx_answer_budgets, &key);
  if (!budget)
    return 0;
  __u64 now = bpf_ktime_get_ns();
  __u64 gained = now > budget->refilled_at ? (now - budget->refilled_at) / CX_ANSWER_INTERVAL_NS : 0;
  if (gained) {
    gained += budget->left;
    budget->left = gained < CX_ANSWER_BURST ? gained : CX_ANSWER_BURST;
    budget->refilled_at = now;
  }
  if (!budget->left)
    return 0;
  budget->left--;
  return 1;
}

/* Sum for the Internet checksum (RFC 1071) of a part of the packet, at most CX_IPV6_MIN_MTU bytes that start
 * at an even offset of what is summed up. */
static __noinline __u32 cx_sum(cx_context *ctx, __u32 offset, __u32 length) {
  struct cx_scratch *scratch = cx_work();
  __u32 sum = 0;

  if (!scratch)
    return 0;
  for (int i = 0; i < CX_IPV6_MIN_MTU / CX_SUM_CHUNK && length >= CX_SUM_CHUNK; i++) {
    if (cx_load(ctx, offset, scratch->chunk, CX_SUM_CHUNK))
      return 0;
    sum = bpf_csum_diff(NULL, 0, scratch->chunk, CX_SUM_CHUNK, sum);
    offset += CX_SUM_CHUNK;
    length -= CX_SUM_CHUNK;
  }
  if (length) {
    /* 6.1 does not learn from the comparison that a length is not 0. */
    __u32 rest = (length - 1) & (CX_SUM_CHUNK - 1);
    barrier_var(rest);
    __builtin_memset(scratch->chunk, 0, CX_SUM_CHUNK);
    if (cx_load(ctx, offset, scratch->chunk, rest + 1))
      return 0;
    sum = bpf_csum_diff(NULL, 0, scratch->chunk, CX_SUM_CHUNK, sum);
  }
  return sum;
}

/* Adds the pseudo header (RFC 8200 section 8.1) to a sum. */
CX_INLINE __u32 cx_add_pseudo(const struct in6_addr *source, const struct in6_addr *destination, __u32 length,
                              __u8 protocol, __u32 sum) {
  sum = bpf_csum_diff(NULL, 0, (__be32 *)source, sizeof(*source), sum);
  sum = bpf_csum_diff(NULL, 0, (__be32 *)destination, sizeof(*destination), sum);
  __u64 total = (__u64)sum + bpf_htonl(length) + bpf_htonl(protocol);
  total = (__u32)total + (total >> 32);
  return (__u32)total + (__u32)(total >> 32);
}

CX_INLINE __u16 cx_fold(__u32 sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

/* A packet whose checksum is left to the device still has it left when it is quoted, and the device would
 * fill in the one of the quoted packet, behind the back of ours. What it would write is written now: the
 * value x in the field for which the device, summing up the quote with x in it, finds x. Nothing is lost, as
 * the checksum of a packet that was cut off cannot be verified. */
CX_INLINE int cx_settle_checksum(cx_context *ctx, const struct cx_packet *packet, __u32 end) {
  __u32 at = packet->upper;
  __u16 field;

  if (packet->fragmented)
    return 0;
  if (packet->protocol == IPPROTO_TCP)
    at += 16;
  else if (packet->protocol == IPPROTO_UDP)
    at += 6;
  else
    return 0;
  if (at + sizeof(field) > end || cx_load(ctx, at, &field, sizeof(field)))
    return 0;
  /* Left to the device: the field holds the sum of the pseudo header. */
  if (field != cx_fold(cx_add_pseudo(&packet->source, &packet->destination,
                                     packet->start + packet->length - packet->upper, packet->protocol, 0)))
    return 0;
  __u32 others = cx_fold(cx_sum(ctx, packet->upper, end - packet->upper)) + (__u16)~field;
  /* x = -(others + x), so x = -others / 2 in the numbers modulo 65535. */
  __u32 twice = (__u16)~cx_fold(others);
  field = (twice & 1 ? twice + 65535 : twice) / 2;
  return cx_store(ctx, at, &field, sizeof(field));
}

/* Writes the headers in front of `quote` bytes; the room is there. */
CX_INLINE int cx_write_error(cx_context *ctx, __u32 link, struct cx_icmp_error *error, __u32 quote) {
  __u32 length = sizeof(*error) - sizeof(error->ip) + quote;

  error->ip.version_class_label = bpf_htonl(6U << 28);
  error->ip.payload_length = bpf_htons(length);
  error->ip.next_header = IPPROTO_ICMPV6;
  error->ip.hop_limit = CX_OUTER_HOP_LIMIT;
  error->checksum = 0;
  __u32 sum = cx_sum(ctx, link + sizeof(*error), quote);
  sum = cx_add_pseudo(&error->ip.source, &error->ip.destination, length, IPPROTO_ICMPV6, sum);
  sum = bpf_csum_diff(NULL, 0, (__be32 *)&error->type, 8, sum);
  error->checksum = ~cx_fold(sum);
  return cx_store(ctx, link, error, sizeof(*error));
}

/* Gives an error to its addressee. Returns `reason` or why it could not. */
CX_INLINE __u32 cx_send_error(cx_context *ctx, __u32 link, const struct in6_addr *to, __u32 reason,
                              int *action) {
  const struct cx_neighbour *neighbour = cx_find_neighbour(to);

  cx_clear_mark(ctx);
  if (neighbour) {
    if (cx_set_link(ctx, link, neighbour->mac, neighbour->own_mac))
      return CX_REASON_DROP_DECAP_FAILED;
    *action = cx_transmit(neighbour->ifindex);
    return reason;
  }
  __u32 entered = cx_to_stack(ctx, link, 0, action);
  return entered == CX_REASON_TO_STACK_DECAPSULATED ? reason : entered;
}

/* RFC 4443 section 2.4 (e): no error about an error or a redirect. */
CX_INLINE int cx_is_error(cx_context *ctx, __u32 upper) {
  __u8 type;
  return cx_load(ctx, upper, &type, sizeof(type)) || type < CX_ICMP_FIRST_INFORMATION ||
         type == CX_ICMP_REDIRECT;
}

/* Our own address towards the inner world. */
CX_INLINE int cx_own_address(__u32 router, const struct in6_addr *outer, struct in6_addr *own) {
  if (cx_role == CX_ROLE_HOME_AGENT) {
    *own = *outer;
    return 0;
  }
  const struct cx_router_key *key = bpf_map_lookup_elem(&cx_router_keys, &router);
  if (!key)
    return -1;
  *own = key->home_address;
  return own->s6_addr32[0] ? 0 : -1;
}

/* Tells the sender of a packet that is larger than the chosen binding how large it may be; the packet starts
 * behind the link header. Returns the reason. Verified on its own. */
__noinline __u32 cx_answer_too_big(cx_context *ctx, const struct cx_packet *packet,
                                   const struct cx_choice *choice, struct cx_sending *sending) {
  if (!packet || !choice || !sending)
    return CX_REASON_DROP_BROKEN_STATE;
  __u32 link = sending->link;
  const struct cx_binding *row = cx_binding_at(choice->row);
  struct cx_icmp_error *error = cx_error();
  __u32 quote = packet->length < CX_QUOTE_MAX ? packet->length : CX_QUOTE_MAX;

  if (!row || !error || cx_own_address(row->router, &row->outer_source, &error->ip.source))
    return CX_REASON_DROP_BROKEN_STATE;
  if (packet->protocol == IPPROTO_ICMPV6 && !packet->later_fragment && cx_is_error(ctx, packet->upper))
    return CX_REASON_DROP_TOO_BIG;
  if (!cx_may_answer())
    return CX_REASON_DROP_ANSWER_LIMIT;
  error->ip.destination = packet->source;
  error->type = CX_ICMP_TOO_BIG;
  error->code = 0;
  error->detail = bpf_htonl(row->mtu);
  if (cx_trim(ctx, link + quote)) {
    /* It carries a tunnel already and cannot be cut. The stack takes what stands behind the promised length
     * for padding; a link would carry it. */
    if (cx_segment_payload(ctx))
      return CX_REASON_TO_BE_SEGMENTED;
    if (cx_find_neighbour(&packet->source))
      return CX_REASON_DROP_TOO_BIG;
  } else if (cx_settle_checksum(ctx, packet, link + quote)) {
    return CX_REASON_DROP_TOO_BIG;
  }
  if (packet->segment != packet->length) {
    /* The sender knows its segments, not what offload has made of them. */
    __be16 payload_length = bpf_htons(packet->segment - sizeof(struct cx_ipv6_header));
    if (cx_store(ctx, link + __builtin_offsetof(struct cx_ipv6_header, payload_length), &payload_length,
                 sizeof(payload_length)))
      return CX_REASON_DROP_TOO_BIG;
  }
  if (cx_open(ctx, sizeof(*error)) || cx_write_error(ctx, link, error, quote))
    return CX_REASON_DROP_TOO_BIG;
  return cx_send_error(ctx, link, &error->ip.destination, CX_REASON_PACKET_TOO_BIG, &sending->action);
}

/* RFC 2473 section 8.1 and 8.2: what an error from inside the tunnel means to the inner sender. */
CX_INLINE __u32 cx_translate_error(struct cx_icmp_error *error, __u32 inner_length) {
  if (error->type != CX_ICMP_TOO_BIG) {
    error->type = CX_ICMP_UNREACHABLE;
    error->code = CX_ICMP_ADDRESS_UNREACHABLE;
    error->detail = 0;
    return CX_REASON_NONE;
  }
  if (inner_length <= CX_IPV6_MIN_MTU)
    return CX_REASON_ERROR_KEPT;
  __u32 mtu = bpf_ntohl(error->detail);
  mtu = mtu > CX_IPV6_MIN_MTU + sizeof(struct cx_ipv6_header) ? mtu - sizeof(struct cx_ipv6_header)
                                                              : CX_IPV6_MIN_MTU;
  error->code = 0;
  error->detail = bpf_htonl(mtu);
  return CX_REASON_NONE;
}

/* An ICMPv6 message that is perhaps an error about a packet of our tunnels: goes on to the sender of the
 * packet inside. CX_REASON_NOT_OURS when it is about something else. */
static __noinline __u32 cx_relay_error(cx_context *ctx, __u32 link, const struct cx_packet *outer,
                                       int *action) {
  const __u32 headers = 2 * sizeof(struct cx_ipv6_header) + 8; /* in front of the inner packet */
  __u32 length = outer->length - sizeof(struct cx_ipv6_header);
  struct cx_tunnel_end_key ends;
  struct cx_ipv6_header quoted;
  struct cx_icmp_error *error = cx_error();
  __u32 reason;

  if (!error || cx_load(ctx, outer->upper, &error->type, 8))
    return CX_REASON_NOT_OURS;
  if (!cx_is_icmp_error(error->type))
    return CX_REASON_NOT_OURS;
  if (outer->length > CX_IPV6_MIN_MTU || outer->length < headers ||
      cx_load(ctx, outer->upper + 8, &quoted, sizeof(quoted)))
    return CX_REASON_NOT_OURS;
  if (quoted.next_header != IPPROTO_IPV6 || !cx_same_address(&quoted.source, &outer->destination))
    return CX_REASON_NOT_OURS;
  ends.local = quoted.source;
  ends.remote = quoted.destination;
  const struct cx_tunnel_end *end = cx_find_tunnel(&ends);
  if (!end || !end->router)
    return CX_REASON_NOT_OURS;

  if (outer->length < headers + sizeof(quoted))
    return CX_REASON_ERROR_KEPT;
  if (cx_fold(cx_add_pseudo(&outer->source, &outer->destination, length, IPPROTO_ICMPV6,
                            cx_sum(ctx, outer->upper, length))) != 0xffff)
    return CX_REASON_DROP_ERROR_INVALID;
  if (cx_load(ctx, link + headers, &quoted, sizeof(quoted)))
    return CX_REASON_DROP_ERROR_INVALID;
  const struct in6_addr *own = cx_role == CX_ROLE_MOBILE_ROUTER ? &quoted.source : &quoted.destination;
  if (cx_router_of(&cx_prefixes, own) != end->router || cx_is_link_scope(&quoted.source))
    return CX_REASON_DROP_ERROR_INVALID;
  if (quoted.next_header == IPPROTO_ICMPV6 && cx_is_error(ctx, link + headers + sizeof(quoted)))
    return CX_REASON_ERROR_KEPT;
  reason = cx_translate_error(error, sizeof(quoted) + bpf_ntohs(quoted.payload_length));
  if (reason)
    return reason;
  if (!cx_may_answer())
    return CX_REASON_DROP_ANSWER_LIMIT;

  if (cx_own_address(end->router, &ends.local, &error->ip.source))
    return CX_REASON_DROP_BROKEN_STATE;
  error->ip.destination = quoted.source;
  if (cx_trim(ctx, link + outer->length) || cx_pop(ctx, headers - sizeof(*error)) ||
      cx_write_error(ctx, link, error, outer->length - headers))
    return CX_REASON_DROP_DECAP_FAILED;
  return cx_send_error(ctx, link, &error->ip.destination, CX_REASON_ERROR_RELAYED, action);
}

#endif
