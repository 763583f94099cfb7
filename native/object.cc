#include "object.h"

#include <bpf/btf.h>

#include <cerrno>

#include "map.h"
#include "object_load.h"
#include "util/arguments.h"
#include "util/libbpf_log.h"
#include "util/system_error.h"

namespace coaxial {

namespace {

void Check(Napi::Env env, int result, const char *operation, const LibbpfLog &log) {
  if (result < 0)
    throw SystemError(env, operation, -result, log.messages());
}

} // namespace

void Object::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("BpfObject", DefineClass(env, "BpfObject",
                                       {
                                           InstanceMethod("maps", &Object::Maps),
                                           InstanceMethod("programs", &Object::Programs),
                                           InstanceMethod("btf", &Object::Btf),
                                           InstanceMethod("setMaxEntries", &Object::SetMaxEntries),
                                           InstanceMethod("setMapFlags", &Object::SetMapFlags),
                                           InstanceMethod("setPinPath", &Object::SetPinPath),
                                           InstanceMethod("reuseMap", &Object::ReuseMap),
                                           InstanceMethod("setInnerMap", &Object::SetInnerMap),
                                           InstanceMethod("initialValue", &Object::InitialValue),
                                           InstanceMethod("setInitialValue", &Object::SetInitialValue),
                                           InstanceMethod("setAutoload", &Object::SetAutoload),
                                           InstanceMethod("setLogLevel", &Object::SetLogLevel),
                                           InstanceMethod("load", &Object::Load),
                                           InstanceMethod("close", &Object::Close),
                                       }));
}

// new (path | bytes, {name?, pinRoot?, logLevel?, logSize})
Object::Object(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Object>(info) {
  const Napi::Env env = info.Env();
  const Napi::Object settings = ObjectArgument(info, 1);
  const Napi::Value name = settings.Get("name"), pin_root = settings.Get("pinRoot");
  const std::string name_text = name.IsString() ? name.As<Napi::String>().Utf8Value() : "";
  const std::string root_text = pin_root.IsString() ? pin_root.As<Napi::String>().Utf8Value() : "";
  log_size_ = NumberOption(settings, "logSize", 16 << 20);
  log_level_ = NumberOption(settings, "logLevel", 0);

  LIBBPF_OPTS(bpf_object_open_opts, options);
  if (!name_text.empty())
    options.object_name = name_text.c_str();
  if (!root_text.empty())
    options.pin_root_path = root_text.c_str();
  const LibbpfLog log;
  bpf_object *object = nullptr;
  if (info[0].IsString()) {
    object = bpf_object__open_file(StringArgument(info, 0).c_str(), &options);
  } else {
    const Bytes bytes = BytesArgument(info, 0);
    object = bpf_object__open_mem(bytes.data, bytes.size, &options);
  }
  if (object == nullptr)
    throw SystemError(env, "open object", errno, log.messages());
  state_ = std::make_shared<ObjectState>();
  state_->object.reset(object);
  bpf_map *map = nullptr;
  bpf_object__for_each_map(map, object) state_->maps.emplace_back(bpf_map__name(map), map);
}

bpf_object *Object::Opened(Napi::Env env) const {
  if (!state_)
    throw SystemError(env, "use object", EBADF, {"the object is closed"});
  return state_->object.get();
}

bpf_map *Object::MapArgument(const Napi::CallbackInfo &info) const {
  Opened(info.Env());
  const std::string wanted = StringArgument(info, 0);
  for (const auto &[name, map] : state_->maps)
    if (name == wanted)
      return map;
  throw SystemError(info.Env(), "find map", ENOENT);
}

bpf_program *Object::ProgramArgument(const Napi::CallbackInfo &info) const {
  bpf_program *program =
      bpf_object__find_program_by_name(Opened(info.Env()), StringArgument(info, 0).c_str());
  if (program == nullptr)
    throw SystemError(info.Env(), "find program", ENOENT);
  return program;
}

Napi::Value Object::Maps(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Napi::Array result = Napi::Array::New(env);
  Opened(env);
  for (const auto &[name, map] : state_->maps) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", name);
    entry.Set("type", static_cast<uint32_t>(bpf_map__type(map)));
    entry.Set("keySize", bpf_map__key_size(map));
    entry.Set("valueSize", bpf_map__value_size(map));
    entry.Set("maxEntries", bpf_map__max_entries(map));
    entry.Set("flags", bpf_map__map_flags(map));
    entry.Set("keyTypeId", bpf_map__btf_key_type_id(map));
    entry.Set("valueTypeId", bpf_map__btf_value_type_id(map));
    entry.Set("internal", bpf_map__is_internal(map));
    if (const char *path = bpf_map__pin_path(map))
      entry.Set("pinPath", path);
    result.Set(result.Length(), entry);
  }
  return result;
}

