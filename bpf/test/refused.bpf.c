// A program the verifier refuses, beside one it takes.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("tc") int fine(struct __sk_buff *skb) { return 0; }

SEC("tc") int refused(struct __sk_buff *skb) {
  __u8 *data = (void *)(long)skb->data;
  return data[1000];
}

char _license[] SEC("license") = "GPL";
