// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Both ends of the forwarding benchmark and the least that a router can do between them.
 *
 *   bench_generate   runs on live frames and writes every header of each, because the frames come back as
 *                    the router left them; then out of the device of a lane
 *   bench_redirect*  limits: nothing but a redirect, as XDP and as TC
 *   bench_sink       counts what arrives, by whether it is what the router should have made of it
 */
#include "../coax.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BENCH_INLINE static __always_inline
/* Frames begin so much later than the kernel puts them. The far end of a veth copies a packet that has less
 * than XDP_PACKET_HEADROOM in front of it, which no network card does: what was encapsulated would pay it. */
#define BENCH_SHIFT 64
/* Packets between two looks at the clock. */
#define BENCH_CLOCK 64

struct bench_ipv6 {
  __be32 version_class_label;
  __be16 payload_length;
  __u8 next_header;
  __u8 hop_limit;
  struct in6_addr source;
  struct in6_addr destination;
};

struct bench_udp {
  __be16 source;
  __be16 destination;
  __be16 length;
  __be16 checksum;
};

/* Bytes of headers of a plain frame. */
#define BENCH_HEADERS (sizeof(struct ethhdr) + sizeof(struct bench_ipv6) + sizeof(struct bench_udp))

/* What one packet of a flow looks like. */
struct bench_flow {
  struct in6_addr source;
  struct in6_addr destination;
  struct in6_addr outer_source; /* where packets are tunnelled */
  __be16 source_port;
  __be16 destination_port;
  __u32 sum; /* of addresses, ports and protocol, as the checksum of UDP adds them */
  __u8 traffic_class;
  __u8 unused[7];
};

/* Flows of all lanes; written by user space before the first run. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct bench_flow);
} bench_flows SEC(".maps");

/* What a run sends, one row; written by user space before it. */
struct bench_run {
  __u64 duration; /* ns from the first packet on, 1 at least */
  __u64 interval; /* between two packets, in 1/1024 ns; 0 = as fast as it goes */
  __u32 lane;
  __u32 first; /* row of the first flow */
  __u32 mask;  /* number of flows - 1 */
  __u32 tunnelled;
  struct in6_addr outer_destination CX_TAG("ipv6");
  __u8 destination_mac[6] CX_TAG("mac");
  __u8 source_mac[6] CX_TAG("mac");
  __u8 unused[4];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct bench_run);
} bench_runs SEC(".maps");

/* What a run has sent, one row; zeroed by user space before it. */
struct bench_sent {
  __u64 packets;
  __u64 begin; /* of the first packet, CLOCK_MONOTONIC in ns */
  __u64 last;  /* when the clock was last read */
  __u64 done;  /* the time is over */
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct bench_sent);
} bench_sent SEC(".maps");

/* lane -> device it enters the lab by; written by user space in that device's network namespace. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, 256);
  __type(key, __u32);
  __type(value, __u32);
} bench_lanes SEC(".maps");

/* Where bench_redirect_xdp sends everything, one row. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} bench_out SEC(".maps");

/* What arrived; written by packets. */
struct bench_received {
  __u64 right;
  __u64 wrong;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct bench_received);
} bench_received SEC(".maps");

/* When right packets came, one row; written by them where bench_stamping is set. */
struct bench_stamps {
  __u64 last;    /* CLOCK_MONOTONIC, ns */
  __u64 changed; /* first packet with a source that the one before it did not have */
  __u64 before;  /* the one before it */
  __u32 changes;
  __u32 source; /* last word of the source */
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct bench_stamps);
} bench_stamps SEC(".maps");

/* The outermost IPv6 header that is right: where a bit of a mask is set, the address has that of the value.
 */
struct bench_expected {
  __u32 source[4];
  __u32 source_mask[4];
  __u32 destination[4];
  __u32 destination_mask[4];
  __u32 next_header;
};

const volatile struct bench_expected bench_expected;
const volatile __u32 bench_stamping;
const volatile __u32 bench_out_ifindex;

char bench_license[] SEC("license") = "Dual MIT/GPL";

BENCH_INLINE __be16 bench_checksum(__u32 sum, __u32 length) {
  sum += 2 * length;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  __u16 checksum = ~sum;
  return bpf_htons(checksum ? checksum : 0xffff);
}

BENCH_INLINE void bench_write_link(struct ethhdr *link, const struct bench_run *run) {
  __builtin_memcpy(link->h_dest, run->destination_mac, 6);
  __builtin_memcpy(link->h_source, run->source_mac, 6);
  link->h_proto = bpf_htons(ETH_P_IPV6);
}

BENCH_INLINE void bench_write_ipv6(struct bench_ipv6 *header, __u8 traffic_class, __u32 length,
                                   __u8 next_header) {
  header->version_class_label = bpf_htonl(6U << 28 | (__u32)traffic_class << 20);
  header->payload_length = bpf_htons(length);
  header->next_header = next_header;
  header->hop_limit = 64;
}

