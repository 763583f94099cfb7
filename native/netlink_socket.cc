#include "netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "util/arguments.h"
#include "util/system_error.h"
#include "util/unique_fd.h"

namespace coaxial {

namespace {

// Larger than any datagram the kernel builds (dumps use at most 32 KiB); a longer one is reported.
constexpr size_t kDatagramLimit = 256UL * 1024;
// So that one busy socket does not starve the loop.
constexpr uint32_t kBatchLimit = 128;

bool SetOption(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

UniqueFd OpenSocket(Napi::Env env, int receive_buffer, int protocol) {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd.valid())
    throw SystemError(env, "open netlink socket", errno);
  // The forced size is not capped by rmem_max but needs CAP_NET_ADMIN.
  if (!SetOption(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer) &&
      !SetOption(fd.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer))
    throw SystemError(env, "set netlink receive buffer", errno);
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK})
    if (!SetOption(fd.get(), SOL_NETLINK, option, 1))
      throw SystemError(env, "set netlink option", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0)
    throw SystemError(env, "bind netlink socket", errno);
  return fd;
}

} // namespace

// Lives as long as libuv knows the handle: it is freed in the handle's close callback, which at the
// end of an environment is also what lets that end proceed.
struct NetlinkSocket::Poll {
  Poll(UniqueFd descriptor, NetlinkSocket *socket) : fd(std::move(descriptor)), owner(socket) {}

  static void OnCleanup(napi_async_cleanup_hook_handle, void *data) {
    auto *poll = static_cast<Poll *>(data);
    if (poll->owner != nullptr)
      poll->owner->CloseSocket();
  }

  static void OnClosed(uv_handle_t *handle) {
    const std::unique_ptr<Poll> poll(static_cast<Poll *>(handle->data));
    if (poll->cleanup != nullptr)
      napi_remove_async_cleanup_hook(poll->cleanup);
  }

  UniqueFd fd;
  NetlinkSocket *owner;
  uv_poll_t handle{};
  napi_async_cleanup_hook_handle cleanup = nullptr;
};

void NetlinkSocket::PollCloser::operator()(Poll *poll) const {
  poll->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t *>(&poll->handle), Poll::OnClosed);
}

void NetlinkSocket::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("NetlinkSocket", DefineClass(env, "NetlinkSocket",
                                           {
                                               InstanceMethod("addMembership", &NetlinkSocket::AddMembership),
                                               InstanceMethod("send", &NetlinkSocket::Send),
                                               InstanceMethod("close", &NetlinkSocket::Close),
                                               InstanceMethod("ref", &NetlinkSocket::RefLoop),
                                               InstanceMethod("unref", &NetlinkSocket::UnrefLoop),
                                               InstanceMethod("portId", &NetlinkSocket::PortId),
                                               InstanceMethod("receiveBuffer", &NetlinkSocket::ReceiveBuffer),
                                           }));
}

// new (receiveBuffer, onReceive, protocol)
NetlinkSocket::NetlinkSocket(const Napi::CallbackInfo &info) : Napi::ObjectWrap<NetlinkSocket>(info) {
  const Napi::Env env = info.Env();
  const auto receive_buffer = static_cast<int>(NumberArgument(info, 0));
  const auto protocol = static_cast<int>(NumberArgument(info, 2));
  if (info.Length() < 2 || !info[1].IsFunction())
    throw Napi::TypeError::New(env, "Expected a function as argument 1");

  uv_loop_t *loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  auto poll = std::make_unique<Poll>(OpenSocket(env, receive_buffer, protocol), this);
  if (const int status = uv_poll_init(loop, &poll->handle, poll->fd.get()); status != 0)
    throw SystemError(env, "poll netlink socket", -status);
  poll->handle.data = poll.get();
  poll_.reset(poll.release());
  napi_add_async_cleanup_hook(env, Poll::OnCleanup, poll_.get(), &poll_->cleanup);

  // A property, not a reference: the collector then sees through a cycle of callback and socket.
  info.This().As<Napi::Object>().DefineProperty(
      Napi::PropertyDescriptor::Value("onReceive", info[1], napi_default));
  async_context_ = std::make_unique<Napi::AsyncContext>(env, "NetlinkSocket");
  buffer_.resize(kDatagramLimit);
  uv_unref(reinterpret_cast<uv_handle_t *>(&poll_->handle));
  StartPolling();
}

NetlinkSocket::~NetlinkSocket() = default;

void NetlinkSocket::StartPolling() {
  uv_poll_start(&poll_->handle, UV_READABLE, [](uv_poll_t *handle, int status, int) {
    auto *poll = static_cast<Poll *>(handle->data);
    if (poll->owner != nullptr)
      poll->owner->OnPoll(status);
  });
}

