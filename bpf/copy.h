/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* One packet -> a copy by each of several bindings. */
#ifndef COAX_COPY_H
#define COAX_COPY_H

#include "encap.h"

/* Has a binding of the chosen policy carry a copy of a prepared packet. Verified on its own. */
__noinline int cx_send_copy(cx_context *ctx, const struct cx_packet *packet, __u32 binding, __u32 kind,
                            struct cx_sending *sending) {
  if (!packet || !sending)
    return 0;
  __u32 row_number = cx_binding_row(binding);
  const struct cx_binding *row = cx_binding_at(row_number);
  __u32 segments = cx_segments(ctx);
  __u32 reason;

  /* It went in this moment: nobody misses it. */
  if (!row_number || !row)
    return 0;
  reason = row->kind == kind && kind != CX_TUNNEL_EXTERNAL_XFRM && !cx_check_size(packet, row)
               ? cx_address(ctx, packet, row, sending)
               : CX_REASON_DROP_ENCAP_FAILED;
  /* Who is not sent at once cannot wait for a neighbour either: the packet goes on. */
  if (reason >= CX_REASON_FIRST_DROP || reason == CX_REASON_NEXT_HOP_UNRESOLVED ||
      (!cx_explaining && cx_transmit_copy(ctx, row->ifindex))) {
    cx_count_reason(sending->hook, CX_REASON_ALSO_COPY_LOST, segments, packet->length);
    return 0;
  }
  cx_count_reason(sending->hook, CX_REASON_ALSO_COPIED, segments, packet->length);
  cx_count_sent(binding, segments, packet->length);
  return 0;
}

/* Writes down the bindings that are to carry copies; only while explaining. */
__noinline int cx_note_copies(const struct cx_choice *choice, __u32 bytes) {
  if (!choice)
    return 0;
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);

  for (__u32 i = 0; set && i < CX_DEFAULT_BINDINGS; i++) {
    __u32 binding = cx_binding_of(set, i, choice);
    if (choice->copies & 1U << i)
      cx_note(CX_EXPLAIN_CHOICE, binding, cx_binding_row(binding), bytes, 0);
  }
  return 0;
}

/* Has all bindings but the packet's own carry their copies, and leaves the packet prepared for that one. Not
 * even begun where it is the packet's own turn to say that it does not fit. Returns a reason not to go on.
 * Verified on its own. */
__noinline __u32 cx_send_copies(cx_context *ctx, const struct cx_packet *packet,
                                const struct cx_choice *choice, struct cx_sending *sending) {
  if (!packet || !choice || !sending)
    return CX_REASON_DROP_BROKEN_STATE;
  const struct cx_policy_set *set = cx_policy_set_at(choice->policy_set);
  const struct cx_binding *own = cx_binding_at(choice->row);
  __u32 reason;

  if (!set || !own)
    return CX_REASON_DROP_BROKEN_STATE;
  if (cx_explaining)
    cx_note_copies(choice, packet->segment);
  if (cx_check_size(packet, own))
    return CX_REASON_NONE;
  reason = cx_prepare(ctx, packet, own->kind, sending);
  if (reason)
    return reason;
  for (__u32 i = 0; i < CX_DEFAULT_BINDINGS; i++) {
    if (choice->copies & 1U << i)
      cx_send_copy(ctx, packet, cx_binding_of(set, i, choice), own->kind, sending);
  }
  return CX_REASON_NONE;
}

#endif
