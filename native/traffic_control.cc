#include "traffic_control.h"

#include <bpf/libbpf.h>

#include <cerrno>

#include "util/arguments.h"
#include "util/bpf_syscall.h"
#include "util/libbpf_log.h"
#include "util/system_error.h"

namespace coaxial {

namespace {

bpf_tc_hook Hook(const Napi::CallbackInfo &info) {
  LIBBPF_OPTS(bpf_tc_hook, hook);
  hook.ifindex = static_cast<int>(NumberArgument(info, 0));
  hook.attach_point = NumberArgument(info, 1) != 0 ? BPF_TC_EGRESS : BPF_TC_INGRESS;
  return hook;
}

bpf_tc_opts Filter(const Napi::CallbackInfo &info) {
  LIBBPF_OPTS(bpf_tc_opts, filter);
  filter.handle = NumberArgument(info, 2);
  filter.priority = NumberArgument(info, 3);
  return filter;
}

// tcAttach(ifindex, egress, handle, priority, programFd, replace): {handle, priority, programId}
Napi::Value TcAttach(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  bpf_tc_hook hook = Hook(info);
  bpf_tc_opts filter = Filter(info);
  filter.prog_fd = static_cast<int>(NumberArgument(info, 4));
  filter.flags = NumberArgument(info, 5) != 0 ? BPF_TC_F_REPLACE : 0;
  const LibbpfLog log;
  int result = bpf_tc_hook_create(&hook);
  if (result < 0 && result != -EEXIST)
    throw SystemError(env, "create clsact", -result, log.messages());
  result = bpf_tc_attach(&hook, &filter);
  if (result < 0)
    throw SystemError(env, "attach clsact filter", -result, log.messages());
  Napi::Object object = Napi::Object::New(env);
  object.Set("handle", filter.handle);
  object.Set("priority", filter.priority);
  object.Set("programId", filter.prog_id);
  return object;
}

// tcDetach(ifindex, egress, handle, priority): 0 or -errno
Napi::Value TcDetach(const Napi::CallbackInfo &info) {
  const bpf_tc_hook hook = Hook(info);
  const bpf_tc_opts filter = Filter(info);
  const LibbpfLog log;
  return Napi::Number::New(info.Env(), bpf_tc_detach(&hook, &filter));
}

// tcQuery(ifindex, egress, handle, priority): the program's id, or -errno
Napi::Value TcQuery(const Napi::CallbackInfo &info) {
  const bpf_tc_hook hook = Hook(info);
  bpf_tc_opts filter = Filter(info);
  const LibbpfLog log;
  const int result = bpf_tc_query(&hook, &filter);
  return Napi::Number::New(info.Env(), result < 0 ? result : static_cast<double>(filter.prog_id));
}

// queryPrograms(ifindex, attachType): {revision, programs} or -errno
Napi::Value QueryPrograms(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  uint64_t revision = 0;
  std::vector<AttachedProgram> programs;
  const int error = QueryAttached(NumberArgument(info, 0), NumberArgument(info, 1), revision, programs);
  if (error != 0)
    return Napi::Number::New(env, -error);
  Napi::Array array = Napi::Array::New(env, programs.size());
  for (size_t i = 0; i < programs.size(); i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("programId", programs[i].program_id);
    entry.Set("linkId", programs[i].link_id);
    array.Set(static_cast<uint32_t>(i), entry);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("revision", Napi::BigInt::New(env, revision));
  object.Set("programs", array);
  return object;
}

// queryXdp(ifindex): {mode, programId}
Napi::Value QueryXdp(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  const LibbpfLog log;
  const int result = bpf_xdp_query(static_cast<int>(NumberArgument(info, 0)), 0, &query);
  if (result < 0)
    throw SystemError(env, "query XDP", -result, log.messages());
  Napi::Object object = Napi::Object::New(env);
  object.Set("mode", static_cast<uint32_t>(query.attach_mode));
  object.Set("programId", query.prog_id);
  return object;
}

} // namespace

void TrafficControlInit(Napi::Env env, Napi::Object exports) {
  exports.Set("tcAttach", Napi::Function::New<TcAttach>(env, "tcAttach"));
  exports.Set("tcDetach", Napi::Function::New<TcDetach>(env, "tcDetach"));
  exports.Set("tcQuery", Napi::Function::New<TcQuery>(env, "tcQuery"));
  exports.Set("queryPrograms", Napi::Function::New<QueryPrograms>(env, "queryPrograms"));
  exports.Set("queryXdp", Napi::Function::New<QueryXdp>(env, "queryXdp"));
}

} // namespace coaxial
