/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Bounds-checked parse of an IPv6 packet: fixed header, extension headers, fragments, ports, SPI, ICMPv6. */
#ifndef COAX_PACKET_H
#define COAX_PACKET_H

#include "verdict.h"

#define CX_IPPROTO_MOBILITY 135 /* RFC 6275 section 6.1 */
#define CX_HEADERS_MAX 8        /* extension headers in one packet */
#define CX_FRAGMENT_OFFSET 0xfff8
#define CX_FRAGMENT_MORE 1
#define CX_SEGMENTS_LEFT 0xff

/* ICMPv6 errors (RFC 4443 section 3), from the first to the last. */
#define CX_ICMP_UNREACHABLE 1
#define CX_ICMP_TOO_BIG 2
#define CX_ICMP_PARAMETER_PROBLEM 4

/* The fixed header as it stands in the packet (RFC 8200 section 3). */
struct cx_ipv6_header {
  __be32 version_class_label;
  __be16 payload_length;
  __u8 next_header;
  __u8 hop_limit;
  struct in6_addr source;
  struct in6_addr destination;
};

/* What is known of a packet; everything behind the fixed header in host order. */
struct cx_packet {
  __be32 version_class_label; /* as it stands in the packet, and so on to `destination` */
  __be16 payload_length;
  __u8 next_header;
  __u8 hop_limit;
  struct in6_addr source;
  struct in6_addr destination;
  __u32 start;   /* offset of the IPv6 header */
  __u32 upper;   /* offset of the upper-layer header */
  __u32 length;  /* bytes of the whole IPv6 packet */
  __u32 segment; /* bytes of its largest piece once segmented */
  __u32 flow_label;
  __u32 fragment;  /* identification of the packet that this is a piece of */
  __u32 spi;       /* of the first AH or ESP header, 0 = none */
  __u16 icmp_type; /* CX_ABSENT_ICMP = none */
  __u16 icmp_code; /* the same */
  __u16 source_port;
  __u16 destination_port;
  __u8 traffic_class;
  __u8 protocol;       /* upper layer, behind all extension headers */
  __u8 fragmented;     /* a piece of a packet; an atomic fragment (RFC 6946) is a whole one */
  __u8 later_fragment; /* not the first fragment: there is no upper-layer header here */
  __u8 has_ports;
  __u8 authenticated; /* there is an authentication header, which only the stack can verify */
  __u8 routed;        /* a routing header has segments left: the destination is not the last one */
};

_Static_assert(__builtin_offsetof(struct cx_packet, start) == sizeof(struct cx_ipv6_header),
               "the fixed header is read into the packet");

CX_INLINE int cx_same_address(const struct in6_addr *a, const struct in6_addr *b) {
  return a->s6_addr32[0] == b->s6_addr32[0] && a->s6_addr32[1] == b->s6_addr32[1] &&
         a->s6_addr32[2] == b->s6_addr32[2] && a->s6_addr32[3] == b->s6_addr32[3];
}

/* Link-local, multicast, unspecified and loopback addresses never enter or leave a tunnel. */
CX_INLINE int cx_is_link_scope(const struct in6_addr *address) {
  __u32 first = bpf_ntohl(address->s6_addr32[0]);
  if (first >> 24 == 0xff || first >> 22 == 0xfe80 >> 6)
    return 1;
  return !address->s6_addr32[0] && !address->s6_addr32[1] && !address->s6_addr32[2] &&
         bpf_ntohl(address->s6_addr32[3]) <= 1;
}

/* A source of that kind is as bad: no answer could come back. */
CX_INLINE int cx_has_link_scope(const struct cx_packet *packet) {
  return cx_is_link_scope(&packet->destination) || cx_is_link_scope(&packet->source);
}

