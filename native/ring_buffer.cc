#include "ring_buffer.h"

#include <cerrno>

#include "util/arguments.h"
#include "util/libbpf_log.h"
#include "util/system_error.h"

namespace coaxial {

void RingBuffer::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("RingBuffer", DefineClass(env, "RingBuffer",
                                        {
                                            InstanceMethod("drain", &RingBuffer::Drain),
                                            InstanceMethod("wait", &RingBuffer::Wait),
                                            InstanceMethod("cancel", &RingBuffer::Cancel),
                                            InstanceMethod("close", &RingBuffer::Close),
                                        }));
}

// new (mapFd)
RingBuffer::RingBuffer(const Napi::CallbackInfo &info) : Napi::ObjectWrap<RingBuffer>(info) {
  const LibbpfLog log;
  ring_.reset(ring_buffer__new(static_cast<int>(NumberArgument(info, 0)), OnRecord, this, nullptr));
  if (!ring_)
    throw SystemError(info.Env(), "open ring buffer", errno, log.messages());
  poll_ =
      std::make_unique<PollHandle>(info.Env(), ring_buffer__epoll_fd(ring_.get()), [this] { OnReadable(); });
}

int RingBuffer::OnRecord(void *context, void *data, size_t size) {
  auto *self = static_cast<RingBuffer *>(context);
  const auto *bytes = static_cast<const uint8_t *>(data);
  self->records_.emplace_back(bytes, bytes + size);
  return self->records_.size() >= self->limit_ ? -ECANCELED : 0; // the record counts as read
}

// drain(limit): the records there are now, at most `limit`.
Napi::Value RingBuffer::Drain(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!ring_)
    throw SystemError(env, "read ring buffer", EBADF);
  limit_ = NumberArgument(info, 0);
  records_.clear();
  const int result = ring_buffer__consume(ring_.get());
  if (result < 0 && result != -ECANCELED)
    throw SystemError(env, "read ring buffer", -result);
  Napi::Array array = Napi::Array::New(env, records_.size());
  for (size_t i = 0; i < records_.size(); i++) {
    Napi::Uint8Array bytes = Napi::Uint8Array::New(env, records_[i].size());
    std::copy(records_[i].begin(), records_[i].end(), bytes.Data());
    array.Set(static_cast<uint32_t>(i), bytes);
  }
  records_.clear();
  return array;
}

// wait(callback): one call when there is something to read.
void RingBuffer::Wait(const Napi::CallbackInfo &info) {
  if (!ring_)
    throw SystemError(info.Env(), "read ring buffer", EBADF);
  if (info.Length() < 1 || !info[0].IsFunction())
    throw Napi::TypeError::New(info.Env(), "Expected a function as argument 0");
  waiter_ = Napi::Persistent(info[0].As<Napi::Function>());
  const int error = poll_->Start();
  if (error != 0) {
    waiter_.Reset();
    throw SystemError(info.Env(), "read ring buffer", error);
  }
}

void RingBuffer::Cancel(const Napi::CallbackInfo &) {
  if (poll_)
    poll_->Stop();
  waiter_.Reset();
}

void RingBuffer::Close(const Napi::CallbackInfo &) {
  waiter_.Reset();
  poll_.reset();
  ring_.reset();
}

void RingBuffer::OnReadable() {
  poll_->Stop();
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  if (waiter_.IsEmpty())
    return;
  const Napi::Function callback = waiter_.Value();
  waiter_.Reset(); // before the call: it may wait again
  try {
    callback.MakeCallback(env.Global(), {});
  } catch (const Napi::Error &error) {
    napi_fatal_exception(env, error.Value());
  }
}

} // namespace coaxial
