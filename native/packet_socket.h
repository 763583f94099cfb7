// PacketSocket: sends whole IPv6 packets, extension headers included, by the kernel's routes.
#pragma once

#include <napi.h>

#include "util/unique_fd.h"

namespace coaxial {

class PacketSocket : public Napi::ObjectWrap<PacketSocket> {
public:
  explicit PacketSocket(const Napi::CallbackInfo &info);
  static void Init(Napi::Env env, Napi::Object exports);

private:
  Napi::Value Send(const Napi::CallbackInfo &info);
  void Close(const Napi::CallbackInfo &info);

  UniqueFd fd_;
};

} // namespace coaxial
