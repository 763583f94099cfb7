/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Outer header on: the chosen binding's row becomes the outer header and the way out. */
#ifndef COAX_ENCAP_H
#define COAX_ENCAP_H

#include "classify.h"

#define CX_OUTER_HOP_LIMIT 64 /* RFC 2473 section 6.3: independent of the inner one */
#define CX_IPV6_MAX_PAYLOAD 65535

/* Destination of packets that enter the stack at the home interface, and of frames between two ends of
 * an external tunnel. The controller reads it here and gives it to both kinds of device. */
const volatile __u8 cx_home_mac[6] CX_TAG("mac") = {0x02, 0x63, 0x6f, 0x61, 0x78, 0x00};

/* Source of frames between two ends of an external tunnel: a vxlan device refuses its own address. */
static const __u8 cx_tunnel_source_mac[6] = {0x02, 0x63, 0x6f, 0x61, 0x78, 0x01};

/* What becomes of the hop limit of a packet that is sent. */
enum cx_forwarding {
  CX_FORWARDED_HERE = 0,     /* this program is the forwarding router */
  CX_FORWARDED_BY_STACK = 1, /* the stack was, or the packet was made here */
};

/* Where the outer header goes. */
enum cx_room {
  CX_ROOM_NONE = 0, /* to be made */
  CX_ROOM_READY = 1 /* over the outer header that the packet came with */
};

/* Outer flow label of a flow (RFC 6438): equal for all packets of it, never 0. All fragments of one
 * packet share a label, so what only the first one shows does not count: ports, and the protocol when
 * headers stand in front of it. */
CX_INLINE __u32 cx_flow_label(const struct cx_packet *packet) {
  __u32 hash = packet->flow_label << 8;

  if (!packet->fragmented)
    hash ^= packet->protocol ^ ((__u32)packet->source_port << 16 | packet->destination_port);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    hash = (hash ^ packet->source.s6_addr32[i]) * 0x9e3779b1;
    hash = (hash ^ hash >> 15 ^ packet->destination.s6_addr32[i]) * 0x85ebca77;
  }
  hash = (hash ^ hash >> 12) & 0xfffff;
  return hash ? hash : 1;
}

/* Traffic class is copied, both ECN bits with it (RFC 6040 section 4.1, normal mode). */
CX_INLINE int cx_write_outer(cx_context *ctx, __u32 link, const struct cx_packet *packet,
                             const struct cx_binding *row) {
  struct cx_ipv6_header outer = {
      .version_class_label = bpf_htonl(6U << 28 | (__u32)packet->traffic_class << 20 | cx_flow_label(packet)),
      .payload_length = bpf_htons(packet->length),
      .next_header = IPPROTO_IPV6,
      .hop_limit = CX_OUTER_HOP_LIMIT,
      .source = row->outer_source,
      .destination = row->outer_destination,
  };
  return cx_store(ctx, link, &outer, sizeof(outer));
}

/* Gives an encapsulated packet to the uplink of its binding. Returns the reason. */
CX_INLINE __u32 cx_leave(cx_context *ctx, __u32 link, const struct cx_binding *row, int *action) {
  if (row->flags & CX_BINDING_NO_LINK_HEADER) {
    *action = cx_transmit(row->ifindex);
    return CX_REASON_ENCAPSULATED;
  }
  if (cx_set_link(ctx, link, row->next_hop_mac, row->own_mac))
    return CX_REASON_DROP_ENCAP_FAILED;
  if (row->flags & CX_BINDING_MAC_KNOWN) {
    *action = cx_transmit(row->ifindex);
    return CX_REASON_ENCAPSULATED;
  }
  *action = cx_transmit_to(row->ifindex, &row->next_hop);
  return CX_REASON_NEXT_HOP_UNRESOLVED;
}

/* Sends a packet by the chosen binding. What is larger than the binding and what must be segmented first is
 * left as it came. Returns the reason. */
CX_INLINE __u32 cx_encapsulate(cx_context *ctx, __u32 link, const struct cx_packet *packet,
                               const struct cx_choice *choice, enum cx_forwarding forwarding,
                               enum cx_room room, int *action) {
  const struct cx_binding *row = bpf_map_lookup_elem(&cx_binding_rows, &choice->row);
  __u32 segments = cx_segments(ctx);
  __u32 pushed = 0;
  __u32 reason;

  if (!row)
    return CX_REASON_DROP_BROKEN_STATE;
  if (packet->segment > row->mtu)
    return CX_REASON_PACKET_TOO_BIG;
  /* Only what is to be segmented can be that long. */
  if (packet->length > CX_IPV6_MAX_PAYLOAD)
    return CX_REASON_TO_BE_SEGMENTED;
  if (row->kind != CX_TUNNEL_EXTERNAL && room == CX_ROOM_NONE) {
    if (cx_push(ctx, link))
      return cx_segment_payload(ctx) ? CX_REASON_TO_BE_SEGMENTED : CX_REASON_DROP_ENCAP_FAILED;
    pushed = sizeof(struct cx_ipv6_header);
  }
  if (forwarding == CX_FORWARDED_HERE && cx_decrement_hop_limit(ctx, packet, pushed))
    return CX_REASON_DROP_TRUNCATED;

  if (row->kind == CX_TUNNEL_EXTERNAL) {
    if (room == CX_ROOM_READY && cx_pop(ctx, sizeof(struct cx_ipv6_header)))
      return CX_REASON_DROP_DECAP_FAILED;
    if (cx_set_link(ctx, link, (const __u8 *)cx_home_mac, cx_tunnel_source_mac))
      return CX_REASON_DROP_ENCAP_FAILED;
    if (cx_set_tunnel(ctx, row))
      return CX_REASON_DROP_TUNNEL_KEY;
    *action = cx_transmit(row->ifindex);
    reason = CX_REASON_TO_TUNNEL_DEVICE;
  } else {
    if (cx_write_outer(ctx, link, packet, row))
      return CX_REASON_DROP_ENCAP_FAILED;
    reason = cx_leave(ctx, link, row, action);
    if (room == CX_ROOM_READY && reason == CX_REASON_ENCAPSULATED)
      reason = CX_REASON_RELAYED;
  }
  if (choice->by_policy)
    cx_count_policy(choice->policy_id, segments, packet->length);
  cx_count_sent(choice->binding, segments, packet->length);
  return reason;
}

#endif
