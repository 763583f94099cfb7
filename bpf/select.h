/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Policy -> binding: what a matching policy does now, and the first usable binding of an ordered list. */
#ifndef COAX_SELECT_H
#define COAX_SELECT_H

#include "explain.h"

/* What classification and selection decided. A row number instead of a pointer: the slot is read once,
 * and whatever happens to it afterwards, this packet uses one row whole. */
struct cx_choice {
  __u32 binding;       /* binding index */
  __u32 row;           /* row of cx_binding_rows, 0 = none */
  __u32 policy_id;     /* policy that decided, 0 = none */
  __u32 action;        /* enum cx_action; 0 = the router's bindings by BID-PRI */
  __u32 policy_set;    /* row of cx_policy_sets that the router has */
  __u32 first_binding; /* what it counts its bindings from */
  __u32 copies;        /* bit i: binding i of the set carries a copy beside `binding` */
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

/* A set of policies. Takes its number, as cx_binding_at does. */
CX_INLINE const struct cx_policy_set *cx_policy_set_at(__u32 row) {
  return bpf_map_lookup_elem(&cx_policy_sets, &row);
}

/* Index of the binding at a position of the set. */
CX_INLINE __u32 cx_binding_of(const struct cx_policy_set *set, __u32 position,
                              const struct cx_choice *choice) {
  return choice->first_binding + set->bindings[position & (CX_DEFAULT_BINDINGS - 1)];
}

/* Writes down whether a binding is usable now; only while explaining. Returns 0 when there is no room. */
CX_INLINE int cx_note_binding(__u32 binding) {
  struct cx_explained *step = cx_new_row(CX_EXPLAIN_BINDING);
  if (!step)
    return 0;
  step->values[0] = binding;
  /* The key is read where it stands, which spares the stack. */
  const __u32 *slot = bpf_map_lookup_elem(&cx_binding_slot, &step->values[0]);
  step->values[1] = slot ? *(const volatile __u32 *)slot : 0;
  return 1;
}

/* Chooses a binding if it is usable, and returns whether it is. */
CX_INLINE int cx_select_binding(__u32 binding, struct cx_choice *choice) {
  __u32 row = cx_binding_row(binding);
  if (!row)
    return 0;
  choice->binding = binding;
  choice->row = row;
  return 1;
}

/* The first usable binding of a set; fills the choice and returns 1, or 0. */
CX_INLINE int cx_select_default(const struct cx_policy_set *set, struct cx_choice *choice) {
  for (__u32 i = 0; i < CX_DEFAULT_BINDINGS; i++) {
    if (i >= set->binding_count)
      break;
    if (cx_select_binding(cx_binding_of(set, i, choice), choice))
      return 1;
  }
  return 0;
}

/* The same of those that a policy lists. Unrolled: a loop would need more stack than the longest chain has.
 */
CX_INLINE int cx_select_listed(const struct cx_policy_set *set, const struct cx_policy *policy,
                               struct cx_choice *choice) {
#pragma unroll
  for (__u32 i = 0; i < CX_POLICY_BINDINGS; i++) {
    if (i >= policy->binding_count)
      break;
    if (cx_select_binding(cx_binding_of(set, policy->bindings[i], choice), choice))
      return 1;
  }
  return 0;
}

/* What the policy at a position of cx_policies does with a packet now. Fills the choice and returns 1, or 0
 * when the policy is inactive. */
CX_INLINE int cx_select_policy(__u32 position, __u32 first_id, struct cx_choice *choice) {
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &position);
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);
  __u32 action;

  if (!policy || !set)
    return 0;
  action = policy->action;
  if (action != CX_ACTION_DROP && action != CX_ACTION_BYPASS && !cx_select_listed(set, policy, choice)) {
    if (policy->otherwise == CX_OTHERWISE_NEXT)
      return 0;
    action = policy->otherwise == CX_OTHERWISE_DROP ? CX_ACTION_DROP : 0;
  }
  choice->action = action;
  choice->policy_id = first_id + policy->id;
  return 1;
}

/* The bindings that carry copies for the policy at a position of cx_policies. The packet itself goes by the
 * one with the smallest MTU: what fits there fits all. The choice is left as it is when none is usable. */
__noinline int cx_choose_copies(__u32 position, struct cx_choice *choice) {
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &position);
  __u32 least = ~0U, own = 0, usable = 0;

  if (!policy || !choice)
    return 0;
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);
  if (!set)
    return 0;
  for (__u32 i = 0; i < CX_POLICY_BINDINGS; i++) {
    if (i >= policy->binding_count)
      break;
    __u32 position_in_set = policy->bindings[i] & (CX_DEFAULT_BINDINGS - 1);
    __u32 index = cx_binding_of(set, position_in_set, choice);
    __u32 row = cx_binding_row(index);
    const struct cx_binding *binding = cx_binding_at(row);
    if (!row || !binding)
      continue;
    usable |= 1U << position_in_set;
    if (binding->mtu < least) {
      least = binding->mtu;
      own = 1U << position_in_set;
      choice->binding = index;
      choice->row = row;
    }
  }
  choice->copies = usable & ~own;
  return 0;
}

#endif
