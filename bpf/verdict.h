/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Reasons and counters: what is counted when a packet leaves a program, a policy or a binding. */
#ifndef COAX_VERDICT_H
#define COAX_VERDICT_H

#include "maps.h"

#define CX_INLINE static __always_inline

/* Reasons below this one mean the packet was sent, see enum cx_reason. */
#define CX_REASON_FIRST_PASS 8
#define CX_REASON_FIRST_ANSWER 24
#define CX_REASON_FIRST_DROP 32
#define CX_REASON_FIRST_ALSO 56

/* A word of the settings, 0 when there is none. */
CX_INLINE __u32 cx_setting(__u32 setting) {
  __u32 *word = bpf_map_lookup_elem(&cx_settings, &setting);
  return word ? *(volatile __u32 *)word : 0;
}

/* Room to work in beside the stack. */
CX_INLINE struct cx_scratch *cx_work(void) {
  __u32 key = 0;
  return bpf_map_lookup_elem(&cx_scratch, &key);
}

CX_INLINE void cx_count_reason(__u32 hook, __u32 reason, __u32 packets, __u32 bytes) {
  __u32 key = hook * CX_REASON_ROWS + reason;
  struct cx_reason_stats *row = bpf_map_lookup_elem(&cx_reasons, &key);
  if (row) {
    row->packets += packets;
    row->bytes += bytes;
  }
}

CX_INLINE void cx_count_policy(__u32 id, __u32 packets, __u32 bytes) {
  struct cx_policy_stats *row = bpf_map_lookup_elem(&cx_policy_count, &id);
  if (row) {
    row->packets += packets;
    row->bytes += bytes;
  }
}

CX_INLINE void cx_count_sent(__u32 binding, __u32 packets, __u32 bytes) {
  struct cx_binding_stats *row = bpf_map_lookup_elem(&cx_binding_count, &binding);
  if (row) {
    row->sent_packets += packets;
    row->sent_bytes += bytes;
  }
}

CX_INLINE void cx_count_received(__u32 binding, __u32 packets, __u32 bytes) {
  struct cx_binding_stats *row = bpf_map_lookup_elem(&cx_binding_count, &binding);
  if (row) {
    row->received_packets += packets;
    row->received_bytes += bytes;
  }
}

#endif
