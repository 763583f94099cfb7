// Argument checks of the native methods. TypeScript has given good messages already; what is left
// here keeps memory safe whoever calls.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace coaxial {

struct Bytes {
  uint8_t *data = nullptr;
  size_t size = 0;
};

// A Uint8Array of at least `minimum` bytes.
inline Bytes BytesArgument(const Napi::CallbackInfo &info, size_t index, size_t minimum = 0) {
  napi_typedarray_type type = napi_int8_array;
  void *data = nullptr;
  size_t length = 0;
  if (index >= info.Length() ||
      napi_get_typedarray_info(info.Env(), info[index], &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array)
    throw Napi::TypeError::New(info.Env(), "Expected a Uint8Array as argument " + std::to_string(index));
  if (length < minimum)
    throw Napi::RangeError::New(info.Env(), "Expected at least " + std::to_string(minimum) +
                                                " bytes as argument " + std::to_string(index));
  return {static_cast<uint8_t *>(data), length};
}

inline bool HasArgument(const Napi::CallbackInfo &info, size_t index) {
  return index < info.Length() && !info[index].IsUndefined() && !info[index].IsNull();
}

inline std::string StringArgument(const Napi::CallbackInfo &info, size_t index) {
  if (index >= info.Length() || !info[index].IsString())
    throw Napi::TypeError::New(info.Env(), "Expected a string as argument " + std::to_string(index));
  return info[index].As<Napi::String>().Utf8Value();
}

inline uint32_t NumberArgument(const Napi::CallbackInfo &info, size_t index) {
  if (index >= info.Length() || !info[index].IsNumber())
    throw Napi::TypeError::New(info.Env(), "Expected a number as argument " + std::to_string(index));
  return info[index].As<Napi::Number>().Uint32Value();
}

inline uint32_t NumberOption(const Napi::Object &options, const char *name, uint32_t otherwise) {
  const Napi::Value value = options.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : otherwise;
}

inline Napi::Object ObjectArgument(const Napi::CallbackInfo &info, size_t index) {
  if (index >= info.Length() || !info[index].IsObject())
    throw Napi::TypeError::New(info.Env(), "Expected an object as argument " + std::to_string(index));
  return info[index].As<Napi::Object>();
}

} // namespace coaxial
