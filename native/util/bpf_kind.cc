#include "util/bpf_kind.h"

#include <unistd.h>

namespace coaxial {

// There is no system call for this, but the inode has a name: "anon_inode:bpf-map".
std::string BpfKind(int fd) {
  char target[64];
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(path.c_str(), target, sizeof(target));
  if (length < 0)
    return "file of unknown kind";
  std::string name(target, static_cast<size_t>(length));
  if (name == "anon_inode:bpf-map")
    return "map";
  if (name == "anon_inode:bpf-prog")
    return "program";
  if (name == "anon_inode:bpf_link" || name == "anon_inode:bpf-link")
    return "link";
  return name;
}

} // namespace coaxial
