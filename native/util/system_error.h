// Errors of the kernel and of libbpf as JavaScript errors with `errno`, `operation` and `messages`;
// TypeScript turns them into its own classes in one place.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

namespace coaxial {

// `error` is a positive errno value.
Napi::Error SystemError(Napi::Env env, const char *operation, int error,
                        const std::vector<std::string> &messages = {});

} // namespace coaxial
