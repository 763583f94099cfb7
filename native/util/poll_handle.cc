#include "util/poll_handle.h"

#include <node_api.h>

#include "util/system_error.h"

namespace coaxial {

struct PollHandle::Block {
  uv_poll_t poll{};
  PollHandle *owner = nullptr; // null once the owner has gone
  std::function<void()> on_readable;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool closing = false;

  void Close() {
    if (closing)
      return;
    closing = true;
    uv_close(reinterpret_cast<uv_handle_t *>(&poll), [](uv_handle_t *handle) {
      const std::unique_ptr<Block> block(static_cast<Block *>(handle->data));
      if (block->owner != nullptr)
        block->owner->block_ = nullptr;
      if (block->hook != nullptr)
        napi_remove_async_cleanup_hook(block->hook);
    });
  }

  static void OnPoll(uv_poll_t *handle, int, int) {
    auto *block = static_cast<Block *>(handle->data);
    if (!block->closing)
      block->on_readable();
  }
};

PollHandle::PollHandle(Napi::Env env, int fd, std::function<void()> on_readable) : block_(nullptr) {
  uv_loop_t *loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok)
    throw Napi::Error::New(env, "The environment has no event loop");
  auto block = std::make_unique<Block>();
  block->on_readable = std::move(on_readable);
  const int result = uv_poll_init(loop, &block->poll, fd);
  if (result < 0)
    throw SystemError(env, "poll", -result);
  block->poll.data = block.get();
  block->owner = this;
  block_ = block.release(); // from here the loop owns it, until uv_close is done
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void *argument) { static_cast<Block *>(argument)->Close(); },
      block_, &block_->hook);
}

PollHandle::~PollHandle() {
  if (block_ == nullptr)
    return;
  block_->owner = nullptr;
  block_->Close();
}

int PollHandle::Start() {
  if (block_ == nullptr || block_->closing)
    return EBADF;
  return -uv_poll_start(&block_->poll, UV_READABLE, Block::OnPoll);
}

void PollHandle::Stop() {
  if (block_ != nullptr && !block_->closing)
    uv_poll_stop(&block_->poll);
}

} // namespace coaxial
