// A loaded BPF program.
#pragma once

#include <napi.h>

#include "util/fd_handle.h"

namespace coaxial {

class Program : public FdHandle<Program> {
public:
  static constexpr const char *kKind = "program";
  explicit Program(const Napi::CallbackInfo &info) : FdHandle<Program>(info) {}
  static void Init(Napi::Env env, Napi::Object exports);
  static Napi::FunctionReference &Constructor(Napi::Env env);

private:
  friend class FdHandle<Program>;
  static Napi::Value FromId(const Napi::CallbackInfo &info);
  Napi::Value Info(const Napi::CallbackInfo &info);
  Napi::Value TestRun(const Napi::CallbackInfo &info);
};

} // namespace coaxial