/* Fixed header only. Returns CX_REASON_NONE or why the packet is not one. */
CX_INLINE __u32 cx_parse_fixed(cx_context *ctx, __u32 start, struct cx_packet *packet) {
  if (cx_load_near(ctx, start, packet, sizeof(struct cx_ipv6_header)))
    return CX_REASON_DROP_TRUNCATED;
  __u32 word = bpf_ntohl(packet->version_class_label);
  if (word >> 28 != 6)
    return CX_REASON_DROP_NOT_IPV6;
  packet->start = start;
  packet->upper = start + sizeof(struct cx_ipv6_header);
  packet->length = sizeof(struct cx_ipv6_header) + bpf_ntohs(packet->payload_length);
  packet->segment = packet->length;
  packet->flow_label = word & 0xfffff;
  packet->traffic_class = word >> 20;
  packet->protocol = packet->next_header;
  packet->fragment = 0;
  packet->spi = 0;
  packet->icmp_type = CX_ABSENT_ICMP;
  packet->icmp_code = CX_ABSENT_ICMP;
  packet->source_port = 0;
  packet->destination_port = 0;
  packet->fragmented = 0;
  packet->later_fragment = 0;
  packet->has_ports = 0;
  packet->authenticated = 0;
  packet->routed = 0;
  if (start + packet->length > cx_length(ctx))
    return CX_REASON_DROP_TRUNCATED;
  return CX_REASON_NONE;
}

/* Keeps the SPI at `at` if it is the first one. Zero is never on the wire (RFC 4302 section 2.4, RFC 4303
 * section 2.1). */
CX_INLINE __u32 cx_parse_spi(cx_context *ctx, __u32 at, struct cx_packet *packet) {
  __be32 spi;

  if (packet->spi)
    return CX_REASON_NONE;
  if (at + sizeof(spi) > packet->start + packet->length || cx_load(ctx, at, &spi, sizeof(spi)))
    return CX_REASON_DROP_TRUNCATED;
  packet->spi = bpf_ntohl(spi);
  return CX_REASON_NONE;
}

/* Headers that others may stand behind. */
CX_INLINE int cx_is_extension(__u8 protocol) {
  return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
         protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH;
}

/* The extension headers: moves `upper` and `protocol` behind them. Headers that may stand in front of a
 * tunnelled packet and those of a fragment are all followed; ESP and "no next header" end the chain. Verified
 * on its own; unrolled, because 6.1 refuses a loop whose end falls through into its beginning, as a compiler
 * may lay it out. */
__noinline __u32 cx_parse_chain(cx_context *ctx, struct cx_packet *packet) {
  if (!packet)
    return CX_REASON_DROP_BROKEN_STATE;
  __u32 end = packet->start + packet->length;

#pragma unroll
  for (int i = 0; i <= CX_HEADERS_MAX; i++) {
    struct {
      __u8 next;
      __u8 length;
      __be16 detail; /* fragment offset and flag, or type and segments left of a routing header */
    } header;
    __u32 size;

    if (!cx_is_extension(packet->protocol))
      return CX_REASON_NONE;
    if (i == CX_HEADERS_MAX)
      break;
    if (packet->upper + 8 > end || cx_load(ctx, packet->upper, &header, sizeof(header)))
      return CX_REASON_DROP_TRUNCATED;
    if (packet->protocol == IPPROTO_FRAGMENT) {
      size = 8;
      if (header.detail & bpf_htons(CX_FRAGMENT_OFFSET | CX_FRAGMENT_MORE)) {
        packet->fragmented = 1;
        if (cx_load(ctx, packet->upper + 4, &packet->fragment, sizeof(packet->fragment)))
          return CX_REASON_DROP_TRUNCATED;
      }
      if (header.detail & bpf_htons(CX_FRAGMENT_OFFSET)) {
        packet->later_fragment = 1;
        packet->protocol = header.next;
        packet->upper += size;
        return CX_REASON_NONE;
      }
    } else if (packet->protocol == IPPROTO_AH) {
      size = (header.length + 2) * 4;
      packet->authenticated = 1;
      if (cx_parse_spi(ctx, packet->upper + 4, packet))
        return CX_REASON_DROP_TRUNCATED;
    } else {
      size = (header.length + 1) * 8;
      if (packet->protocol == IPPROTO_ROUTING && header.detail & bpf_htons(CX_SEGMENTS_LEFT))
        packet->routed = 1;
    }
    packet->upper += size;
    if (packet->upper > end)
      return CX_REASON_DROP_TRUNCATED;
    packet->protocol = header.next;
  }
  return CX_REASON_DROP_HEADER_CHAIN;
}

