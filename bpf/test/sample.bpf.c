// Types, maps and programs for the tests of libbpf-ts: one of everything.
#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define tag(text) __attribute__((btf_decl_tag(text)))

enum sample_reason {
  SAMPLE_REASON_NONE = 0,
  SAMPLE_REASON_NO_BINDING = 1,
  SAMPLE_REASON_TOO_BIG = 7,
};

enum sample_wide { SAMPLE_WIDE_SMALL = 1, SAMPLE_WIDE_LARGE = 0x100000000ULL };

// Constants for the generator: BTF keeps enums, not macros, and only those a variable has.
const volatile enum {
  SAMPLE_SLOTS = 8,
  SAMPLE_SCHEMA = 3,
} sample_constants = SAMPLE_SCHEMA;

struct sample_key {
  __u32 prefix_length;
  __u8 address[16] tag("ipv6");
};

struct sample_inner {
  __u16 port tag("be16");
  __u8 mac[6] tag("mac");
};

typedef __u8 sample_address[16] tag("ipv6");

struct sample_row {
  __u8 kind;
  _Bool usable;
  __u16 bid;
  __s32 offset;
  __u64 packets;
  __s64 balance;
  struct in6_addr care_of;
  sample_address home_agent;
  __be16 port;
  __be32 label;
  __u32 last_reason tag("enum:sample_reason");
  enum sample_reason reason;
  struct sample_inner inner;
  __u8 raw[5];
  char label_text[8];
  __u32 list[3];
  struct sample_inner pair[2];
  __u32 low : 3, middle : 11, high : 18;
  __s32 signed_bits : 5;
  union {
    __u32 as_word;
    __u8 as_bytes[4];
  };
  enum sample_wide wide;
};

struct sample_union_holder {
  union sample_choice {
    __u64 number;
    __u8 address[16] tag("ipv6");
  } choice;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, struct sample_key);
  __type(value, struct sample_row);
  __uint(max_entries, 64);
} rows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, SAMPLE_SLOTS);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __type(key, __u32);
  __type(value, __u32);
  __uint(max_entries, 4);
} counters SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __type(key, struct sample_key);
  __type(value, __u32);
  __uint(max_entries, 256);
  __uint(map_flags, BPF_F_NO_PREALLOC);
} prefixes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, struct sample_union_holder);
  __uint(max_entries, 1);
} holders SEC(".maps");

const volatile __u32 sample_limit = 1;
const volatile __u64 sample_cookie = 0;
const volatile _Bool sample_flag = 0;
const volatile struct sample_inner sample_peer = {};
__u32 sample_start = 40;
__u64 sample_seen;

// Writes its read-only data and the packet's mark into the answer.
SEC("tc") int sample_tc(struct __sk_buff *skb) {
  sample_seen++;
  __u32 zero = 0;
  __u32 *counter = bpf_map_lookup_elem(&counters, &zero);
  if (counter)
    (*counter)++;
  skb->mark = skb->mark + sample_limit;
  return sample_flag ? (int)sample_start : 2;
}

SEC("tc") int sample_tc_other(struct __sk_buff *skb) { return 0; }

SEC("xdp") int sample_xdp(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 14 > end)
    return XDP_ABORTED;
  *(__u8 *)data = 0xee;
  return XDP_PASS;
}

SEC("xdp") int sample_xdp_other(struct xdp_md *ctx) { return XDP_PASS; }

struct sample_event {
  __u64 serial;
  __u32 length;
};
// A type that no map has reaches BTF through a variable.
const struct sample_event *sample_event_type;

SEC("tc") int sample_events(struct __sk_buff *skb) {
  struct sample_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event)
    return 1;
  event->serial = __sync_fetch_and_add(&sample_seen, 1);
  event->length = skb->len;
  bpf_ringbuf_submit(event, 0);
  return 0;
}

char _license[] SEC("license") = "GPL";
