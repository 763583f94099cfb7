/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Who is who: owners of prefixes, ends of tunnels, neighbours. */
#ifndef COAX_PEERS_H
#define COAX_PEERS_H

#include "encap.h"

const volatile __u32 cx_role = CX_ROLE_MOBILE_ROUTER;

/* Router that a prefix map names for an address, 0 = none. */
CX_INLINE __u32 cx_router_of(void *prefixes, const struct in6_addr *address) {
  struct cx_prefix_key key = {.prefix_length = 128, .address = *address};
  __u32 *router = bpf_map_lookup_elem(prefixes, &key);
  return router ? *router : 0;
}

/* The accepted tunnel between two addresses, NULL if there is none. */
CX_INLINE const struct cx_tunnel_end *cx_find_tunnel(const struct cx_tunnel_end_key *ends) {
  __u32 *index = bpf_map_lookup_elem(&cx_tunnel_ends, ends);
  if (!index)
    return NULL;
  __u32 key = *(volatile __u32 *)index;
  const struct cx_tunnel_end *end = bpf_map_lookup_elem(&cx_tunnel_end_rows, &key);
  if (!end || !cx_same_address(&end->local, &ends->local) || !cx_same_address(&end->remote, &ends->remote))
    return NULL;
  return end;
}

/* The binding that a tunnel device is for, NULL if it is nobody's. */
CX_INLINE const struct cx_tunnel_device *cx_find_device(const struct cx_tunnel_device_key *by) {
  __u32 *index = bpf_map_lookup_elem(&cx_tunnel_devices, by);
  if (!index)
    return NULL;
  __u32 key = *(volatile __u32 *)index;
  const struct cx_tunnel_device *device = bpf_map_lookup_elem(&cx_tunnel_device_rows, &key);
  return device && device->key.ifindex == by->ifindex && device->key.interface_id == by->interface_id ? device
                                                                                                      : NULL;
}

/* Is the address one of our own tunnel ends? */
CX_INLINE int cx_is_tunnel_end(const struct in6_addr *address) {
  struct cx_tunnel_end_key ends = {.local = *address};
  return bpf_map_lookup_elem(&cx_tunnel_ends, &ends) != NULL;
}

/* Is a packet, parsed to its upper layer, ESP that protects one of our tunnels, from somebody that the tunnel
 * is not with? Verified on its own. */
CX_SHARED int cx_is_strange_esp(cx_context *ctx, const struct cx_packet *outer) {
  if (!outer || outer->protocol != IPPROTO_ESP || outer->later_fragment)
    return 0;
  struct cx_spi_key arrival = {.local = outer->destination};
  __be32 spi;

  if (cx_load(ctx, outer->upper, &spi, sizeof(spi)))
    return 0;
  arrival.spi = bpf_ntohl(spi);
  if (!bpf_map_lookup_elem(&cx_spis, &arrival))
    return 0;
  struct cx_tunnel_end_key ends = {.local = outer->destination, .remote = outer->source};
  return !cx_find_tunnel(&ends);
}

/* Is a packet, parsed to its end, one that we have encapsulated? Headers may stand before the tunnelled one.
 */
CX_INLINE int cx_is_own_tunnel(const struct cx_packet *packet) {
  return packet->protocol == IPPROTO_IPV6 && cx_is_tunnel_end(&packet->source);
}

CX_INLINE const struct cx_neighbour *cx_find_neighbour(const struct in6_addr *address) {
  struct in6_addr wanted = *address; /* on the stack, where 6.1 wants a key */
  __u32 *index = bpf_map_lookup_elem(&cx_neighbours, &wanted);
  if (!index)
    return NULL;
  __u32 key = *(volatile __u32 *)index;
  const struct cx_neighbour *neighbour = bpf_map_lookup_elem(&cx_neighbour_rows, &key);
  return neighbour && cx_same_address(&neighbour->address, address) ? neighbour : NULL;
}

#endif