Napi::Value Object::Programs(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Napi::Array result = Napi::Array::New(env);
  bpf_program *program = nullptr;
  bpf_object__for_each_program(program, Opened(env)) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", bpf_program__name(program));
    entry.Set("section", bpf_program__section_name(program));
    entry.Set("type", static_cast<uint32_t>(bpf_program__type(program)));
    entry.Set("autoload", bpf_program__autoload(program));
    result.Set(result.Length(), entry);
  }
  return result;
}

// The raw BTF as libbpf completed it (variables' offsets are filled in), or undefined.
Napi::Value Object::Btf(const Napi::CallbackInfo &info) {
  const struct btf *btf = bpf_object__btf(Opened(info.Env()));
  if (btf == nullptr)
    return info.Env().Undefined();
  uint32_t size = 0;
  const void *data = btf__raw_data(btf, &size);
  if (data == nullptr)
    throw SystemError(info.Env(), "read BTF", errno);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), size);
  std::copy_n(static_cast<const uint8_t *>(data), size, bytes.Data());
  return bytes;
}

void Object::SetMaxEntries(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  Check(info.Env(), bpf_map__set_max_entries(MapArgument(info), NumberArgument(info, 1)), "set max entries",
        log);
}

void Object::SetMapFlags(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  Check(info.Env(), bpf_map__set_map_flags(MapArgument(info), NumberArgument(info, 1)), "set map flags", log);
}

void Object::SetPinPath(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  const std::string path = HasArgument(info, 1) ? StringArgument(info, 1) : "";
  Check(info.Env(), bpf_map__set_pin_path(MapArgument(info), path.empty() ? nullptr : path.c_str()),
        "set pin path", log);
}

// reuseMap(name, fd): libbpf takes its own duplicate.
void Object::ReuseMap(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  Check(info.Env(), bpf_map__reuse_fd(MapArgument(info), static_cast<int>(NumberArgument(info, 1))),
        "reuse map", log);
}

void Object::SetInnerMap(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  Check(info.Env(), bpf_map__set_inner_map_fd(MapArgument(info), static_cast<int>(NumberArgument(info, 1))),
        "set inner map", log);
}

Napi::Value Object::InitialValue(const Napi::CallbackInfo &info) {
  size_t size = 0;
  const void *data = bpf_map__initial_value(MapArgument(info), &size);
  if (data == nullptr)
    throw SystemError(info.Env(), "read initial value", EINVAL);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), size);
  std::copy_n(static_cast<const uint8_t *>(data), size, bytes.Data());
  return bytes;
}

void Object::SetInitialValue(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  const Bytes bytes = BytesArgument(info, 1);
  Check(info.Env(), bpf_map__set_initial_value(MapArgument(info), bytes.data, bytes.size),
        "set initial value", log);
}

void Object::SetAutoload(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  Check(info.Env(), bpf_program__set_autoload(ProgramArgument(info), info[1].ToBoolean().Value()),
        "set autoload", log);
}

void Object::SetLogLevel(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  Check(info.Env(), bpf_program__set_log_level(ProgramArgument(info), NumberArgument(info, 1)),
        "set log level", log);
}

// Resolves with {maps, programs, logs}; the descriptors are duplicates, the object can be closed.
Napi::Value Object::Load(const Napi::CallbackInfo &info) {
  Opened(info.Env());
  auto *worker = new ObjectLoad(info.Env(), state_, log_size_, log_level_);
  const Napi::Promise promise = worker->promise();
  worker->Queue(); // deletes itself when done
  return promise;
}

void Object::Close(const Napi::CallbackInfo &) { state_.reset(); }

} // namespace coaxial
