/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The packet context of the XDP hook behind the set of functions that the other headers use.
 *
 * An XDP program is in front of a TC program of the same interface: what it cannot decide, or cannot do, it
 * leaves to that one, as it came. So it has neither marks nor sockets, builds no ICMPv6 error, and a packet
 * whose headers are not in one piece is not its business. `link` is always CX_LINK_HEADER.
 */
#ifndef COAX_CTX_XDP_H
#define COAX_CTX_XDP_H

#include "maps.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef struct xdp_md cx_context;

#define CX_LEAVES_TO_TC 1
#define CX_ONLY_BEHIND_STACK 0
/* Parts of every program. Here they are few enough to be verified with all that leads to them, and a call
 * with what it hands over in memory costs more than some of them. */
#define CX_SHARED static __always_inline
#define CX_PASS XDP_PASS
#define CX_DROP XDP_DROP

#define CX_LINK_HEADER ETH_HLEN

#include "direct.h"

/* Bytes from the start of the packet, link header included; of a packet in several pieces those of the first
 * one, so that it counts as truncated, which is left to TC. */
static __always_inline __u32 cx_length(cx_context *ctx) {
  return CX_POINTER(ctx, data_end) - CX_POINTER(ctx, data);
}

static __always_inline int cx_load(cx_context *ctx, __u32 offset, void *to, const __u32 length) {
  const void *from = cx_at(ctx, offset, length);
  if (!from)
    return -1;
  cx_copy(to, from, length);
  return 0;
}

/* The same where it is asked for once in each packet. */
#define cx_load_near cx_load

static __always_inline int cx_store(cx_context *ctx, __u32 offset, const void *from, const __u32 length) {
  void *to = cx_at(ctx, offset, length);
  if (!to)
    return -1;
  cx_copy(to, from, length);
  return 0;
}

/* A VLAN's packet has its tag in front of the type, unless the card has taken it off: on an interface with
 * VLANs there is no XDP program of ours. */
static __always_inline int cx_is_ipv6(cx_context *ctx) {
  const struct ethhdr *header = cx_at(ctx, 0, sizeof(*header));
  return header && header->h_proto == bpf_htons(ETH_P_IPV6);
}

/* A row of cx_ports in one piece. */
union cx_port_word {
  struct cx_port port;
  __u64 word;
};

/* What is known of an interface: a tag of 0 = nothing. */
static __always_inline union cx_port_word cx_port_of(__u32 ifindex) {
  union cx_port_word found = {};
  __u32 key = ifindex % CX_PORT_ROWS;
  const struct cx_port *row = bpf_map_lookup_elem(&cx_ports, &key);
  if (row)
    found.word = *(const volatile __u64 *)row;
  if (found.port.tag != ifindex / CX_PORT_ROWS + 1)
    found.word = 0;
  return found;
}

/* Was the frame sent to this machine? */
static __always_inline int cx_is_for_us(cx_context *ctx, __u32 link) {
  const union cx_port_word address = {.port.mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  union cx_port_word own = cx_port_of(ctx->ingress_ifindex);
  __u64 start;
  return own.word && !cx_load(ctx, 0, &start, sizeof(start)) && !((start ^ own.word) & address.word);
}

/* May frames be given to an interface beside its queue? */
static __always_inline int cx_may_transmit(__u32 ifindex) {
  return cx_port_of(ifindex).port.flags & CX_PORT_FLAG_TRANSMITS;
}

/* Netfilter has not seen the packet; what a policy would mark is left to TC. */
static __always_inline __u32 cx_mark(cx_context *ctx) { return 0; }

static __always_inline void cx_set_mark(cx_context *ctx, __u32 bits) {}

static __always_inline __u32 cx_ifindex(cx_context *ctx) { return ctx->ingress_ifindex; }

/* No process of this machine has sent it. */
static __always_inline __u64 cx_cgroup(cx_context *ctx, __u32 level) { return 0; }

/* The barrier keeps the compiler from taking `ctx` out of functions that need it for nothing else, which the
 * verifier wants there. */
static __always_inline __u32 cx_segments(cx_context *ctx) {
  barrier_var(ctx);
  return 1;
}

static __always_inline __u32 cx_segment_payload(cx_context *ctx) { return 0; }

/* Room for an outer IPv6 header in front of the packet: the link header has to be written anew. */
static __always_inline int cx_push(cx_context *ctx, __u32 link) {
  return bpf_xdp_adjust_head(ctx, -(int)sizeof(struct ipv6hdr));
}

/* Removes `length` bytes behind the link header, which has to be written anew. */
static __always_inline int cx_pop(cx_context *ctx, __u32 length) { return bpf_xdp_adjust_head(ctx, length); }

static __always_inline int cx_set_link(cx_context *ctx, __u32 link, const __u8 *destination,
                                       const __u8 *source) {
  struct ethhdr *header = cx_at(ctx, 0, sizeof(*header));
  if (!header)
    return -1;
  cx_copy(header->h_dest, destination, ETH_ALEN);
  cx_copy(header->h_source, source, ETH_ALEN);
  header->h_proto = bpf_htons(ETH_P_IPV6);
  return 0;
}

/* May a binding be used from here? An unknown next hop is found by the kernel, a tunnel device has no XDP. */
static __always_inline int cx_can_send(const struct cx_binding *row) {
  return (row->kind == CX_TUNNEL_BPF || row->kind == CX_TUNNEL_HOME) &&
         (row->flags & (CX_BINDING_MAC_KNOWN | CX_BINDING_NO_LINK_HEADER)) == CX_BINDING_MAC_KNOWN &&
         cx_may_transmit(row->ifindex);
}

static __always_inline int cx_set_tunnel(cx_context *ctx, const struct cx_binding *row, __u32 traffic_class,
                                         __u32 flow_label) {
  return -1;
}

static __always_inline int cx_transmit_to(__u32 ifindex, const struct in6_addr *next_hop) { return CX_DROP; }

/* Answers CX_DROP when the interface went in this moment. */
static __always_inline int cx_transmit(__u32 ifindex) {
  return bpf_redirect_map(&cx_devices, ifindex % CX_PORT_ROWS, CX_DROP);
}

#endif
