// Collects what libbpf would print to stderr. libbpf has one print function per process, so the
// collector in use is a thread-local: calls on other threads do not mix, and messages nobody
// collects are dropped.
#pragma once

#include <string>
#include <vector>

namespace coaxial {

class LibbpfLog {
public:
  // Starts collecting on the calling thread until destruction. Nests.
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog &) = delete;
  LibbpfLog &operator=(const LibbpfLog &) = delete;

  const std::vector<std::string> &messages() const { return messages_; }
  void add(std::string message) { messages_.push_back(std::move(message)); }

  // Replaces libbpf's print function, once per process.
  static void Install();

private:
  std::vector<std::string> messages_;
  LibbpfLog *outer_;
};

} // namespace coaxial
