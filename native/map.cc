#include "map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <vector>

#include "addon_data.h"

namespace coaxial {

namespace {

bool IsPerCpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

bpf_map_info ReadInfo(Napi::Env env, int fd) {
  bpf_map_info details{};
  uint32_t length = sizeof(details);
  if (bpf_obj_get_info_by_fd(fd, &details, &length) < 0)
    throw SystemError(env, "map info", errno);
  return details;
}

Napi::Value Status(Napi::Env env, int result) { return Napi::Number::New(env, result < 0 ? -errno : 0); }

Napi::Value CopyBytes(Napi::Env env, const std::vector<uint8_t> &bytes, size_t size) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, size);
  std::copy_n(bytes.begin(), size, array.Data());
  return array;
}

Napi::Value BatchResult(Napi::Env env, int result, uint32_t count) {
  const int error = result < 0 ? errno : 0;
  Napi::Object object = Napi::Object::New(env);
  object.Set("count", count);
  object.Set("errno", error);
  return object;
}

} // namespace

Map::Map(const Napi::CallbackInfo &info) : FdHandle<Map>(info) {
  const bpf_map_info details = ReadInfo(info.Env(), fd());
  key_size_ = details.key_size;
  max_entries_ = details.max_entries;
  value_bytes_ = details.value_size;
  if (IsPerCpu(details.type)) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0)
      throw SystemError(info.Env(), "possible CPUs", -cpus);
    value_bytes_ = (value_bytes_ + 7) / 8 * 8 * static_cast<size_t>(cpus);
  }
}

Napi::FunctionReference &Map::Constructor(Napi::Env env) { return AddonData::Of(env).map; }

void Map::Init(Napi::Env env, Napi::Object exports) {
  Napi::Function constructor = DefineClass(env, "BpfMap",
                                           WithHandleMethods({
                                               StaticMethod("create", &Map::Create),
                                               StaticMethod("fromPin", &Map::FromPin),
                                               StaticMethod("fromId", &Map::FromId),
                                               InstanceMethod("lookup", &Map::Lookup),
                                               InstanceMethod("update", &Map::Update),
                                               InstanceMethod("delete", &Map::Delete),
                                               InstanceMethod("lookupAndDelete", &Map::LookupAndDelete),
                                               InstanceMethod("nextKey", &Map::NextKey),
                                               InstanceMethod("readAll", &Map::ReadAll),
                                               InstanceMethod("readRange", &Map::ReadRange),
                                               InstanceMethod("updateBatch", &Map::UpdateBatch),
                                               InstanceMethod("deleteBatch", &Map::DeleteBatch),
                                               InstanceMethod("freeze", &Map::Freeze),
                                               InstanceMethod("info", &Map::Info),
                                           }));
  Constructor(env) = Napi::Persistent(constructor);
  exports.Set("BpfMap", constructor);
}

Napi::Value Map::Create(const Napi::CallbackInfo &info) {
  const Napi::Object spec = ObjectArgument(info, 0);
  const Napi::Value name = spec.Get("name");
  const std::string text = name.IsString() ? name.As<Napi::String>().Utf8Value() : "";
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.map_flags = NumberOption(spec, "flags", 0);
  options.inner_map_fd = NumberOption(spec, "innerMapFd", 0);
  const auto type = static_cast<bpf_map_type>(NumberOption(spec, "type", 0));
  const int fd =
      bpf_map_create(type, text.empty() ? nullptr : text.c_str(), NumberOption(spec, "keySize", 0),
                     NumberOption(spec, "valueSize", 0), NumberOption(spec, "maxEntries", 0), &options);
  return AdoptResult(info.Env(), fd, "create map");
}

Napi::Value Map::FromId(const Napi::CallbackInfo &info) {
  return AdoptResult(info.Env(), bpf_map_get_fd_by_id(NumberArgument(info, 0)), "open map by id");
}

// Queues and stacks have no key, and the kernel wants none.
uint8_t *Map::KeyArgument(const Napi::CallbackInfo &info) const {
  uint8_t *data = BytesArgument(info, 0, key_size_).data;
  return key_size_ == 0 ? nullptr : data;
}

Napi::Value Map::Lookup(const Napi::CallbackInfo &info) {
  const uint8_t *key = KeyArgument(info);
  const Bytes value = BytesArgument(info, 1, value_bytes_);
  return Status(info.Env(), bpf_map_lookup_elem_flags(fd(), key, value.data, NumberArgument(info, 2)));
}

Napi::Value Map::Update(const Napi::CallbackInfo &info) {
  const uint8_t *key = KeyArgument(info);
  const Bytes value = BytesArgument(info, 1, value_bytes_);
  return Status(info.Env(), bpf_map_update_elem(fd(), key, value.data, NumberArgument(info, 2)));
}

Napi::Value Map::Delete(const Napi::CallbackInfo &info) {
  return Status(info.Env(), bpf_map_delete_elem(fd(), KeyArgument(info)));
}

