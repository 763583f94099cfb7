/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The interface id of IPsec beside a packet, by which one xfrm interface serves several tunnels.
 *
 * It takes functions of the kernel's module xfrm_interface, from 6.2 on, and who loads programs that call
 * them must have CAP_SYS_ADMIN, as the module's types are found by number. So tc.bpf.c is compiled a second
 * time for it, and the other object asks for neither. */
#ifndef COAX_XFRM_INFO_H
#define COAX_XFRM_INFO_H

#include <bpf/bpf_helpers.h>

/* What goes beside a packet (net/xfrm/xfrm_interface_bpf.c of the kernel). */
struct bpf_xfrm_info {
  __u32 if_id;
  int link; /* 0 leaves the way of the outer packet to the routes */
};

extern int bpf_skb_set_xfrm_info(struct __sk_buff *ctx, const struct bpf_xfrm_info *from) __ksym;
extern int bpf_skb_get_xfrm_info(struct __sk_buff *ctx, struct bpf_xfrm_info *to) __ksym;

/* For a packet that has a route: it is put aside for the policies, which the interface looks at. */
static __always_inline int cx_set_interface_id(struct __sk_buff *ctx, __u32 interface_id) {
  struct bpf_xfrm_info info = {.if_id = interface_id};
  return bpf_skb_set_xfrm_info(ctx, &info);
}

/* By which id a packet was decrypted, 0 = by none. */
static __always_inline __u32 cx_interface_id(struct __sk_buff *ctx) {
  struct bpf_xfrm_info info = {};
  return bpf_skb_get_xfrm_info(ctx, &info) ? 0 : info.if_id;
}

#endif