void NetlinkSocket::OnPoll(int status) {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  // A handle of its own keeps this object alive while the callback runs.
  [[maybe_unused]] const Napi::Object self = Value();

  Napi::Array messages = Napi::Array::New(env);
  uint32_t count = 0;
  const int error = ReceiveBatch(env, messages, &count);
  if (count > 0 && !Deliver(env, messages, 0))
    return;
  if (error != 0 && !Deliver(env, env.Null(), error))
    return;
  const bool usable = error == 0 || error == ENOBUFS || error == EMSGSIZE;
  // libuv stops a handle whose socket has an error pending, which ENOBUFS is; reading cleared it.
  if (!usable)
    uv_poll_stop(&poll_->handle);
  else if (status < 0)
    StartPolling();
}

int NetlinkSocket::ReceiveBatch(Napi::Env env, Napi::Array messages, uint32_t *count) {
  for (uint32_t reads = 0; reads < kBatchLimit; reads++) {
    sockaddr_nl sender{};
    iovec part{buffer_.data(), buffer_.size()};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof(sender);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const ssize_t length = recvmsg(poll_->fd.get(), &header, 0);
    if (length < 0) {
      if (errno == EINTR)
        continue;
      return errno == EAGAIN ? 0 : errno;
    }
    if (header.msg_namelen != sizeof(sender) || sender.nl_pid != 0)
      continue; // another process, not the kernel
    if ((header.msg_flags & MSG_TRUNC) != 0)
      return EMSGSIZE;
    Napi::Uint8Array message = Napi::Uint8Array::New(env, static_cast<size_t>(length));
    std::memcpy(message.Data(), buffer_.data(), static_cast<size_t>(length));
    messages.Set((*count)++, message);
  }
  return 0;
}

bool NetlinkSocket::Deliver(Napi::Env env, napi_value messages, int error) {
  const napi_value arguments[] = {messages, Napi::Number::New(env, error)};
  const Napi::Object self = Value();
  const napi_value callback = self.Get("onReceive");
  napi_value result = nullptr;
  const napi_status status = napi_make_callback(env, *async_context_, self, callback, 2, arguments, &result);
  if (status == napi_pending_exception) {
    napi_value exception = nullptr;
    if (napi_get_and_clear_last_exception(env, &exception) == napi_ok)
      napi_fatal_exception(env, exception);
  }
  return poll_ != nullptr;
}

int NetlinkSocket::OpenFd(Napi::Env env) const {
  if (poll_ == nullptr)
    throw SystemError(env, "use closed netlink socket", EBADF);
  return poll_->fd.get();
}

void NetlinkSocket::SetReferenced(bool referenced) {
  if (poll_ == nullptr || referenced == referenced_)
    return;
  referenced_ = referenced;
  auto *handle = reinterpret_cast<uv_handle_t *>(&poll_->handle);
  if (referenced) {
    uv_ref(handle);
    Ref();
  } else {
    uv_unref(handle);
    Unref();
  }
}

void NetlinkSocket::CloseSocket() {
  SetReferenced(false);
  poll_.reset();
}

// addMembership(group)
void NetlinkSocket::AddMembership(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const auto group = static_cast<int>(NumberArgument(info, 0));
  if (!SetOption(OpenFd(env), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group))
    throw SystemError(env, "join netlink group", errno);
}

// send(message)
void NetlinkSocket::Send(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const Bytes message = BytesArgument(info, 0, sizeof(nlmsghdr));
  const int fd = OpenFd(env);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = -1;
  do {
    sent = sendto(fd, message.data, message.size, 0, reinterpret_cast<sockaddr *>(&kernel), sizeof(kernel));
  } while (sent < 0 && errno == EINTR);
  if (sent < 0)
    throw SystemError(env, "send netlink message", errno);
}

void NetlinkSocket::Close(const Napi::CallbackInfo &) { CloseSocket(); }

void NetlinkSocket::RefLoop(const Napi::CallbackInfo &) { SetReferenced(true); }

void NetlinkSocket::UnrefLoop(const Napi::CallbackInfo &) { SetReferenced(false); }

// portId(): the address the kernel gave this socket.
Napi::Value NetlinkSocket::PortId(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  sockaddr_nl address{};
  socklen_t length = sizeof(address);
  if (getsockname(OpenFd(env), reinterpret_cast<sockaddr *>(&address), &length) != 0)
    throw SystemError(env, "get netlink port", errno);
  return Napi::Number::New(env, address.nl_pid);
}

// receiveBuffer(): bytes as the kernel counts them, twice what was asked for.
Napi::Value NetlinkSocket::ReceiveBuffer(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  int size = 0;
  socklen_t length = sizeof(size);
  if (getsockopt(OpenFd(env), SOL_SOCKET, SO_RCVBUF, &size, &length) != 0)
    throw SystemError(env, "get netlink receive buffer", errno);
  return Napi::Number::New(env, size);
}

} // namespace coaxial

void NetlinkSocketInit(Napi::Env env, Napi::Object exports) { coaxial::NetlinkSocket::Init(env, exports); }