Napi::Value Map::LookupAndDelete(const Napi::CallbackInfo &info) {
  const uint8_t *key = KeyArgument(info);
  const Bytes value = BytesArgument(info, 1, value_bytes_);
  return Status(info.Env(), bpf_map_lookup_and_delete_elem(fd(), key, value.data));
}

// nextKey(previous | undefined, next)
Napi::Value Map::NextKey(const Napi::CallbackInfo &info) {
  const uint8_t *previous = HasArgument(info, 0) ? BytesArgument(info, 0, key_size_).data : nullptr;
  const Bytes next = BytesArgument(info, 1, key_size_);
  return Status(info.Env(), bpf_map_get_next_key(fd(), previous, next.data));
}

// The whole map by BPF_MAP_LOOKUP_BATCH: {keys, values, count}, or -errno where the map cannot.
Napi::Value Map::ReadAll(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  std::vector<uint8_t> keys, values;
  std::vector<uint8_t> cursor(std::max<size_t>(key_size_, 8)), next(cursor.size());
  uint32_t chunk = std::min<uint32_t>(std::max<uint32_t>(max_entries_, 1), 4096);
  size_t total = 0;
  bool first = true, done = false;
  while (!done) {
    keys.resize((total + chunk) * key_size_);
    values.resize((total + chunk) * value_bytes_);
    uint32_t count = chunk;
    const int result = bpf_map_lookup_batch(fd(), first ? nullptr : cursor.data(), next.data(),
                                            keys.data() + total * key_size_,
                                            values.data() + total * value_bytes_, &count, &options);
    const int error = result < 0 ? errno : 0;
    if (error == ENOSPC) { // one bucket holds more than the chunk
      if (chunk > max_entries_)
        return Napi::Number::New(env, -ENOSPC);
      chunk *= 2;
      continue;
    }
    if (error != 0 && error != ENOENT)
      return Napi::Number::New(env, -error);
    total += count;
    done = error == ENOENT;
    first = false;
    cursor.swap(next);
    // A cursor can restart while others write; do not follow it for ever.
    if (total > 2 * static_cast<size_t>(max_entries_) + chunk)
      return Napi::Number::New(env, -ELOOP);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("keys", CopyBytes(env, keys, total * key_size_));
  object.Set("values", CopyBytes(env, values, total * value_bytes_));
  object.Set("count", static_cast<double>(total));
  return object;
}

// readRange(previous | undefined, keys, values, count): elements behind a key, in the map's order.
Napi::Value Map::ReadRange(const Napi::CallbackInfo &info) {
  uint32_t count = NumberArgument(info, 3);
  uint8_t *previous = HasArgument(info, 0) ? BytesArgument(info, 0, key_size_).data : nullptr;
  const Bytes keys = BytesArgument(info, 1, key_size_ * count);
  const Bytes values = BytesArgument(info, 2, value_bytes_ * count);
  std::vector<uint8_t> cursor(std::max<size_t>(key_size_, 8));
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  const int result =
      bpf_map_lookup_batch(fd(), previous, cursor.data(), keys.data, values.data, &count, &options);
  return BatchResult(info.Env(), result, count);
}

// updateBatch(keys, values, count, flags)
Napi::Value Map::UpdateBatch(const Napi::CallbackInfo &info) {
  uint32_t count = NumberArgument(info, 2);
  const Bytes keys = BytesArgument(info, 0, key_size_ * count);
  const Bytes values = BytesArgument(info, 1, value_bytes_ * count);
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  options.elem_flags = NumberArgument(info, 3);
  const int result = bpf_map_update_batch(fd(), keys.data, values.data, &count, &options);
  return BatchResult(info.Env(), result, count);
}

// deleteBatch(keys, count)
Napi::Value Map::DeleteBatch(const Napi::CallbackInfo &info) {
  uint32_t count = NumberArgument(info, 1);
  const Bytes keys = BytesArgument(info, 0, key_size_ * count);
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  const int result = bpf_map_delete_batch(fd(), keys.data, &count, &options);
  return BatchResult(info.Env(), result, count);
}

Napi::Value Map::Freeze(const Napi::CallbackInfo &info) { return Status(info.Env(), bpf_map_freeze(fd())); }

Napi::Value Map::Info(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const bpf_map_info details = ReadInfo(env, fd());
  Napi::Object object = Napi::Object::New(env);
  object.Set("type", details.type);
  object.Set("id", details.id);
  object.Set("name", Napi::String::New(env, details.name));
  object.Set("keySize", details.key_size);
  object.Set("valueSize", details.value_size);
  object.Set("valueBytes", static_cast<double>(value_bytes_));
  object.Set("maxEntries", details.max_entries);
  object.Set("flags", details.map_flags);
  object.Set("btfId", details.btf_id);
  object.Set("btfKeyTypeId", details.btf_key_type_id);
  object.Set("btfValueTypeId", details.btf_value_type_id);
  return object;
}

} // namespace coaxial
