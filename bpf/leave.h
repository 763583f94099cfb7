/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What XDP programs leave to the TC programs behind them, under the names of those that do it there. */
#ifndef COAX_LEAVE_H
#define COAX_LEAVE_H

#include "peers.h"

CX_INLINE __u32 cx_to_stack(cx_context *ctx, __u32 link, __u32 outer, int *action) {
  return CX_REASON_LEFT_TO_TC;
}

CX_INLINE __u32 cx_send_copies(cx_context *ctx, const struct cx_packet *packet,
                               const struct cx_choice *choice, struct cx_sending *sending) {
  return CX_REASON_LEFT_TO_TC;
}

CX_INLINE __u32 cx_answer_too_big(cx_context *ctx, const struct cx_packet *packet,
                                  const struct cx_choice *choice, struct cx_sending *sending) {
  return CX_REASON_LEFT_TO_TC;
}

/* A mobility header, which is ordinary traffic unless it is to us. */
CX_INLINE __u32 cx_take_signal(cx_context *ctx, const struct cx_packet *packet) {
  return cx_is_tunnel_end(&packet->destination) ? CX_REASON_LEFT_TO_TC : CX_REASON_NOT_OURS;
}

/* An error may be about one of our tunnels. */
CX_INLINE __u32 cx_relay_error(cx_context *ctx, __u32 link, const struct cx_packet *outer, int *action) {
  __u8 type;
  return cx_load(ctx, outer->upper, &type, sizeof(type)) || cx_is_icmp_error(type) ? CX_REASON_LEFT_TO_TC
                                                                                   : CX_REASON_NOT_OURS;
}

#endif
