#include "util/libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>

namespace coaxial {

namespace {

thread_local LibbpfLog *collector = nullptr;

int Print(enum libbpf_print_level level, const char *format, va_list arguments) {
  if (collector == nullptr || level == LIBBPF_DEBUG)
    return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  if (length > 0) {
    std::string text(static_cast<size_t>(length) + 1, '\0');
    std::vsnprintf(text.data(), text.size(), format, again);
    text.resize(static_cast<size_t>(length));
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    if (!text.empty())
      collector->add(std::move(text));
  }
  va_end(again);
  return 0;
}

} // namespace

LibbpfLog::LibbpfLog() : outer_(collector) { collector = this; }

LibbpfLog::~LibbpfLog() { collector = outer_; }

void LibbpfLog::Install() {
  static std::once_flag once;
  std::call_once(once, [] { libbpf_set_print(Print); });
}

} // namespace coaxial
