// A uv_poll on a descriptor somebody else owns. libuv handles close asynchronously: the handle lives
// in a block of its own that outlasts this object, and an environment waits for it when it ends.
#pragma once

#include <napi.h>
#include <uv.h>

#include <functional>

namespace coaxial {

class PollHandle {
public:
  PollHandle(Napi::Env env, int fd, std::function<void()> on_readable);
  ~PollHandle();
  PollHandle(const PollHandle &) = delete;
  PollHandle &operator=(const PollHandle &) = delete;

  int Start(); // 0 or an errno value
  void Stop();

private:
  struct Block;
  Block *block_;
};

} // namespace coaxial
