/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Packet -> decision: the active generation's policies of one router, and its default. */
#ifndef COAX_CLASSIFY_H
#define COAX_CLASSIFY_H

#include "balance.h"
#include "fragment.h"
#include "tree.h"

/* Rows of one generation in cx_policies, cx_policy_sets and cx_routers; set before load from the maps' sizes.
 */
const volatile __u32 cx_policies_per_generation = 1024;
const volatile __u32 cx_policy_sets_per_generation = 8;
const volatile __u32 cx_routers_per_generation = 8;

/* Writes down the bindings that a router falls back on; only while explaining. */
__noinline int cx_note_default(const struct cx_choice *choice) {
  if (!choice || !cx_new_row(CX_EXPLAIN_DEFAULT))
    return 0;
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);
  for (__u32 i = 0; set && i < CX_DEFAULT_BINDINGS; i++) {
    if (i >= set->binding_count || !cx_note_binding(cx_binding_of(set, i, choice)))
      break;
  }
  return 0;
}

/* Decides what becomes of a packet of `router`. Returns CX_REASON_NONE with a choice that has a row, or why
 * there is none. */
CX_SHARED __u32 cx_classify(cx_context *ctx, const struct cx_packet *packet, __u32 router,
                            const struct cx_origin *origin, struct cx_choice *choice) {
  if (!packet || !origin || !choice)
    return CX_REASON_DROP_BROKEN_STATE;
  struct cx_scratch *scratch = cx_work();
  __u32 key = CX_SETTING_GENERATION;
  __u32 *active = bpf_map_lookup_elem(&cx_settings, &key);
  if (!active || !scratch)
    return CX_REASON_DROP_BROKEN_STATE;
  __u32 slot = *(volatile __u32 *)active;

  key = slot * cx_routers_per_generation + router;
  const struct cx_router *row = bpf_map_lookup_elem(&cx_routers, &key);
  if (!row || router >= cx_routers_per_generation)
    return CX_REASON_DROP_BROKEN_STATE;
  choice->policy_set = slot * cx_policy_sets_per_generation + row->policy_set;
  choice->first_binding = row->first_binding;
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);
  if (!set)
    return CX_REASON_DROP_BROKEN_STATE;

  cx_explain(CX_EXPLAIN_ROUTER, router, slot, origin->mark_known);
  __u32 root = origin->mark_known ? set->known_root : set->unknown_root;
  if (root) {
    struct cx_walk *walk = (struct cx_walk *)scratch->walk;
    cx_make_key(packet, origin, walk->words);
    if (origin->local && set->cgroup_depth)
      walk->words[CX_FIELD_CGROUP] = cx_cgroup_number(ctx, slot, set->cgroup_depth);
    if (set->fragments && packet->fragmented &&
        cx_follow_fragment(packet, origin->ifindex, (struct cx_key *)walk->words)) {
      if (CX_LEAVES_TO_TC)
        return CX_REASON_LEFT_TO_TC;
      cx_count_reason(origin->hook, CX_REASON_ALSO_FRAGMENT_ALONE, 1, packet->length);
    }
    cx_explain_key(walk->words);
    walk->first_block = slot * cx_blocks_per_generation;
    walk->first_policy = slot * cx_policies_per_generation + set->first_policy;
    walk->first_id = row->first_policy_id;
    walk->next_tree = 0;
    walk->best = CX_RANK_NONE;
    walk->mark_decides = 0;
    walk->choice = *choice;
    cx_walk_trees(walk, root);
    if (walk->mark_decides)
      return CX_REASON_MARK_DECIDES;
    if (walk->best != CX_RANK_NONE) {
      *choice = walk->choice;
      if (CX_LEAVES_TO_TC && (choice->action == CX_ACTION_BYPASS || choice->action == CX_ACTION_COPY))
        return CX_REASON_LEFT_TO_TC;
      if (choice->action == CX_ACTION_DROP || choice->action == CX_ACTION_BYPASS) {
        cx_count_policy(choice->policy_id, cx_segments(ctx), packet->length);
        return choice->action == CX_ACTION_DROP ? CX_REASON_DROP_BY_POLICY : CX_REASON_BYPASS;
      }
      /* The first usable one is chosen already: it stays when all go in this moment. */
      if (choice->action == CX_ACTION_BALANCE && cx_explaining)
        cx_note_shares(walk->first_policy + walk->best, cx_flow_hash(packet), choice);
      if (choice->action == CX_ACTION_BALANCE)
        cx_balance(walk->first_policy + walk->best, cx_flow_hash(packet), choice);
      else if (choice->action == CX_ACTION_COPY)
        cx_choose_copies(walk->first_policy + walk->best, choice);
      if (choice->action <= CX_ACTION_COPY && choice->action >= CX_ACTION_USE)
        return CX_REASON_NONE;
      if (choice->action)
        return CX_REASON_DROP_BROKEN_STATE; /* an action that these programs do not know */
    }
  }
  if (cx_explaining)
    cx_note_default(choice);
  if (cx_select_default(set, choice))
    return CX_REASON_NONE;
  return CX_REASON_NO_BINDING;
}

#endif
