/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Every map beside one sentence: who writes it, who reads it, what a row means.
 *
 * Sizes are the defaults of a mobile router; the controller sets them from its config before load.
 * Rows that packets use are immutable: a free row is written, then one aligned u32 is switched.
 */
#ifndef COAX_MAPS_H
#define COAX_MAPS_H

#include "coax.h"
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Words that change while we run; written by the controller, read by every packet. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, CX_SETTINGS);
  __type(key, __u32);
  __type(value, __u32);
} cx_settings SEC(".maps");

/* binding index -> row of cx_binding_rows, 0 = not usable; written by the controller, THE switch of a
 * care-of address change. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u32);
} cx_binding_slot SEC(".maps");

/* The rows that cx_binding_slot points at, about three for each binding; row 0 is never used. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 256);
  __type(key, __u32);
  __type(value, struct cx_binding);
} cx_binding_rows SEC(".maps");

/* Who a binding index is; written by the controller, read by a restarted one. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, struct cx_binding_key);
} cx_binding_keys SEC(".maps");

/* Traffic by binding index; written by packets, read by people. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, struct cx_binding_stats);
} cx_binding_count SEC(".maps");

/* The decision trees of both generations, one slot after the other; written by the controller into the spare
 * slot only, read by packets: CX_BLOCK_NODES nodes a row. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 192);
  __type(key, __u32);
  __type(value, struct cx_block);
} cx_blocks SEC(".maps");

/* cgroups that policies name -> their numbers, and CX_CGROUP_BYPASSES, by generation; written by the
 * controller for the spare slot only, read by packets of local processes. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, struct cx_cgroup_key);
  __type(value, __u32);
} cx_cgroups SEC(".maps");

/* What first fragments showed, CX_FRAGMENT_ROWS rows for each slice; written and read by fragments where the
 * active policies ask for ports, SPIs or ICMPv6 types. Whatever it holds is bounded, and replaced by newer.
 */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, CX_FRAGMENT_SLICES *CX_FRAGMENT_ROWS);
  __type(key, __u32);
  __type(value, struct cx_fragment);
} cx_fragments SEC(".maps");

/* ingress interface -> its slice of cx_fragments, so that a flood at one costs the others nothing; written by
 * the controller. Those without an entry and what was made here share slice 0. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 256);
  __type(key, __u32);
  __type(value, __u32);
} cx_fragment_slices SEC(".maps");

/* The policies of both generations, one slot after the other; written by the controller into the spare
 * slot only. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2048);
  __type(key, __u32);
  __type(value, struct cx_policy);
} cx_policies SEC(".maps");

/* The sets of policies of both generations, one slot after the other; written by the controller into the
 * spare slot only. Row 0 of a slot is the empty one. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct cx_policy_set);
} cx_policy_sets SEC(".maps");

/* The routers of both generations, one slot after the other; written by the controller into the spare
 * slot only. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct cx_router);
} cx_routers SEC(".maps");

/* Who a policy id is; written by the controller, read by a restarted one. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct cx_policy_key);
} cx_policy_keys SEC(".maps");

/* Who a router id is; written by the controller, read by a restarted one, and by packets that a mobile
 * router answers: its home address is the source. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, struct cx_router_key);
} cx_router_keys SEC(".maps");

/* Hits by stable policy id; written by packets, read by people. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct cx_policy_stats);
} cx_policy_count SEC(".maps");

/* destination prefix -> router whose home route it is, 0 = leave it to the stack; derived by the
 * reconciler from the kernel's routes: what they send to the home interface. */
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 16384);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct cx_prefix_key);
  __type(value, __u32);
} cx_routes SEC(".maps");

/* mobile network prefix or home address -> router that owns it; written by the controller from config
 * and registrations, read by both ingress filters. */
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 1024);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct cx_prefix_key);
  __type(value, __u32);
} cx_prefixes SEC(".maps");

/* The accept set: outer addresses -> row of cx_tunnel_end_rows; written by the controller before a
 * care-of address is used and until some time after. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 256);
  __type(key, struct cx_tunnel_end_key);
  __type(value, __u32);
} cx_tunnel_ends SEC(".maps");

/* The rows that cx_tunnel_ends points at; row 0 is never used. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 512);
  __type(key, __u32);
  __type(value, struct cx_tunnel_end);
} cx_tunnel_end_rows SEC(".maps");

/* Tunnel device of one binding's own -> row of cx_tunnel_device_rows; written by the controller, which keeps
 * a device that a binding had before until packets under way have come by it. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 256);
  __type(key, struct cx_tunnel_device_key);
  __type(value, __u32);
} cx_tunnel_devices SEC(".maps");

/* The rows that cx_tunnel_devices points at; row 0 is never used. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 512);
  __type(key, __u32);
  __type(value, struct cx_tunnel_device);
} cx_tunnel_device_rows SEC(".maps");

/* Local address and SPI of ESP that protects a binding -> 1; written by the controller. ESP itself compares
 * no outer source, so that its sender could be anywhere. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct cx_spi_key);
  __type(value, __u32);
} cx_spis SEC(".maps");

/* on-link inner destination -> row of cx_neighbour_rows; the controller's copy of the kernel's
 * neighbour table on the ingress interfaces. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, struct in6_addr);
  __type(value, __u32);
} cx_neighbours SEC(".maps");

/* The rows that cx_neighbours points at; row 0 is never used. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8192);
  __type(key, __u32);
  __type(value, struct cx_neighbour);
} cx_neighbour_rows SEC(".maps");

/* ifindex % CX_PORT_ROWS -> MAC and flags of an interface; written by the controller, read by packets in XDP,
 * which leave to TC what comes from or goes to an interface without a row. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, CX_PORT_ROWS);
  __type(key, __u32);
  __type(value, struct cx_port);
} cx_ports SEC(".maps");

/* The device that XDP programs give packets to, in the row that it has in cx_ports; written by the controller
 * for interfaces of which that row says so. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, CX_PORT_ROWS);
  __type(key, __u32);
  __type(value, __u32);
} cx_devices SEC(".maps");

/* The budget of ICMPv6 errors, one row; written and read by packets that are answered with one. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cx_answer_budget);
} cx_answer_budgets SEC(".maps");

/* Mobility headers to addresses of ours, struct cx_signal each; written by packets, read by the daemon, once.
 */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, CX_SIGNAL_RING_BYTES);
} cx_signals SEC(".maps");

/* Mobility SPI of a key of ours -> how many mobility headers that name it have passed; rows are made by the
 * controller, written and read by these packets. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, struct cx_signal_budget);
} cx_signal_keys SEC(".maps");

/* Who has sent how many mobility headers: CX_SIGNAL_SENDERS rows for addresses that are accepted, then
 * CX_SIGNAL_STRANGERS for networks of all others; written and read by these packets. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, CX_SIGNAL_SENDERS + CX_SIGNAL_STRANGERS);
  __type(key, __u32);
  __type(value, struct cx_signal_budget);
} cx_signal_budgets SEC(".maps");

/* One row; written and read by the packet that is on the CPU. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cx_scratch);
} cx_scratch SEC(".maps");

/* Reasons: row hook * CX_REASON_ROWS + reason; written by every packet at its exit. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, CX_HOOKS *CX_REASON_ROWS);
  __type(key, __u32);
  __type(value, struct cx_reason_stats);
} cx_reasons SEC(".maps");

/* What packets of an explaining load met: row 0 is the head, steps stand behind it; written by its programs,
 * read by `coax explain`, which makes it larger. In the datapath it is this one row, which nothing uses. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cx_explained);
} cx_explained SEC(".maps");

#endif
