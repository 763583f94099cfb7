/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The packet context of the TC hooks behind the set of functions that the other headers use; a file
 * for another hook type defines the same set.
 *
 * `link` is the length of the link header in front of the IPv6 header: 14 or 0. It is a constant of
 * each program, so what it decides costs nothing.
 */
#ifndef COAX_CTX_SKB_H
#define COAX_CTX_SKB_H

#include "coax.h"
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef struct __sk_buff cx_context;

#ifdef CX_WITH_XFRM_INFO
#include "xfrm_info.h"
/* The interface needs to know the packet's route, which it has at the home interface only. */
#define CX_ONLY_BEHIND_STACK 1
#else
#define CX_ONLY_BEHIND_STACK 0
#endif

#define CX_LEAVES_TO_TC 0
/* Parts of every program, verified on their own: no program multiplies its ways with theirs, and each has its
 * own part of the 512 bytes of stack. */
#define CX_SHARED __noinline
#define CX_PASS TC_ACT_UNSPEC /* the next program of this hook decides, in the end the stack */
#define CX_DROP TC_ACT_SHOT

#include "direct.h"

#define CX_AF_INET6 10
#define CX_LINK_HEADER ETH_HLEN

/* A tagged packet passes here before its VLAN's own interface gets it, with the tag beside the packet: it is
 * that interface's, and what we sent of it would leave with the tag. */
static __always_inline int cx_is_ipv6(cx_context *ctx) {
  return ctx->protocol == bpf_htons(ETH_P_IPV6) && !ctx->vlan_present;
}

/* Was the frame sent to this machine? A router that forwards what it overhears doubles it. */
static __always_inline int cx_is_for_us(cx_context *ctx, __u32 link) {
  return !link || ctx->pkt_type == PACKET_HOST;
}

/* Does an Ethernet header stand in front of the network header, whatever the device says? What an xfrm
 * interface has decrypted keeps that of the link it came by (xfrm6_remove_tunnel_encap() in
 * net/xfrm/xfrm_input.c). */
static __always_inline int cx_keeps_link_header(cx_context *ctx) {
  __u64 network[5], behind[5];

  if (bpf_skb_load_bytes_relative(ctx, 0, network, sizeof(network), BPF_HDR_START_NET) ||
      bpf_skb_load_bytes(ctx, CX_LINK_HEADER, behind, sizeof(behind)))
    return 0;
  return network[0] == behind[0] && network[1] == behind[1] && network[2] == behind[2] &&
         network[3] == behind[3] && network[4] == behind[4];
}

/* Bytes from the start of the packet, link header included. */
static __always_inline __u32 cx_length(cx_context *ctx) { return ctx->len; }

static __always_inline __u32 cx_mark(cx_context *ctx) { return ctx->mark; }

/* The interface a packet arrived at, also behind it; 0 for what was made here. */
static __always_inline __u32 cx_ingress_ifindex(cx_context *ctx) { return ctx->ingress_ifindex; }

/* Beside the packet, where its segments keep it: behind the home interface they have arrived anew. */
#define CX_INGRESS_KEPT 0x636f6178

static __always_inline void cx_keep_ingress_ifindex(cx_context *ctx) {
  ctx->cb[0] = CX_INGRESS_KEPT;
  ctx->cb[1] = ctx->ingress_ifindex;
}

static __always_inline __u32 cx_kept_ingress_ifindex(cx_context *ctx) {
  return ctx->cb[0] == CX_INGRESS_KEPT ? ctx->cb[1] : 0;
}

/* The interface whose hook this is. */
static __always_inline __u32 cx_ifindex(cx_context *ctx) { return ctx->ifindex; }

/* The cgroup of the sending process at a level from the root, 0 = there is none so deep, or no process. */
static __always_inline __u64 cx_cgroup(cx_context *ctx, __u32 level) {
  return bpf_skb_ancestor_cgroup_id(ctx, level);
}

/* Packets on the wire that this context stands for. */
static __always_inline __u32 cx_segments(cx_context *ctx) { return ctx->gso_segs ? ctx->gso_segs : 1; }

/* Payload bytes of one segment, 0 when the packet is not to be segmented. */
static __always_inline __u32 cx_segment_payload(cx_context *ctx) { return ctx->gso_size; }

static __always_inline int cx_load(cx_context *ctx, __u32 offset, void *to, __u32 length) {
  return bpf_skb_load_bytes(ctx, offset, to, length);
}

/* The same where it is asked for once in each packet: mostly the headers are in its first piece, where the
 * helper is not needed. The other way is there as well, which the verifier must go too, so not everywhere. */
static __always_inline int cx_load_near(cx_context *ctx, __u32 offset, void *to, const __u32 length) {
  const void *from = cx_at(ctx, offset, length);
  if (!from)
    return cx_load(ctx, offset, to, length);
  cx_copy(to, from, length);
  return 0;
}

static __always_inline int cx_store(cx_context *ctx, __u32 offset, const void *from, __u32 length) {
  return bpf_skb_store_bytes(ctx, offset, from, length, BPF_F_RECOMPUTE_CSUM);
}

