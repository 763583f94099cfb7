// A BPF map. Calls of the fast path answer 0 or -errno instead of throwing.
#pragma once

#include <napi.h>

#include "util/fd_handle.h"

namespace coaxial {

class Map : public FdHandle<Map> {
public:
  static constexpr const char *kKind = "map";
  explicit Map(const Napi::CallbackInfo &info);
  static void Init(Napi::Env env, Napi::Object exports);
  static Napi::FunctionReference &Constructor(Napi::Env env);

private:
  friend class FdHandle<Map>;
  static Napi::Value Create(const Napi::CallbackInfo &info);
  static Napi::Value FromId(const Napi::CallbackInfo &info);

  Napi::Value Lookup(const Napi::CallbackInfo &info);
  Napi::Value Update(const Napi::CallbackInfo &info);
  Napi::Value Delete(const Napi::CallbackInfo &info);
  Napi::Value LookupAndDelete(const Napi::CallbackInfo &info);
  Napi::Value NextKey(const Napi::CallbackInfo &info);
  Napi::Value ReadAll(const Napi::CallbackInfo &info);
  Napi::Value ReadRange(const Napi::CallbackInfo &info);
  Napi::Value UpdateBatch(const Napi::CallbackInfo &info);
  Napi::Value DeleteBatch(const Napi::CallbackInfo &info);
  Napi::Value Freeze(const Napi::CallbackInfo &info);
  Napi::Value Info(const Napi::CallbackInfo &info);

  uint8_t *KeyArgument(const Napi::CallbackInfo &info) const;

  size_t key_size_ = 0;
  size_t value_bytes_ = 0; // of all CPUs for per-CPU maps
  uint32_t max_entries_ = 0;
};

} // namespace coaxial
