/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The walk: from a root of the active generation through its decision trees to the policy that decides.
 *
 * A router has one tree or a chain of them, the one with the best policy first. A tree ends in leaves: the
 * comparisons of a few rules in the order of their rank. Everything is a node of the same flat array. */
#ifndef COAX_TREE_H
#define COAX_TREE_H

#include "select.h"

/* Blocks of one generation in cx_blocks; set before load from the map's size. */
const volatile __u32 cx_blocks_per_generation = 96;

/* Steps that are a plain loop; a walk that is longer goes on with bpf_loop, which costs more for each. */
#define CX_STEPS_INLINE 64

#define CX_RANK_NONE 0xffffffff

/* One packet's way through the trees. With CX_KEY_WORDS words in all it holds every index that a node can
 * have: those that are no field's find something here, and the stack is short. */
struct cx_walk {
  __u32 words[CX_FIELDS];  /* the packet's key */
  struct cx_choice choice; /* of the best match so far */
  __u32 first_block;       /* of the slot */
  __u32 first_policy;      /* of the router's set, in the map */
  __u32 first_id;          /* what the router counts its policies' ids from */
  __u32 next_tree;         /* node of the tree after this one; 0 = it is the last */
  __u32 best;              /* rank of the best active match, CX_RANK_NONE = none yet */
  __u32 mark_decides;      /* the best match would have to know the mark */
};

_Static_assert(sizeof(struct cx_walk) == CX_KEY_WORDS * sizeof(__u32), "a node can look beside the walk");

/* An active match ends its tree. Verified on its own, so that the walk's loop stays small for the verifier.
 * Returns 1 when the policy is active. */
__noinline int cx_try_policy(struct cx_walk *walk, __u32 rank) {
  if (!walk)
    return 0;
  return cx_select_policy(walk->first_policy + rank, walk->first_id, &walk->choice);
}

/* Writes down the node that is visited next. Only while explaining. */
__noinline int cx_note_node(const struct cx_walk *walk, __u32 at) {
  if (!walk)
    return 0;
  __u32 key = walk->first_block + at / CX_BLOCK_NODES;
  const struct cx_block *block = bpf_map_lookup_elem(&cx_blocks, &key);
  if (!block)
    return 0;
  const struct cx_node *node = &block->nodes[at % CX_BLOCK_NODES];

  struct cx_explained *step = cx_new_row(CX_EXPLAIN_NODE);
  if (!step)
    return 0;
  step->values[0] = node->operation;
  step->values[1] = node->low;
  step->values[2] = node->extent;
  step->values[3] = node->target;
  return 0;
}

/* Writes down which bindings of a policy are usable. Only while explaining. Unrolled, and not part of
 * cx_note_policy, because the longest chain has 32 bytes of stack left. */
__noinline int cx_note_listed(const struct cx_walk *walk, __u32 rank) {
  if (!walk)
    return 0;
  __u32 key = walk->first_policy + rank;
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &key);
  const struct cx_policy_set *set = cx_policy_set_at(walk->choice.policy_set);
  if (!policy || !set)
    return 0;
#pragma unroll
  for (__u32 i = 0; i < CX_POLICY_BINDINGS; i++) {
    if (i >= policy->binding_count ||
        !cx_note_binding(cx_binding_of(set, policy->bindings[i], &walk->choice)))
      break;
  }
  return 0;
}

/* Writes down a policy that is tried. Only while explaining. */
__noinline int cx_note_policy(const struct cx_walk *walk, __u32 rank, __u32 is_open) {
  if (!walk)
    return 0;
  __u32 key = walk->first_policy + rank;
  const struct cx_policy *policy = bpf_map_lookup_elem(&cx_policies, &key);
  struct cx_explained *step = cx_new_row(CX_EXPLAIN_POLICY);
  if (!policy || !step)
    return 0;
  step->values[0] = rank;
  step->values[1] = walk->first_id + policy->id;
  step->values[2] = is_open;
  return 0;
}

/* Visits a node; returns the next one, 0 = the walk is over. */
CX_INLINE __u32 cx_step(struct cx_walk *walk, __u32 at, __u32 explaining) {
  if (explaining)
    cx_note_node(walk, at);
  __u32 key = walk->first_block + at / CX_BLOCK_NODES;
  const struct cx_block *block = bpf_map_lookup_elem(&cx_blocks, &key);
  if (!block)
    return 0;
  const struct cx_node *node = &block->nodes[at % CX_BLOCK_NODES];
  __u32 operation = node->operation;
  __u32 kind = operation & 7;
  __u32 step = operation >> CX_NODE_STEP_SHIFT;
  __u32 low = node->low, extent = node->extent, target = node->target;
  __u32 value = ((const __u32 *)walk)[operation >> CX_NODE_FIELD_SHIFT & (CX_KEY_WORDS - 1)];

  /* Which way it goes is unforeseeable, so a sign chooses it and not a branch; the compiler would make one.
   */
  if (kind == CX_NODE_RANGE) {
    __u64 outside = (__u64)extent - (__u32)(value - low);
    barrier_var(outside);
    return target + (__u32)(outside >> 63) * step;
  }
  if (kind == CX_NODE_CUT) {
    __u32 piece = (__u32)(value - low) >> (step & 31);
    __u64 within = (__u64)piece - extent;
    barrier_var(within);
    return target + extent + ((__u32)within & (__u32)((__s64)within >> 63));
  }
  if (kind == CX_NODE_MATCH || kind == CX_NODE_DECIDE) {
    if (target < walk->best) {
      if (explaining) {
        cx_note_policy(walk, target, kind == CX_NODE_DECIDE);
        cx_note_listed(walk, target);
      }
      if (!cx_try_policy(walk, target))
        return extent;
      walk->best = target;
      walk->mark_decides = kind == CX_NODE_DECIDE;
    }
  } else if (kind == CX_NODE_TREE) {
    if (low >= walk->best)
      return 0; /* and so are those behind it */
    walk->next_tree = extent;
    return target;
  } else if (kind == CX_NODE_MASK) {
    return (value & extent) == low ? target : target + step;
  } else if (kind == CX_NODE_BITS) {
    return target + (value >> (step & 31) & extent);
  }
  at = walk->next_tree;
  walk->next_tree = 0;
  return at;
}

/* What bpf_loop takes with it, which must stand on the stack of who calls it. */
struct cx_long_walk {
  struct cx_walk *walk;
  __u32 at;
};

/* bpf_loop callback. */
static long cx_step_on(__u32 index, void *data) {
  struct cx_long_walk *rest = data;

  rest->at = cx_step(rest->walk, rest->at, cx_explaining);
  return !rest->at;
}

/* Goes all the way from a root. Verified on its own: whatever was parsed before, it is the same. */
__noinline int cx_walk_trees(struct cx_walk *walk, __u32 at) {
  if (!walk)
    return 0;
  const __u32 explaining = cx_explaining;
  for (int i = 0; i < CX_STEPS_INLINE; i++) {
    at = cx_step(walk, at, explaining);
    if (!at)
      return 0;
  }
  struct cx_long_walk rest = {.walk = walk, .at = at};
  bpf_loop(CX_WALK_STEPS, cx_step_on, &rest, 0);
  return 0;
}

#endif
