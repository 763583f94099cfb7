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

/* How a packet is to be sent, and what became of it. */
struct cx_sending {
  __u32 hook; /* enum cx_hook that it is sent from */
  __u32 link; /* bytes of the link header in front of it */
  enum cx_forwarding forwarding;
  enum cx_room room;
  __u32 prepared; /* all is done that does not depend on the binding */
  int action;     /* what the hook is told once it is sent */
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

/* The outer header, and of the inner one the part up to the hop limit, so that both are written at once. */
struct cx_tunnel_headers {
  struct cx_ipv6_header outer;
  __be32 version_class_label;
  __be16 payload_length;
  __u8 next_header;
  __u8 hop_limit;
};

/* Writes the outer header, and the hop limit of a packet that is forwarded here. Traffic class is copied,
 * both ECN bits with it (RFC 6040 section 4.1, normal mode). */
CX_INLINE int cx_write_outer(cx_context *ctx, const struct cx_packet *packet, const struct cx_binding *row,
                             const struct cx_sending *sending) {
  struct cx_tunnel_headers headers = {
      .outer =
          {
              .version_class_label =
                  bpf_htonl(6U << 28 | (__u32)packet->traffic_class << 20 | cx_flow_label(packet)),
              .payload_length = bpf_htons(packet->length),
              .next_header = IPPROTO_IPV6,
              .hop_limit = CX_OUTER_HOP_LIMIT,
              .source = row->outer_source,
              .destination = row->outer_destination,
          },
      .version_class_label = packet->version_class_label,
      .payload_length = packet->payload_length,
      .next_header = packet->next_header,
      .hop_limit = sending->forwarding == CX_FORWARDED_HERE ? cx_next_hop_limit(packet) : packet->hop_limit,
  };
  return cx_store(ctx, sending->link, &headers, sizeof(headers));
}

/* What must hold before a packet is touched: it fits the binding, and an outer header can say its length. */
CX_INLINE __u32 cx_check_size(const struct cx_packet *packet, const struct cx_binding *row) {
  if (packet->segment > row->mtu)
    return CX_REASON_PACKET_TOO_BIG;
  /* Only what is to be segmented can be that long. */
  return packet->length > CX_IPV6_MAX_PAYLOAD ? CX_REASON_TO_BE_SEGMENTED : CX_REASON_NONE;
}

/* Makes the packet one that a binding of this tunnel kind only has to write its headers on: room for the
 * outer one, or none and the hop limit of a forwarded packet. */
CX_INLINE __u32 cx_prepare(cx_context *ctx, const struct cx_packet *packet, __u32 kind,
                           struct cx_sending *sending) {
  if (sending->prepared)
    return CX_REASON_NONE;
  sending->prepared = 1;
  if (kind == CX_TUNNEL_BPF && sending->room == CX_ROOM_NONE) {
    if (cx_push(ctx, sending->link)) {
      if (CX_LEAVES_TO_TC)
        return CX_REASON_LEFT_TO_TC;
      return cx_segment_payload(ctx) ? CX_REASON_TO_BE_SEGMENTED : CX_REASON_DROP_ENCAP_FAILED;
    }
  }
  if (kind == CX_TUNNEL_BPF)
    return CX_REASON_NONE;
  if (sending->forwarding == CX_FORWARDED_HERE && cx_decrement_hop_limit(ctx, packet))
    return CX_REASON_DROP_TRUNCATED;
  if (sending->room == CX_ROOM_READY && cx_pop(ctx, sizeof(struct cx_ipv6_header)))
    return CX_REASON_DROP_DECAP_FAILED;
  return CX_REASON_NONE;
}

/* Writes the link header of a prepared packet. One that had none has it from now on; a device without link
 * headers takes it off again. */
CX_INLINE __u32 cx_address_link(cx_context *ctx, const __u8 *destination, const __u8 *source,
                                struct cx_sending *sending, __u32 reason) {
  if (cx_set_link(ctx, sending->link, destination, source))
    return CX_REASON_DROP_ENCAP_FAILED;
  sending->link = CX_LINK_HEADER;
  return reason;
}

/* Writes what a binding puts in front of a prepared packet: the outer header or its key, the link header.
 * Returns how it leaves, or why it cannot. */
CX_INLINE __u32 cx_address(cx_context *ctx, const struct cx_packet *packet, const struct cx_binding *row,
                           struct cx_sending *sending) {
  if (row->kind == CX_TUNNEL_HOME) {
    if (row->flags & CX_BINDING_NO_LINK_HEADER)
      return CX_REASON_TO_HOME_LINK;
    return cx_address_link(ctx, row->next_hop_mac, row->own_mac, sending,
                           row->flags & CX_BINDING_MAC_KNOWN ? CX_REASON_TO_HOME_LINK
                                                             : CX_REASON_NEXT_HOP_UNRESOLVED);
  }
  if (row->kind != CX_TUNNEL_BPF) {
    if (row->kind != CX_TUNNEL_DEVICE &&
        cx_set_tunnel(ctx, row, packet->traffic_class, cx_flow_label(packet)))
      return CX_REASON_DROP_TUNNEL_KEY;
    if (row->flags & CX_BINDING_NO_LINK_HEADER)
      return CX_REASON_TO_TUNNEL_DEVICE;
    return cx_address_link(ctx, (const __u8 *)cx_home_mac, cx_tunnel_source_mac, sending,
                           CX_REASON_TO_TUNNEL_DEVICE);
  }
  if (cx_write_outer(ctx, packet, row, sending))
    return CX_REASON_DROP_ENCAP_FAILED;
  if (row->flags & CX_BINDING_NO_LINK_HEADER)
    return CX_REASON_ENCAPSULATED;
  return cx_address_link(ctx, row->next_hop_mac, row->own_mac, sending,
                         row->flags & CX_BINDING_MAC_KNOWN ? CX_REASON_ENCAPSULATED
                                                           : CX_REASON_NEXT_HOP_UNRESOLVED);
}

/* Sends a packet by the chosen binding. What is larger than the binding and what must be segmented first is
 * left as it came. Returns the reason. */
CX_SHARED __u32 cx_encapsulate(cx_context *ctx, const struct cx_packet *packet,
                               const struct cx_choice *choice, struct cx_sending *sending) {
  if (!packet || !choice || !sending)
    return CX_REASON_DROP_BROKEN_STATE;
  const struct cx_binding *row = cx_binding_at(choice->row);
  __u32 segments = cx_segments(ctx);
  __u32 reason;

  if (!row)
    return CX_REASON_DROP_BROKEN_STATE;
  cx_explain(CX_EXPLAIN_CHOICE, choice->binding, choice->row, packet->segment);
  reason = cx_check_size(packet, row);
  if (reason)
    return reason;
  if (!cx_can_send(row))
    return CX_REASON_LEFT_TO_TC;
  reason = cx_prepare(ctx, packet, row->kind, sending);
  if (reason)
    return reason;
  reason = cx_address(ctx, packet, row, sending);
  if (reason >= CX_REASON_FIRST_DROP)
    return reason;
  sending->action = reason == CX_REASON_NEXT_HOP_UNRESOLVED ? cx_transmit_to(row->ifindex, &row->next_hop)
                                                            : cx_transmit(row->ifindex);
  if (sending->action == CX_DROP)
    return CX_REASON_DROP_BROKEN_STATE;
  if (choice->policy_id)
    cx_count_policy(choice->policy_id, segments, packet->length);
  cx_count_sent(choice->binding, segments, packet->length);
  return sending->room == CX_ROOM_READY && reason == CX_REASON_ENCAPSULATED ? CX_REASON_RELAYED : reason;
}

#endif