/* An error that may be about a packet of a tunnel. */
CX_INLINE int cx_is_icmp_error(__u8 type) {
  return type >= CX_ICMP_UNREACHABLE && type <= CX_ICMP_PARAMETER_PROBLEM;
}

/* Type and code of an ICMPv6 message. */
CX_INLINE __u32 cx_parse_icmp(cx_context *ctx, struct cx_packet *packet) {
  __u8 start[2];

  if (packet->upper + sizeof(start) > packet->start + packet->length ||
      cx_load(ctx, packet->upper, start, sizeof(start)))
    return CX_REASON_DROP_TRUNCATED;
  packet->icmp_type = start[0];
  packet->icmp_code = start[1];
  return CX_REASON_NONE;
}

/* Ports, SPI, ICMPv6 type, and the size of the largest segment. A later fragment has none of them. */
CX_INLINE __u32 cx_parse_upper(cx_context *ctx, struct cx_packet *packet) {
  __u32 header_size = 8;
  __be16 ports[2];

  if (packet->later_fragment)
    return CX_REASON_NONE;
  switch (packet->protocol) {
  case IPPROTO_ESP:
    return cx_parse_spi(ctx, packet->upper, packet);
  case IPPROTO_ICMPV6:
    return cx_parse_icmp(ctx, packet);
  case IPPROTO_TCP:
  case IPPROTO_UDP:
  case IPPROTO_UDPLITE:
  case IPPROTO_DCCP:
  case IPPROTO_SCTP:
    break;
  default:
    return CX_REASON_NONE;
  }
  if (packet->upper + sizeof(ports) > packet->start + packet->length ||
      cx_load_near(ctx, packet->upper, ports, sizeof(ports)))
    return CX_REASON_DROP_TRUNCATED;
  packet->source_port = bpf_ntohs(ports[0]);
  packet->destination_port = bpf_ntohs(ports[1]);
  packet->has_ports = 1;

  __u32 payload = cx_segment_payload(ctx);
  if (payload) {
    if (packet->protocol == IPPROTO_TCP) {
      __u8 offset;
      if (cx_load(ctx, packet->upper + 12, &offset, sizeof(offset)))
        return CX_REASON_DROP_TRUNCATED;
      header_size = (offset >> 4) * 4;
    }
    packet->segment = packet->upper - packet->start + header_size + payload;
  }
  return CX_REASON_NONE;
}

/* Everything behind the fixed header. */
CX_SHARED __u32 cx_parse_rest(cx_context *ctx, struct cx_packet *packet) {
  if (!packet)
    return CX_REASON_DROP_BROKEN_STATE;
  __u32 reason = cx_is_extension(packet->protocol) ? cx_parse_chain(ctx, packet) : CX_REASON_NONE;
  return reason ? reason : cx_parse_upper(ctx, packet);
}

/* Hop limit of a packet that one more router has forwarded (RFC 8200 section 3). */
CX_INLINE __u8 cx_next_hop_limit(const struct cx_packet *packet) {
#ifdef CX_BREAK_HOPLIMIT
  return packet->hop_limit;
#endif
  return packet->hop_limit - 1;
}

/* Writes it into the packet. */
CX_INLINE int cx_decrement_hop_limit(cx_context *ctx, const struct cx_packet *packet) {
  __u8 hop_limit = cx_next_hop_limit(packet);
  return cx_store(ctx, packet->start + __builtin_offsetof(struct cx_ipv6_header, hop_limit), &hop_limit, 1);
}

#endif
