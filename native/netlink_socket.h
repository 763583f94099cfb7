// NetlinkSocket: a non-blocking netlink socket on the event loop of its environment. Only
// messages of the kernel are delivered; lost messages are told as an errno.
#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>
#include <vector>

namespace coaxial {

class NetlinkSocket : public Napi::ObjectWrap<NetlinkSocket> {
public:
  static void Init(Napi::Env env, Napi::Object exports);

  explicit NetlinkSocket(const Napi::CallbackInfo &info);
  ~NetlinkSocket() override;

private:
  struct Poll;
  struct PollCloser {
    void operator()(Poll *poll) const;
  };

  void AddMembership(const Napi::CallbackInfo &info);
  void Send(const Napi::CallbackInfo &info);
  void Close(const Napi::CallbackInfo &info);
  void RefLoop(const Napi::CallbackInfo &info);
  void UnrefLoop(const Napi::CallbackInfo &info);
  Napi::Value PortId(const Napi::CallbackInfo &info);
  Napi::Value ReceiveBuffer(const Napi::CallbackInfo &info);

  // The descriptor; throws EBADF when the socket is closed.
  int OpenFd(Napi::Env env) const;
  void CloseSocket();
  void SetReferenced(bool referenced);

  void StartPolling();
  void OnPoll(int status);
  // Reads until the socket is empty or the batch is full; the errno that ended it, 0 for none.
  int ReceiveBatch(Napi::Env env, Napi::Array messages, uint32_t *count);
  // Runs the JavaScript callback; false when the socket was closed meanwhile.
  bool Deliver(Napi::Env env, napi_value messages, int error);

  std::unique_ptr<Poll, PollCloser> poll_;
  std::unique_ptr<Napi::AsyncContext> async_context_;
  std::vector<uint8_t> buffer_;
  bool referenced_ = false;
};

} // namespace coaxial

void NetlinkSocketInit(Napi::Env env, Napi::Object exports);
