// Reader of a BPF ring buffer on the event loop. It polls only while JavaScript waits for records,
// so an idle reader neither keeps the process alive nor itself from being collected.
#pragma once

#include <bpf/libbpf.h>
#include <napi.h>
#include <uv.h>

#include <memory>
#include <vector>

#include "util/poll_handle.h"

namespace coaxial {

struct RingCloser {
  void operator()(ring_buffer *ring) const { ring_buffer__free(ring); }
};

class RingBuffer : public Napi::ObjectWrap<RingBuffer> {
public:
  explicit RingBuffer(const Napi::CallbackInfo &info);
  static void Init(Napi::Env env, Napi::Object exports);

private:
  Napi::Value Drain(const Napi::CallbackInfo &info);
  void Wait(const Napi::CallbackInfo &info);
  void Cancel(const Napi::CallbackInfo &info);
  void Close(const Napi::CallbackInfo &info);

  static int OnRecord(void *context, void *data, size_t size);
  void OnReadable();

  std::unique_ptr<ring_buffer, RingCloser> ring_;
  std::unique_ptr<PollHandle> poll_;
  Napi::FunctionReference waiter_;
  std::vector<std::vector<uint8_t>> records_;
  size_t limit_ = 0;
};

} // namespace coaxial
