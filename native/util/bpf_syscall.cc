#include "util/bpf_syscall.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace coaxial {

namespace {

constexpr uint32_t kLinkTypeCgroup = 3;
constexpr uint32_t kLinkTypeNetns = 5;
constexpr uint32_t kLinkTypeXdp = 6;
constexpr uint32_t kLinkTypeTcx = 11;    // Linux 6.6
constexpr uint32_t kLinkTypeNetkit = 13; // Linux 6.7

// struct bpf_link_info: three words, padding to 8, then a union of which these members are read.
struct LinkInfoLayout {
  uint32_t type;
  uint32_t id;
  uint32_t prog_id;
  uint32_t padding;
  union {
    struct {
      uint32_t ifindex;
    } xdp;
    struct { // TCX, and netkit the same
      uint32_t ifindex;
      uint32_t attach_type;
    } tcx;
    struct {
      uint32_t netns_ino;
      uint32_t attach_type;
    } netns;
    struct {
      uint64_t cgroup_id;
      uint32_t attach_type;
    } cgroup;
    uint8_t room[64];
  };
};

// union bpf_attr, member `query`, as of Linux 6.6.
struct QueryLayout {
  uint32_t target_ifindex;
  uint32_t attach_type;
  uint32_t query_flags;
  uint32_t attach_flags;
  uint64_t prog_ids;
  uint32_t count;
  uint32_t padding;
  uint64_t prog_attach_flags;
  uint64_t link_ids;
  uint64_t link_attach_flags;
  uint64_t revision;
};

} // namespace

int ReadLinkDetails(int fd, LinkDetails &details) {
  LinkInfoLayout layout{};
  uint32_t length = sizeof(layout);
  if (bpf_obj_get_info_by_fd(fd, &layout, &length) < 0)
    return errno;
  details.type = layout.type;
  details.id = layout.id;
  details.program_id = layout.prog_id;
  details.has_ifindex =
      layout.type == kLinkTypeXdp || layout.type == kLinkTypeTcx || layout.type == kLinkTypeNetkit;
  if (details.has_ifindex)
    details.ifindex = layout.tcx.ifindex;
  details.has_attach_type = true;
  if (layout.type == kLinkTypeTcx || layout.type == kLinkTypeNetkit)
    details.attach_type = layout.tcx.attach_type;
  else if (layout.type == kLinkTypeNetns)
    details.attach_type = layout.netns.attach_type;
  else if (layout.type == kLinkTypeCgroup)
    details.attach_type = layout.cgroup.attach_type;
  else if (layout.type == kLinkTypeXdp)
    details.attach_type = BPF_XDP;
  else
    details.has_attach_type = false;
  return 0;
}

int QueryAttached(uint32_t ifindex, uint32_t attach_type, uint64_t &revision,
                  std::vector<AttachedProgram> &programs) {
  // The kernel answers ENOSPC when more are attached than there is room for.
  for (uint32_t room = 16; room <= 1024; room *= 4) {
    std::vector<uint32_t> program_ids(room), link_ids(room);
    QueryLayout query{};
    query.target_ifindex = ifindex;
    query.attach_type = attach_type;
    query.prog_ids = reinterpret_cast<uintptr_t>(program_ids.data());
    query.link_ids = reinterpret_cast<uintptr_t>(link_ids.data());
    query.count = room;
    if (syscall(__NR_bpf, BPF_PROG_QUERY, &query, sizeof(query)) < 0) {
      if (errno == ENOSPC)
        continue;
      return errno;
    }
    revision = query.revision;
    programs.resize(query.count);
    for (uint32_t i = 0; i < query.count; i++)
      programs[i] = {program_ids[i], link_ids[i]};
    return 0;
  }
  return ENOSPC;
}

} // namespace coaxial
