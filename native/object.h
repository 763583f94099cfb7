// A BPF object file: opened, adjusted, loaded once.
#pragma once

#include <bpf/libbpf.h>
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

namespace coaxial {

struct ObjectCloser {
  void operator()(bpf_object *object) const { bpf_object__close(object); }
};

// Shared with the worker that loads, so that close() during load() is safe.
struct ObjectState {
  // Buffers first: libbpf holds pointers into them until the object is closed.
  std::vector<std::pair<std::string, std::unique_ptr<char[]>>> logs;
  std::unique_ptr<bpf_object, ObjectCloser> object;
  // By the names of the file: libbpf renames a map that takes over an existing one.
  std::vector<std::pair<std::string, bpf_map *>> maps;
};

class Object : public Napi::ObjectWrap<Object> {
public:
  explicit Object(const Napi::CallbackInfo &info);
  static void Init(Napi::Env env, Napi::Object exports);

private:
  Napi::Value Maps(const Napi::CallbackInfo &info);
  Napi::Value Programs(const Napi::CallbackInfo &info);
  Napi::Value Btf(const Napi::CallbackInfo &info);
  void SetMaxEntries(const Napi::CallbackInfo &info);
  void SetMapFlags(const Napi::CallbackInfo &info);
  void SetPinPath(const Napi::CallbackInfo &info);
  void ReuseMap(const Napi::CallbackInfo &info);
  void SetInnerMap(const Napi::CallbackInfo &info);
  Napi::Value InitialValue(const Napi::CallbackInfo &info);
  void SetInitialValue(const Napi::CallbackInfo &info);
  void SetAutoload(const Napi::CallbackInfo &info);
  void SetLogLevel(const Napi::CallbackInfo &info);
  Napi::Value Load(const Napi::CallbackInfo &info);
  void Close(const Napi::CallbackInfo &info);

  bpf_object *Opened(Napi::Env env) const;
  bpf_map *MapArgument(const Napi::CallbackInfo &info) const;
  bpf_program *ProgramArgument(const Napi::CallbackInfo &info) const;

  std::shared_ptr<ObjectState> state_;
  size_t log_size_;
  uint32_t log_level_;
};

} // namespace coaxial