/* `length` counts from the inner header on. */
BENCH_INLINE void bench_write_inner(struct bench_ipv6 *inner, const struct bench_flow *flow, __u32 length) {
  struct bench_udp *udp = (void *)(inner + 1);

  length -= sizeof(*inner);
  bench_write_ipv6(inner, flow->traffic_class, length, IPPROTO_UDP);
  inner->source = flow->source;
  inner->destination = flow->destination;
  udp->source = flow->source_port;
  udp->destination = flow->destination_port;
  udp->length = bpf_htons(length);
  udp->checksum = bench_checksum(flow->sum, length);
}

/* Is the next packet due? Reading the clock costs as much as the rest: without a rate it is read once in a
 * while. */
BENCH_INLINE int bench_is_due(const struct bench_run *run, struct bench_sent *sent) {
  if (sent->done)
    return 0;
  if (!run->interval && sent->packets % BENCH_CLOCK)
    return 1;
  sent->last = bpf_ktime_get_ns();
  if (!sent->begin)
    sent->begin = sent->last;
  __u64 elapsed = sent->last - sent->begin;
  if (elapsed >= run->duration)
    sent->done = 1;
  return !sent->done && elapsed << 10 >= sent->packets * run->interval;
}

SEC("xdp")
int bench_generate(struct xdp_md *ctx) {
  __u32 zero = 0;
  struct bench_run *run = bpf_map_lookup_elem(&bench_runs, &zero);
  struct bench_sent *sent = bpf_map_lookup_elem(&bench_sent, &zero);
  if (!run || !sent)
    return XDP_ABORTED;
  if (!bench_is_due(run, sent))
    return XDP_DROP;
  __u32 row = run->first + ((__u32)sent->packets & run->mask);
  const struct bench_flow *flow = bpf_map_lookup_elem(&bench_flows, &row);
  if (!flow || bpf_xdp_adjust_head(ctx, BENCH_SHIFT))
    return XDP_ABORTED;
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  __u32 length = ctx->data_end - ctx->data - sizeof(struct ethhdr);
  struct ethhdr *link = data;
  struct bench_ipv6 *header = (void *)(link + 1);
  if (data + BENCH_HEADERS > end)
    return XDP_ABORTED;
  bench_write_link(link, run);
  if (run->tunnelled) {
    if (data + BENCH_HEADERS + sizeof(*header) > end)
      return XDP_ABORTED;
    length -= sizeof(*header);
    bench_write_ipv6(header, flow->traffic_class, length, IPPROTO_IPV6);
    header->source = flow->outer_source;
    header->destination = run->outer_destination;
    header++;
  }
  bench_write_inner(header, flow, length);
  sent->packets++;
  return bpf_redirect_map(&bench_lanes, run->lane, 0);
}

SEC("xdp")
int bench_redirect_xdp(struct xdp_md *ctx) { return bpf_redirect_map(&bench_out, 0, 0); }

SEC("tc")
int bench_redirect_tc(struct __sk_buff *ctx) { return bpf_redirect(bench_out_ifindex, 0); }

BENCH_INLINE int bench_differs(const __u32 *address, const volatile __u32 *value,
                               const volatile __u32 *mask) {
  __u32 difference = 0;

#pragma unroll
  for (int i = 0; i < 4; i++)
    difference |= (address[i] ^ value[i]) & mask[i];
  return difference != 0;
}

BENCH_INLINE void bench_stamp(const struct bench_ipv6 *header) {
  __u32 zero = 0;
  struct bench_stamps *stamps = bpf_map_lookup_elem(&bench_stamps, &zero);

  if (!stamps)
    return;
  __u64 before = stamps->last;
  stamps->last = bpf_ktime_get_ns();
  if (stamps->source == header->source.s6_addr32[3])
    return;
  stamps->source = header->source.s6_addr32[3];
  stamps->changed = stamps->last;
  stamps->before = before;
  stamps->changes++;
}

/* Neighbour discovery and multicast go to the stack, or the router would never find its next hop. */
SEC("xdp")
int bench_sink(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  struct ethhdr *link = data;
  struct bench_ipv6 *header = (void *)(link + 1);
  __u32 zero = 0;

  if (data + BENCH_HEADERS > end || link->h_proto != bpf_htons(ETH_P_IPV6) ||
      header->next_header == IPPROTO_ICMPV6 || header->destination.s6_addr[0] == 0xff)
    return XDP_PASS;
  struct bench_received *received = bpf_map_lookup_elem(&bench_received, &zero);
  if (!received)
    return XDP_ABORTED;
  if (header->next_header != bench_expected.next_header ||
      bench_differs(header->source.s6_addr32, bench_expected.source, bench_expected.source_mask) ||
      bench_differs(header->destination.s6_addr32, bench_expected.destination,
                    bench_expected.destination_mask)) {
    received->wrong++;
    return XDP_DROP;
  }
  received->right++;
  if (bench_stamping)
    bench_stamp(header);
  return XDP_DROP;
}
