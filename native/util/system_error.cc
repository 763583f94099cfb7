#include "util/system_error.h"

#include <cstring>

namespace coaxial {

Napi::Error SystemError(Napi::Env env, const char *operation, int error,
                        const std::vector<std::string> &messages) {
  Napi::Error result = Napi::Error::New(env, std::string(operation) + ": " + std::strerror(error));
  Napi::Array lines = Napi::Array::New(env, messages.size());
  for (size_t i = 0; i < messages.size(); i++)
    lines.Set(static_cast<uint32_t>(i), Napi::String::New(env, messages[i]));
  result.Set("errno", Napi::Number::New(env, error));
  result.Set("operation", Napi::String::New(env, operation));
  result.Set("messages", lines);
  return result;
}

} // namespace coaxial
