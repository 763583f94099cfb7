// The parts of bpf(2) that libbpf 1.1 and its kernel headers do not know yet, with the layouts of
// the kernel interface written out here and nowhere else.
#pragma once

#include <cstdint>
#include <vector>

namespace coaxial {

constexpr uint32_t kTcxIngress = 46; // BPF_TCX_INGRESS, Linux 6.6
constexpr uint32_t kTcxEgress = 47;  // BPF_TCX_EGRESS

struct LinkDetails {
  uint32_t type = 0;
  uint32_t id = 0;
  uint32_t program_id = 0;
  bool has_ifindex = false;
  uint32_t ifindex = 0; // 0: the interface has gone
  bool has_attach_type = false;
  uint32_t attach_type = 0;
};

// BPF_OBJ_GET_INFO_BY_FD of a link. Answers 0 or an errno value.
int ReadLinkDetails(int fd, LinkDetails &details);

struct AttachedProgram {
  uint32_t program_id = 0;
  uint32_t link_id = 0; // 0: attached without a link
};

// BPF_PROG_QUERY of the multi-program hooks of an interface. Answers 0 or an errno value.
int QueryAttached(uint32_t ifindex, uint32_t attach_type, uint64_t &revision,
                  std::vector<AttachedProgram> &programs);

} // namespace coaxial
