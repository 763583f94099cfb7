/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The way into the stack for a packet that came in a tunnel. */
#ifndef COAX_STACK_H
#define COAX_STACK_H

#include "peers.h"

/* Removes `outer` bytes and lets the inner packet be received at the home interface, where conntrack,
 * forward rules, sockets and the routing table see it. */
CX_INLINE __u32 cx_to_stack(cx_context *ctx, __u32 link, __u32 outer, int *action) {
  __u32 ifindex = cx_setting(CX_SETTING_HOME_IFINDEX);

  if (!ifindex)
    return CX_REASON_DROP_BROKEN_STATE;
  if (outer && cx_pop(ctx, outer))
    return CX_REASON_DROP_DECAP_FAILED;
  if (cx_set_link(ctx, link, (const __u8 *)cx_home_mac, (const __u8 *)cx_home_mac))
    return CX_REASON_DROP_DECAP_FAILED;
  *action = cx_receive_at(ifindex);
  return CX_REASON_TO_STACK_DECAPSULATED;
}

#endif
