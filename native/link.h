// An attachment: a BPF link of any kind.
#pragma once

#include <napi.h>

#include "util/fd_handle.h"

namespace coaxial {

class Link : public FdHandle<Link> {
public:
  static constexpr const char *kKind = "link";
  explicit Link(const Napi::CallbackInfo &info) : FdHandle<Link>(info) {}
  static void Init(Napi::Env env, Napi::Object exports);
  static Napi::FunctionReference &Constructor(Napi::Env env);

private:
  friend class FdHandle<Link>;
  static Napi::Value Create(const Napi::CallbackInfo &info);
  static Napi::Value FromId(const Napi::CallbackInfo &info);
  void Update(const Napi::CallbackInfo &info);
  void Detach(const Napi::CallbackInfo &info);
  Napi::Value Info(const Napi::CallbackInfo &info);
};

} // namespace coaxial
