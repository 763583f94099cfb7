/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* First fragment -> the others: all fragments of a packet are classified by what the first one shows.
 *
 * The table is the one thing that packets leave behind for packets. It is an array that is overwritten in
 * place: a flood of fragments costs neither memory nor time, only the entries of its own slice. */
#ifndef COAX_FRAGMENT_H
#define COAX_FRAGMENT_H

#include "key.h"

/* Makes the places of entries unforeseeable; set before load to random numbers. */
const volatile __u32 cx_fragment_secret[4];

/* Bits of a row's `rest`. */
enum cx_fragment_has {
  CX_FRAGMENT_HAS_PORTS = 1,
  CX_FRAGMENT_HAS_ICMP = 2,
};

/* Time in units of 2^33 ns, about 8.6 seconds, of which 6 bits are kept. A packet is put together within 60
 * seconds or not at all (RFC 8200 section 4.5); what is older is another packet's with the same number. */
#define CX_FRAGMENT_CLOCK 33
#define CX_FRAGMENT_CLOCK_MASK 0x3f
#define CX_FRAGMENT_LIFE 7

/* Where a packet's row is, and the upper halves of its words. */
struct cx_fragment_place {
  __u32 row;
  __u32 tags[3];
};

/* Spreads the bits of a word (the finalizer of MurmurHash3). */
CX_INLINE __u32 cx_mix(__u32 word) {
  word = (word ^ word >> 16) * 0x85ebca6b;
  word = (word ^ word >> 13) * 0xc2b2ae35;
  return word ^ word >> 16;
}

CX_INLINE __u32 cx_fragment_hash(const struct cx_packet *packet, __u32 secret) {
  __u32 hash = cx_mix(packet->fragment ^ secret);

  for (int i = 0; i < 4; i++) {
    hash = cx_mix(hash ^ packet->source.s6_addr32[i]);
    hash = cx_mix(hash + packet->destination.s6_addr32[i] + secret);
  }
  return hash;
}

CX_INLINE struct cx_fragment_place cx_place_fragment(const struct cx_packet *packet, __u32 ifindex) {
  struct cx_fragment_place place;
  __u32 *slice = bpf_map_lookup_elem(&cx_fragment_slices, &ifindex);

  for (int i = 0; i < 3; i++)
    place.tags[i] = cx_fragment_hash(packet, cx_fragment_secret[i]);
  place.row = cx_fragment_hash(packet, cx_fragment_secret[3]) % CX_FRAGMENT_ROWS;
  if (slice)
    place.row += *slice * CX_FRAGMENT_ROWS;
  return place;
}

CX_INLINE __u32 cx_fragment_time(void) {
  return bpf_ktime_get_ns() >> CX_FRAGMENT_CLOCK & CX_FRAGMENT_CLOCK_MASK;
}

/* Leaves what a first fragment shows for the others of its packet. */
CX_INLINE void cx_keep_fragment(struct cx_fragment *row, const __u32 *tags, const struct cx_packet *packet) {
  volatile struct cx_fragment *words = row;
  __u32 ports = (__u32)packet->source_port << 16 | packet->destination_port;
  __u32 has = (packet->has_ports ? CX_FRAGMENT_HAS_PORTS : 0) |
              (packet->icmp_type != CX_ABSENT_ICMP ? CX_FRAGMENT_HAS_ICMP : 0);
  __u32 rest = (__u32)packet->protocol << 24 | (packet->icmp_type & 0xff) << 16 |
               (packet->icmp_code & 0xff) << 8 | cx_fragment_time() << 2 | has;

  words->spi = (__u64)tags[0] << 32 | packet->spi;
  words->ports = (__u64)tags[1] << 32 | ports;
  words->rest = (__u64)tags[2] << 32 | rest;
}

/* Completes the key of a fragment that is not the first by what that one showed. Returns 0, or -1 when it is
 * not known. */
CX_INLINE int cx_recall_fragment(struct cx_fragment *row, const __u32 *tags, __u32 *key) {
  volatile struct cx_fragment *words = row;
  __u64 spi = words->spi, ports = words->ports, rest = words->rest;

  if (spi >> 32 != tags[0] || ports >> 32 != tags[1] || rest >> 32 != tags[2])
    return -1;
  if (((cx_fragment_time() - ((__u32)rest >> 2)) & CX_FRAGMENT_CLOCK_MASK) > CX_FRAGMENT_LIFE)
    return -1;
  key[CX_FIELD_PROTOCOL] = (__u32)rest >> 24;
  key[CX_FIELD_SPI] = spi;
  if (rest & CX_FRAGMENT_HAS_PORTS) {
    key[CX_FIELD_SOURCE_PORT] = (__u32)ports >> 16;
    key[CX_FIELD_DESTINATION_PORT] = (__u32)ports & 0xffff;
  }
  if (rest & CX_FRAGMENT_HAS_ICMP) {
    key[CX_FIELD_ICMP_TYPE] = (__u32)rest >> 16 & 0xff;
    key[CX_FIELD_ICMP_CODE] = (__u32)rest >> 8 & 0xff;
  }
  return 0;
}

/* Has a fragment leave or find what its packet's first one shows; `key` has CX_KEY_WORDS words. Returns -1
 * when the first one is not known. Verified on its own. */
__noinline int cx_follow_fragment(const struct cx_packet *packet, __u32 ifindex, struct cx_key *key) {
  if (!packet || !key)
    return -1;
  struct cx_fragment_place place = cx_place_fragment(packet, ifindex);
  struct cx_fragment *row = bpf_map_lookup_elem(&cx_fragments, &place.row);
  if (!row)
    return -1;
  if (packet->later_fragment)
    return cx_recall_fragment(row, place.tags, key->words);
  /* The table is the live one; who only asks leaves nothing there. */
  if (!cx_explaining)
    cx_keep_fragment(row, place.tags, packet);
  return 0;
}

#endif
