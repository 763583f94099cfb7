// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Classification alone, over many packets that stand in a map: a test run repeats one and the same packet.
 * Each program makes one pass over the packets; what one costs more than another is what is measured. */
#include "../ctx_skb.h"

#include "../classify.h"

#define BENCH_FLOWS 65536
#define BENCH_RULES 131072
#define BENCH_MASKS 4096

/* A packet as the parser leaves it. */
struct bench_packet {
  struct in6_addr source;
  struct in6_addr destination;
  __u32 flow_label;
  __u32 mark;
  __u32 ifindex;
  __u32 router;
  __u16 source_port;
  __u16 destination_port;
  __u8 protocol;
  __u8 traffic_class;
  __u8 has_ports;
  __u8 unused[9];
};

/* The packets, in the order in which they come. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, BENCH_FLOWS);
  __type(key, __u32);
  __type(value, struct bench_packet);
} bench_packets SEC(".maps");

/* What was decided of each: policy id, 0 = the default. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, BENCH_FLOWS);
  __type(key, __u32);
  __type(value, __u32);
} bench_answers SEC(".maps");

struct bench_key {
  __u8 bytes[48];
};

/* The unit: a hash table of 48-byte keys, and keys that are in it. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 100000);
  __type(key, struct bench_key);
  __type(value, __u32);
} bench_hash SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, BENCH_FLOWS);
  __type(key, __u32);
  __type(value, struct bench_key);
} bench_keys SEC(".maps");

/* The other designs. A rule: masked addresses and ranges, 16 words. */
struct bench_rule {
  __u32 source[4];
  __u32 destination[4];
  __u32 source_ports; /* low << 16 | high */
  __u32 destination_ports;
  __u32 protocol; /* 0xffff = any */
  __u32 mask;     /* lengths of the prefixes: source << 8 | destination */
  __u32 rank;
  __u32 next; /* rule of the same tuple and addresses that comes after this one, + 1 */
  __u32 unused[2];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, BENCH_RULES);
  __type(key, __u32);
  __type(value, struct bench_rule);
} bench_rules SEC(".maps");

/* Tuple-space search: the masks, the one with the best rule first, and a table of what is behind each. */
struct bench_tuple {
  __u32 best; /* rank */
  __u32 mask; /* 0xffffffff = the end */
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, BENCH_MASKS);
  __type(key, __u32);
  __type(value, struct bench_tuple);
} bench_tuples SEC(".maps");

struct bench_tuple_key {
  __u32 source[4];
  __u32 destination[4];
  __u32 mask;
  __u32 protocol;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, BENCH_RULES);
  __type(key, struct bench_tuple_key);
  __type(value, __u32);
} bench_heads SEC(".maps");

struct bench_pass {
  cx_context *ctx;
  __u32 sum;
};

CX_INLINE void bench_answer(__u32 index, __u32 answer) {
  __u32 *slot = bpf_map_lookup_elem(&bench_answers, &index);
  if (slot)
    *slot = answer;
}

static long bench_classify_one(__u32 index, void *data) {
  struct bench_pass *pass = data;
  struct cx_packet packet = {};
  struct cx_choice choice = {};
  __u32 key = index;
  const struct bench_packet *row = bpf_map_lookup_elem(&bench_packets, &key);
  if (!row)
    return 1;
  packet.source = row->source;
  packet.destination = row->destination;
  packet.flow_label = row->flow_label;
  packet.source_port = row->source_port;
  packet.destination_port = row->destination_port;
  packet.protocol = row->protocol;
  packet.traffic_class = row->traffic_class;
  packet.has_ports = row->has_ports;
  packet.icmp_type = CX_ABSENT_ICMP;
  packet.icmp_code = CX_ABSENT_ICMP;
  struct cx_origin origin = {.mark_known = 1, .mark = row->mark, .ifindex = row->ifindex};
  __u32 reason = cx_classify(pass->ctx, &packet, row->router, &origin, &choice);
  bench_answer(index, reason ? 0x80000000 | reason : choice.policy_id);
  return 0;
}

SEC("tc")
int bench_classify(cx_context *ctx) {
  struct bench_pass pass = {.ctx = ctx};
  bpf_loop(BENCH_FLOWS, bench_classify_one, &pass, 0);
  return 0;
}

static long bench_empty_one(__u32 index, void *data) {
  struct bench_pass *pass = data;
  __u32 key = index;
  const struct bench_key *row = bpf_map_lookup_elem(&bench_keys, &key);
  if (!row)
    return 1;
  pass->sum += row->bytes[0];
  return 0;
}

SEC("tc")
int bench_empty(cx_context *ctx) {
  struct bench_pass pass = {.ctx = ctx};
  bpf_loop(BENCH_FLOWS, bench_empty_one, &pass, 0);
  return pass.sum & 1;
}

static long bench_hit_one(__u32 index, void *data) {
  struct bench_pass *pass = data;
  __u32 key = index;
  const struct bench_key *row = bpf_map_lookup_elem(&bench_keys, &key);
  if (!row)
    return 1;
  const __u32 *value = bpf_map_lookup_elem(&bench_hash, row);
  pass->sum += row->bytes[0];
  if (value)
    pass->sum += *value;
  return 0;
}

