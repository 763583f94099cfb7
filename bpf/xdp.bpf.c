// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* The XDP programs: in front of the TC programs of the same names, for interfaces whose driver runs them.
 *
 *   mobile network --> coax_ingress --> uplink
 *                          |
 *                      TC: coax_ingress                      what XDP cannot decide or do, as it came
 *   visited network --> coax_uplink --> mobile network
 *                          |
 *                      TC: coax_uplink
 * A home agent has coax_transit on all its interfaces.
 */
#include "ctx_xdp.h"

#include "forward.h"

char cx_license[] SEC("license") = "Dual MIT/GPL";

/* "frags": packets in several pieces pass as well, to TC. */
SEC("xdp.frags")
int coax_ingress(cx_context *ctx) { return cx_ingress(ctx, CX_LINK_HEADER); }

SEC("xdp.frags")
int coax_uplink(cx_context *ctx) { return cx_uplink(ctx, CX_LINK_HEADER); }

SEC("xdp.frags")
int coax_transit(cx_context *ctx) { return cx_transit(ctx, CX_LINK_HEADER); }
