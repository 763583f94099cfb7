/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Direct access to the first piece of a packet, for both contexts: no helper is called. */
#ifndef COAX_DIRECT_H
#define COAX_DIRECT_H

/* What stands further behind is not accessed directly; the verifier wants a bound. */
#define CX_FURTHEST_HEADER 1024

/* The ends of the packet. The compiler keeps halves of them elsewhere, which the verifier takes for numbers,
 * when it reads them itself. */
#define CX_POINTER(ctx, member)                                                                              \
  ({                                                                                                         \
    void *cx_pointer;                                                                                        \
    asm volatile("%0 = *(u32 *)(%1 + %2)"                                                                    \
                 : "=r"(cx_pointer)                                                                          \
                 : "r"(ctx), "i"(__builtin_offsetof(cx_context, member)));                                   \
    cx_pointer;                                                                                              \
  })

/* Where `length` bytes at an offset are, NULL when they are not all there. The barrier keeps what is compared
 * and what is added one register: 6.1 does not follow a bound into a copy. */
static __always_inline void *cx_at(cx_context *ctx, __u32 offset, const __u32 length) {
  __u64 distance = offset;
  if (!__builtin_constant_p(offset)) {
    barrier_var(distance);
    if (distance > CX_FURTHEST_HEADER)
      return NULL;
  }
  void *at = CX_POINTER(ctx, data) + distance;
  return at + length > CX_POINTER(ctx, data_end) ? NULL : at;
}

/* Copies in words where the length is one of words, and not byte by byte, as the alignment that the compiler
 * knows of a packet would have it. */
static __always_inline void cx_copy(void *to, const void *from, const __u32 length) {
  if (length % 4 == 0)
    __builtin_memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), length);
  else if (length % 2 == 0)
    __builtin_memcpy(__builtin_assume_aligned(to, 2), __builtin_assume_aligned(from, 2), length);
  else
    __builtin_memcpy(to, from, length);
}

#endif