SEC("tc")
int bench_hit(cx_context *ctx) {
  struct bench_pass pass = {.ctx = ctx};
  bpf_loop(BENCH_FLOWS, bench_hit_one, &pass, 0);
  return pass.sum & 1;
}

/* One packet of the other designs. */
struct bench_search {
  __u32 source[4];
  __u32 destination[4];
  __u32 source_port;
  __u32 destination_port;
  __u32 protocol;
  __u32 best;
};

CX_INLINE int bench_load(__u32 index, struct bench_search *search) {
  const struct bench_packet *row = bpf_map_lookup_elem(&bench_packets, &index);
  if (!row)
    return 0;
  cx_put_address(search->source, &row->source);
  cx_put_address(search->destination, &row->destination);
  search->source_port = row->has_ports ? row->source_port : CX_ABSENT_PORT;
  search->destination_port = row->has_ports ? row->destination_port : CX_ABSENT_PORT;
  search->protocol = row->protocol;
  search->best = CX_RANK_NONE;
  return 1;
}

CX_INLINE __u32 bench_mask(__u32 length, __u32 word) {
  __u32 bits = length > word * 32 ? length - word * 32 : 0;
  return bits >= 32 ? 0xffffffff : bits ? ~(0xffffffffU >> bits) : 0;
}

CX_INLINE int bench_in(__u32 value, __u32 range) {
  return (range == 0xffff || (value >= range >> 16 && value <= (range & 0xffff)));
}

CX_INLINE int bench_fits(const struct bench_search *search, const struct bench_rule *rule) {
  return bench_in(search->source_port, rule->source_ports) &&
         bench_in(search->destination_port, rule->destination_ports) &&
         (rule->protocol == 0xffff || rule->protocol == search->protocol);
}

static long bench_linear_rule(__u32 index, void *data) {
  struct bench_search *search = data;
  __u32 key = index;
  const struct bench_rule *rule = bpf_map_lookup_elem(&bench_rules, &key);
  if (!rule)
    return 1;
  if (!bench_fits(search, rule))
    return 0;
  __u32 differ = 0;
#pragma unroll
  for (int word = 0; word < 4; word++) {
    differ |= (search->source[word] & bench_mask(rule->mask >> 8, word)) ^ rule->source[word];
    differ |= (search->destination[word] & bench_mask(rule->mask & 0xff, word)) ^ rule->destination[word];
  }
  if (differ)
    return 0;
  search->best = rule->rank;
  return 1;
}

static long bench_linear_one(__u32 index, void *data) {
  struct bench_search search;
  struct bench_pass *pass = data;
  if (!bench_load(index, &search))
    return 1;
  /* The mark of the test run says how many rules there are. */
  bpf_loop(pass->ctx->mark, bench_linear_rule, &search, 0);
  bench_answer(index, search.best + 1);
  return 0;
}

SEC("tc")
int bench_linear(cx_context *ctx) {
  struct bench_pass pass = {.ctx = ctx};
  /* It is slow enough to be measured with fewer packets. */
  bpf_loop(BENCH_FLOWS / 64, bench_linear_one, &pass, 0);
  return 0;
}

/* One rule after the other of those with the same addresses, protocol and masks, in the order of rank. */
struct bench_chain {
  struct bench_search *search;
  __u32 at;
};

static long bench_chain_rule(__u32 index, void *data) {
  struct bench_chain *chain = data;
  __u32 key = chain->at - 1;
  const struct bench_rule *rule = bpf_map_lookup_elem(&bench_rules, &key);
  if (!rule || rule->rank >= chain->search->best)
    return 1;
  if (bench_fits(chain->search, rule)) {
    chain->search->best = rule->rank;
    return 1;
  }
  chain->at = rule->next;
  return !chain->at;
}

static long bench_tuple_mask(__u32 index, void *data) {
  struct bench_search *search = data;
  struct bench_tuple_key wanted = {};
  __u32 key = index;
  const struct bench_tuple *tuple = bpf_map_lookup_elem(&bench_tuples, &key);
  if (!tuple || tuple->best >= search->best)
    return 1;
#pragma unroll
  for (int word = 0; word < 4; word++) {
    wanted.source[word] = search->source[word] & bench_mask(tuple->mask >> 8 & 0xff, word);
    wanted.destination[word] = search->destination[word] & bench_mask(tuple->mask & 0xff, word);
  }
  wanted.mask = tuple->mask;
  wanted.protocol = tuple->mask >> 16 ? search->protocol : 0xffff;
  const __u32 *head = bpf_map_lookup_elem(&bench_heads, &wanted);
  if (!head)
    return 0;
  struct bench_chain chain = {.search = search, .at = *head};
  bpf_loop(BENCH_RULES, bench_chain_rule, &chain, 0);
  return 0;
}

static long bench_tuples_one(__u32 index, void *data) {
  struct bench_search search;
  if (!bench_load(index, &search))
    return 1;
  bpf_loop(BENCH_MASKS, bench_tuple_mask, &search, 0);
  bench_answer(index, search.best + 1);
  return 0;
}

SEC("tc")
int bench_tuple_space(cx_context *ctx) {
  struct bench_pass pass = {.ctx = ctx};
  bpf_loop(BENCH_FLOWS / 64, bench_tuples_one, &pass, 0);
  return 0;
}

char cx_license[] SEC("license") = "Dual MIT/GPL";
