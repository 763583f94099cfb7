#include "program.h"

#include <bpf/bpf.h>

#include <cstdio>
#include <vector>

#include "addon_data.h"

namespace coaxial {

Napi::FunctionReference &Program::Constructor(Napi::Env env) { return AddonData::Of(env).program; }

void Program::Init(Napi::Env env, Napi::Object exports) {
  Napi::Function constructor = DefineClass(env, "BpfProgram",
                                           WithHandleMethods({
                                               StaticMethod("fromPin", &Program::FromPin),
                                               StaticMethod("fromId", &Program::FromId),
                                               InstanceMethod("info", &Program::Info),
                                               InstanceMethod("testRun", &Program::TestRun),
                                           }));
  Constructor(env) = Napi::Persistent(constructor);
  exports.Set("BpfProgram", constructor);
}

Napi::Value Program::FromId(const Napi::CallbackInfo &info) {
  return AdoptResult(info.Env(), bpf_prog_get_fd_by_id(NumberArgument(info, 0)), "open program by id");
}

Napi::Value Program::Info(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  bpf_prog_info details{};
  uint32_t length = sizeof(details);
  if (bpf_obj_get_info_by_fd(fd(), &details, &length) < 0)
    throw SystemError(env, "program info", errno);
  std::vector<uint32_t> maps(details.nr_map_ids);
  if (!maps.empty()) {
    bpf_prog_info second{};
    second.nr_map_ids = details.nr_map_ids;
    second.map_ids = reinterpret_cast<uintptr_t>(maps.data());
    length = sizeof(second);
    if (bpf_obj_get_info_by_fd(fd(), &second, &length) < 0)
      throw SystemError(env, "program info", errno);
  }
  std::string tag;
  for (const uint8_t byte : details.tag) {
    char text[3];
    std::snprintf(text, sizeof(text), "%02x", byte);
    tag += text;
  }
  Napi::Array ids = Napi::Array::New(env, maps.size());
  for (size_t i = 0; i < maps.size(); i++)
    ids.Set(static_cast<uint32_t>(i), maps[i]);
  Napi::Object object = Napi::Object::New(env);
  object.Set("type", details.type);
  object.Set("id", details.id);
  object.Set("name", Napi::String::New(env, details.name));
  object.Set("tag", tag);
  object.Set("jitedBytes", details.jited_prog_len);
  object.Set("translatedBytes", details.xlated_prog_len);
  object.Set("loadTimeNs", Napi::BigInt::New(env, static_cast<uint64_t>(details.load_time)));
  object.Set("mapIds", ids);
  object.Set("gplCompatible", static_cast<bool>(details.gpl_compatible));
  object.Set("btfId", details.btf_id);
  object.Set("runTimeNs", Napi::BigInt::New(env, static_cast<uint64_t>(details.run_time_ns)));
  object.Set("runCount", Napi::BigInt::New(env, static_cast<uint64_t>(details.run_cnt)));
  object.Set("verifiedInstructions", details.verified_insns);
  return object;
}

// testRun({data?, context?, dataOut?, contextOut?, repeat, flags, cpu, batchSize}): the out buffers
// are filled; {returnValue, dataSize, contextSize, durationNs}.
Napi::Value Program::TestRun(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const Napi::Object request = ObjectArgument(info, 0);
  const auto bytes = [&](const char *name) -> Bytes {
    const Napi::Value value = request.Get(name);
    if (!value.IsTypedArray())
      return {};
    Napi::Uint8Array array = value.As<Napi::Uint8Array>();
    return {array.Data(), array.ByteLength()};
  };
  const Bytes data = bytes("data"), context = bytes("context");
  const Bytes data_out = bytes("dataOut"), context_out = bytes("contextOut");
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = data.size ? data.data : nullptr;
  options.data_size_in = static_cast<uint32_t>(data.size);
  options.data_out = data_out.size ? data_out.data : nullptr;
  options.data_size_out = static_cast<uint32_t>(data_out.size);
  options.ctx_in = context.size ? context.data : nullptr;
  options.ctx_size_in = static_cast<uint32_t>(context.size);
  options.ctx_out = context_out.size ? context_out.data : nullptr;
  options.ctx_size_out = static_cast<uint32_t>(context_out.size);
  options.repeat = static_cast<int>(NumberOption(request, "repeat", 0));
  options.flags = NumberOption(request, "flags", 0);
  options.cpu = NumberOption(request, "cpu", 0);
  options.batch_size = NumberOption(request, "batchSize", 0);
  if (bpf_prog_test_run_opts(fd(), &options) < 0) {
    const int error = errno;
    Napi::Error thrown = SystemError(env, "test run", error);
    if (error == ENOSPC)
      thrown.Set("needed", Napi::Number::New(env, options.data_size_out));
    throw thrown;
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("returnValue", options.retval);
  object.Set("dataSize", options.data_size_out);
  object.Set("contextSize", options.ctx_size_out);
  object.Set("durationNs", options.duration);
  return object;
}

} // namespace coaxial
