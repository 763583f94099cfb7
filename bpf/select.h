/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Policy -> binding: what a matching policy does now, and the first usable binding of an ordered list. */
#ifndef COAX_SELECT_H
#define COAX_SELECT_H

#include "explain.h"

/* What classification and selection decided. A row number instead of a pointer: the slot is read once,
 * and whatever happens to it afterwards, this packet uses one row whole. */
struct cx_choice {
  __u32 binding;   /* binding index */
  __u32 row;       /* row of cx_binding_rows, 0 = none */
  __u32 policy_id; /* policy that decided, valid if by_policy */
  __u32 by_policy;
  __u32 action; /* enum cx_action; 0 = the router's bindings by BID-PRI */
  __u32 policy; /* row of cx_policies, valid if there are copies */
  __u32 copies; /* bit i: binding i of the policy carries a copy beside `binding` */
};

/* A row of cx_binding_rows. Takes its number and not a place, which would have to be on the stack for 6.1. */
CX_INLINE const struct cx_binding *cx_binding_at(__u32 row) {
  return bpf_map_lookup_elem(&cx_binding_rows, &row);
}

/* The row a binding uses now, 0 when it is not usable. */
CX_INLINE __u32 cx_binding_row(__u32 binding) {
  __u32 *slot = bpf_map_lookup_elem(&cx_binding_slot, &binding);
  return slot ? *(volatile __u32 *)slot : 0;
}

/* Writes down which bindings of a list are usable now; only while explaining. */
CX_INLINE void cx_note_bindings(const __u32 *bindings, __u32 count, const __u32 limit) {
  for (__u32 i = 0; i < limit; i++) {
    if (i >= count)
      break;
    struct cx_explained *step = cx_new_row(CX_EXPLAIN_BINDING);
    if (!step)
      break;
    step->values[0] = bindings[i];
    step->values[1] = cx_binding_row(bindings[i]);
  }
}

/* First usable binding of a list of at most `limit` entries; fills the choice and returns 1, or 0. */
CX_INLINE int cx_select(const __u32 *bindings, __u32 count, const __u32 limit, struct cx_choice *choice) {
  for (__u32 i = 0; i < limit; i++) {
    if (i >= count)
      break;
    __u32 row = cx_binding_row(bindings[i]);
    if (row) {
      choice->binding = bindings[i];
      choice->row = row;
      return 1;
    }
  }
  return 0;
}

/* What the policy at a position of cx_policies does with a packet now. Fills the choice and returns 1, or 0
 * when the policy is inactive. */
CX_INLINE int cx_select_policy(__u32 position, struct cx_choice *choice) {
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &position);
  __u32 action;

  if (!policy)
    return 0;
  action = policy->action;
  if (action != CX_ACTION_DROP && action != CX_ACTION_BYPASS &&
      !cx_select(policy->bindings, policy->binding_count, CX_POLICY_BINDINGS, choice)) {
    if (policy->otherwise == CX_OTHERWISE_NEXT)
      return 0;
    action = policy->otherwise == CX_OTHERWISE_DROP ? CX_ACTION_DROP : 0;
  }
  choice->action = action;
  choice->policy_id = policy->id;
  choice->by_policy = 1;
  return 1;
}

/* The bindings that carry copies for the policy at a position of cx_policies. The packet itself goes by the
 * one with the smallest MTU: what fits there fits all. The choice is left as it is when none is usable. */
__noinline int cx_choose_copies(__u32 position, struct cx_choice *choice) {
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &position);
  __u32 least = ~0U, own = 0, usable = 0;

  if (!policy || !choice)
    return 0;
  for (__u32 i = 0; i < CX_POLICY_BINDINGS; i++) {
    if (i >= policy->binding_count)
      break;
    __u32 row = cx_binding_row(policy->bindings[i]);
    const struct cx_binding *binding = cx_binding_at(row);
    if (!row || !binding)
      continue;
    usable |= 1U << i;
    if (binding->mtu < least) {
      least = binding->mtu;
      own = 1U << i;
      choice->binding = policy->bindings[i];
      choice->row = row;
    }
  }
  choice->policy = position;
  choice->copies = usable & ~own;
  return 0;
}

#endif
