// What kind of BPF object a descriptor refers to.
#pragma once

#include <string>

namespace coaxial {

// "map", "program" or "link"; something else for what is none of them.
std::string BpfKind(int fd);

} // namespace coaxial
