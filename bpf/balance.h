/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Flow -> one of several bindings, in proportion to their weights: weighted rendezvous hashing.
 *
 * Each binding draws a number from the flow and its own index, stretched by its weight; the best draw carries
 * the flow. No table is kept: when a binding goes only its own flows move, and when it comes back they return
 * (Thaler and Ravishankar, IEEE/ACM ToN 6(1), 1998; with weights: -ln(u) / w is an exponential of rate w, and
 * the least of several falls on each in proportion to its rate). */
#ifndef COAX_BALANCE_H
#define COAX_BALANCE_H

#include "fragment.h"
#include "select.h"

#define CX_LOG_STEPS 64 /* pieces of the curve between two powers of two */

/* log2(1 + i / CX_LOG_STEPS) in 1/65536; between two entries the curve is taken for straight, which is wrong
 * by less than 1/20000. */
static const __u32 cx_log2_table[CX_LOG_STEPS + 1] = {
    0,     1466,  2909,  4331,  5732,  7112,  8473,  9814,  11136, 12440, 13727, 14996, 16248,
    17484, 18704, 19909, 21098, 22272, 23433, 24579, 25711, 26830, 27936, 29029, 30109, 31178,
    32234, 33279, 34312, 35334, 36346, 37346, 38336, 39316, 40286, 41246, 42196, 43137, 44068,
    44990, 45904, 46809, 47705, 48593, 49472, 50344, 51207, 52063, 52911, 53751, 54584, 55410,
    56229, 57040, 57845, 58643, 59434, 60219, 60997, 61769, 62534, 63294, 64047, 64794, 65536,
};

/* The same number for all packets of a flow. All fragments of one packet share it, so what only the first one
 * shows does not count: ports, and the protocol when headers stand in front of it. The flow label does not
 * count either: a host may change it when a path looks bad. */
CX_INLINE __u32 cx_flow_hash(const struct cx_packet *packet) {
  __u32 hash = 0;

#pragma unroll
  for (int i = 0; i < 4; i++) {
    hash = cx_mix(hash ^ packet->source.s6_addr32[i]);
    hash = cx_mix(hash + packet->destination.s6_addr32[i]);
  }
  if (!packet->fragmented) {
    hash = cx_mix(hash ^ ((__u32)packet->source_port << 16 | packet->destination_port));
    hash = cx_mix(hash + packet->protocol + packet->spi);
  }
  return hash;
}

/* -log2(draw / 2^32) in 1/65536: from 0 for the greatest draw to 32 for the smallest. */
CX_INLINE __u32 cx_distance(__u32 draw) {
  __u32 power = 31;

  if (!draw)
    draw = 1;
#pragma unroll
  for (int width = 16; width; width >>= 1) {
    if (!(draw >> (32 - width))) {
      draw <<= width;
      power -= width;
    }
  }
  /* 31 bits behind the leading one: 6 choose the piece, 25 the place in it. */
  __u32 piece = draw << 1 >> 26;
  __u32 rest = draw & 0x1ffffff;
  if (piece >= CX_LOG_STEPS)
    return 0;
  __u32 low = cx_log2_table[piece], high = cx_log2_table[piece + 1];
  __u32 fraction = low + (__u32)((__u64)(high - low) * rest >> 25);
  return (32U << 16) - (power << 16) - fraction;
}

/* The draw of a binding for a flow: the least of all carries it. */
CX_INLINE __u64 cx_draw(__u32 flow, __u32 binding, __u32 weight) {
  return ((__u64)cx_distance(cx_mix(flow ^ binding * 0x9e3779b1)) << 16) / weight;
}

/* Of the usable bindings of the policy at a position of cx_policies the one that carries a flow; the choice
 * is left as it is when there is none. Verified on its own, like the walk. */
__noinline int cx_balance(__u32 position, __u32 flow, struct cx_choice *choice) {
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &position);
  __u64 best = ~0ULL;

  if (!policy || !choice)
    return 0;
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);
  if (!set)
    return 0;
  for (__u32 i = 0; i < CX_POLICY_BINDINGS; i++) {
    if (i >= policy->binding_count)
      break;
    __u32 binding = cx_binding_of(set, policy->bindings[i], choice);
    __u32 row = cx_binding_row(binding);
    __u32 weight = policy->weights[i];
    if (!row || !weight)
      continue;
    __u64 draw = cx_draw(flow, binding, weight);
    if (draw < best) {
      best = draw;
      choice->binding = binding;
      choice->row = row;
    }
  }
  return 0;
}

/* Writes down the draws among which cx_balance chooses; only while explaining. */
__noinline int cx_note_shares(__u32 position, __u32 flow, const struct cx_choice *choice) {
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &position);

  if (!policy || !choice)
    return 0;
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);
  for (__u32 i = 0; set && i < CX_POLICY_BINDINGS; i++) {
    if (i >= policy->binding_count)
      break;
    __u32 binding = cx_binding_of(set, policy->bindings[i], choice);
    struct cx_explained *step = cx_new_row(CX_EXPLAIN_SHARE);
    if (!step || !policy->weights[i])
      continue;
    step->values[0] = binding;
    step->values[1] = policy->weights[i];
    step->values[2] = cx_draw(flow, binding, policy->weights[i]) >> 16;
  }
  return 0;
}

#endif
