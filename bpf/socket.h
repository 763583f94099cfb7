/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Socket -> mark: sockets that are made in a cgroup which bypasses us get the bit of the mark for it, before
 * anything is routed. A route is looked up before a packet is there, so that no later hook could. */
#ifndef COAX_SOCKET_H
#define COAX_SOCKET_H

#include "classify.h"

/* Cookie of our network namespace; a program at a cgroup sees the sockets of all of them. Set before load. */
const volatile __u64 cx_network_namespace;

/* Router whose policies are asked: the mobile router itself. */
#define CX_OWN_ROUTER 1

/* The value that the active generation has for the deepest cgroup of this process with a name, 0 = for none.
 */
CX_INLINE __u32 cx_current_cgroup(void) {
  __u32 slot = cx_setting(CX_SETTING_GENERATION);
  __u32 position = slot * cx_routers_per_generation + CX_OWN_ROUTER;
  const struct cx_router *router = bpf_map_lookup_elem(&cx_routers, &position);
  struct cx_cgroup_key key;
  __u32 value = 0;

  if (!router)
    return 0;
  const struct cx_policy_set *set =
      cx_policy_set_at(slot * cx_policy_sets_per_generation + router->policy_set);
  if (!set)
    return 0;
  __builtin_memset(&key, 0, sizeof(key));
  key.slot = slot;
  for (__u32 level = 0; level <= CX_CGROUP_LEVELS; level++) {
    if (level > set->cgroup_depth)
      break;
    key.id = bpf_get_current_ancestor_cgroup_id(level);
    if (!key.id)
      break;
    const __u32 *found = bpf_map_lookup_elem(&cx_cgroups, &key);
    if (found)
      value = *found;
  }
  return value;
}

CX_INLINE void cx_mark_socket(struct bpf_sock *socket) {
  if (socket->family != CX_AF_INET6 || bpf_get_netns_cookie(socket) != cx_network_namespace)
    return;
  if (cx_current_cgroup() & CX_CGROUP_BYPASSES)
    socket->mark |= cx_setting(CX_SETTING_BYPASS_MARK);
}

#endif
