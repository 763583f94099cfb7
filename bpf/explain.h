/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Explaining: what a packet met on its way is written down, when the object was loaded for that.
 *
 * `coax explain` loads the same object a second time, over the live maps, with `cx_explaining` set, and gives
 * its packets to test runs. Counters and budgets of that load are its own. A redirect is not carried out in a
 * test run; what sends by itself, such as a clone, must ask `cx_explaining` first. In the datapath the
 * verifier knows that it is 0 and leaves out what depends on it, but for the reading of the word: a hook
 * stands where a packet passes few times, and a loop reads it once. */
#ifndef COAX_EXPLAIN_H
#define COAX_EXPLAIN_H

#include "verdict.h"

const volatile __u32 cx_explaining = 0;

/* A key that takes no stack. */
const volatile __u32 cx_explained_first = 0;

/* Row 0 of cx_explained: NULL when there is only that one. */
CX_INLINE struct cx_explained *cx_explained_head(void) {
  return bpf_map_lookup_elem(&cx_explained, (const void *)&cx_explained_first);
}

/* A new row at the end; only while explaining. NULL where there is no room, which is counted as lost. */
CX_INLINE struct cx_explained *cx_new_row(__u32 step) {
  struct cx_explained *head = cx_explained_head();
  if (!head)
    return NULL;
  head->values[CX_EXPLAINED_AT] = head->values[CX_EXPLAINED_ROWS] + 1;
  struct cx_explained *row = bpf_map_lookup_elem(&cx_explained, &head->values[CX_EXPLAINED_AT]);
  if (!row) {
    head->values[CX_EXPLAINED_LOST]++;
    return NULL;
  }
  head->values[CX_EXPLAINED_ROWS]++;
  row->step = step;
  return row;
}

/* Appends a row. A function of its own, so that who calls it needs no stack and few instructions for it. */
__noinline int cx_note(__u32 step, __u32 a, __u32 b, __u32 c, __u32 d) {
  struct cx_explained *row = cx_new_row(step);

  if (row) {
    row->values[0] = a;
    row->values[1] = b;
    row->values[2] = c;
    row->values[3] = d;
  }
  return 0;
}

/* The hook: one line where something is decided. */
CX_INLINE void cx_explain(__u32 step, __u32 a, __u32 b, __u32 c) {
  if (cx_explaining)
    cx_note(step, a, b, c, 0);
}

/* The key that the policies are asked with, three words a row. */
CX_INLINE void cx_explain_key(const __u32 *words) {
  if (!cx_explaining)
    return;
#pragma unroll
  for (__u32 at = 0; at < CX_FIELDS; at += 3)
    cx_note(CX_EXPLAIN_KEY, at, words[at], at + 1 < CX_FIELDS ? words[at + 1] : 0,
            at + 2 < CX_FIELDS ? words[at + 2] : 0);
}

/* The cgroup that the packet is asked about as: a test run has no sending process. */
CX_INLINE __u32 cx_explained_cgroup(__u32 number) {
  if (!cx_explaining)
    return number;
  struct cx_explained *head = cx_explained_head();
  return head ? head->values[CX_EXPLAINED_CGROUP] : 0;
}

#endif