/* Room for an outer IPv6 header behind the link header. Returns 0 or a negative errno. */
static __always_inline int cx_push(cx_context *ctx, __u32 link) {
  int error = bpf_skb_adjust_room(ctx, sizeof(struct ipv6hdr), BPF_ADJ_ROOM_MAC,
                                  BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO);
  if (!error || ctx->gso_size)
    return error;

  /* The packet carries a tunnel, or what a device of this machine has encrypted (skb->encapsulation), and its
   * inner headers stay those of that.
   * Not bpf_skb_change_head: it leaves the network header at the inner packet, and a device without a link
   * header sends from there. */
  return bpf_skb_adjust_room(ctx, sizeof(struct ipv6hdr), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* Has the kernel noted inner headers of the packet (skb->encapsulation)? What is asked for cannot be had, an
 * inner link header in no room at all, so the packet stays as it is; but first the kernel says whether it has
 * headers noted already. */
static __always_inline int cx_has_inner_headers(cx_context *ctx) {
  return bpf_skb_adjust_room(ctx, 0, BPF_ADJ_ROOM_MAC,
                             BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) |
                                 BPF_F_ADJ_ROOM_FIXED_GSO) == -EALREADY;
}

/* Removes `length` bytes behind the link header. */
static __always_inline int cx_pop(cx_context *ctx, __u32 length) {
  return bpf_skb_adjust_room(ctx, -(__s32)length, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* Room of `length` bytes behind the link header, for a packet that is to be received, not tunnelled. */
static __always_inline int cx_open(cx_context *ctx, __u32 length) {
  return bpf_skb_adjust_room(ctx, length, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* Cuts the packet off at `length` bytes, link header included; what was to be segmented is one packet then.
 */
static __always_inline int cx_trim(cx_context *ctx, __u32 length) {
  return bpf_skb_change_tail(ctx, length, 0);
}

static __always_inline void cx_clear_mark(cx_context *ctx) { ctx->mark = 0; }

static __always_inline void cx_set_mark(cx_context *ctx, __u32 bits) { ctx->mark |= bits; }

/* Writes the link header, making room for it where the packet came without one. */
static __always_inline int cx_set_link(cx_context *ctx, __u32 link, const __u8 *destination,
                                       const __u8 *source) {
  if (!link && bpf_skb_change_head(ctx, ETH_HLEN, 0))
    return -1;
  /* No checksum covers it. */
  struct ethhdr *header = cx_at(ctx, 0, sizeof(*header));
  if (!header)
    return -1;
  cx_copy(header->h_dest, destination, ETH_ALEN);
  cx_copy(header->h_source, source, ETH_ALEN);
  header->h_proto = bpf_htons(ETH_P_IPV6);
  return 0;
}

/* May a binding be used from here, and may packets be given to an interface? */
static __always_inline int cx_can_send(const struct cx_binding *row) { return 1; }

static __always_inline int cx_may_transmit(__u32 ifindex) { return 1; }

static __always_inline int cx_transmit(__u32 ifindex) { return bpf_redirect(ifindex, 0); }

/* Transmits a copy at once; the packet stays. Returns 0 when the device took it. */
static __always_inline long cx_transmit_copy(cx_context *ctx, __u32 ifindex) {
  return bpf_clone_redirect(ctx, ifindex, 0);
}

/* Transmits through the kernel's neighbour table; room for a link header must be there. */
static __always_inline int cx_transmit_to(__u32 ifindex, const struct in6_addr *next_hop) {
  struct bpf_redir_neigh to = {.nh_family = CX_AF_INET6};
  __builtin_memcpy(to.ipv6_nh, next_hop, sizeof(to.ipv6_nh));
  return bpf_redirect_neigh(ifindex, &to, sizeof(to), 0);
}

/* The packet is received once more, as the given interface's own. */
static __always_inline int cx_receive_at(__u32 ifindex) { return bpf_redirect(ifindex, BPF_F_INGRESS); }

/* Outer addresses, id and what is copied from the packet, for the collect_md device that it is given to next.
 */
static __always_inline int cx_set_tunnel(cx_context *ctx, const struct cx_binding *row, __u32 traffic_class,
                                         __u32 flow_label) {
#ifdef CX_WITH_XFRM_INFO
  if (row->kind == CX_TUNNEL_EXTERNAL_XFRM)
    return cx_set_interface_id(ctx, row->tunnel_id);
#endif
  struct bpf_tunnel_key key = {
      .tunnel_id = row->tunnel_id, .tunnel_tos = traffic_class, .tunnel_ttl = 64, .tunnel_label = flow_label};
  __builtin_memcpy(key.remote_ipv6, &row->outer_destination, sizeof(key.remote_ipv6));
  __builtin_memcpy(key.local_ipv6, &row->outer_source, sizeof(key.local_ipv6));
  return bpf_skb_set_tunnel_key(ctx, &key, sizeof(key), BPF_F_TUNINFO_IPV6);
}

/* Outer addresses of a packet that a collect_md device has decapsulated. */
static __always_inline int cx_get_tunnel(cx_context *ctx, struct cx_tunnel_end_key *ends) {
  struct bpf_tunnel_key key = {};
  if (bpf_skb_get_tunnel_key(ctx, &key, sizeof(key), BPF_F_TUNINFO_IPV6))
    return -1;
  __builtin_memcpy(&ends->local, key.local_ipv6, sizeof(ends->local));
  __builtin_memcpy(&ends->remote, key.remote_ipv6, sizeof(ends->remote));
  return 0;
}

#endif
