#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "util/arguments.h"
#include "util/libbpf_log.h"
#include "util/system_error.h"
#include "util/unique_fd.h"

namespace coaxial {

namespace {

// A probe's answer: {supported, errno}. libbpf does not hand out the errno of the try, but leaves it.
Napi::Value Answer(Napi::Env env, int result) {
  const int left = errno;
  Napi::Object object = Napi::Object::New(env);
  object.Set("supported", result > 0);
  object.Set("errno", result > 0 ? 0 : result < 0 ? -result : left);
  return object;
}

// networkNamespaceCookie(): a number that the namespace has for itself, never given again
Napi::Value NetworkNamespaceCookie(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (socket.get() < 0 || getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
    throw SystemError(env, "network namespace cookie", errno);
  return Napi::BigInt::New(env, cookie);
}

Napi::Value ProbeProgramType(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  const auto type = static_cast<bpf_prog_type>(NumberArgument(info, 0));
  errno = 0;
  return Answer(info.Env(), libbpf_probe_bpf_prog_type(type, nullptr));
}

Napi::Value ProbeMapType(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  const auto type = static_cast<bpf_map_type>(NumberArgument(info, 0));
  errno = 0;
  return Answer(info.Env(), libbpf_probe_bpf_map_type(type, nullptr));
}

// probeHelper(programType, helperId): libbpf 1.1's own probe does not know the words newer kernels
// use for "not in programs of this type", so it says yes to everything.
Napi::Value ProbeHelper(const Napi::CallbackInfo &info) {
  const auto type = static_cast<bpf_prog_type>(NumberArgument(info, 0));
  const auto helper = static_cast<int32_t>(NumberArgument(info, 1));
  bpf_insn instructions[2] = {};
  instructions[0].code = BPF_JMP | BPF_CALL;
  instructions[0].imm = helper;
  instructions[1].code = BPF_JMP | BPF_EXIT;
  std::vector<char> log(4096);
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.log_level = 1;
  options.log_buf = log.data();
  options.log_size = static_cast<uint32_t>(log.size());
  const LibbpfLog quiet;
  const UniqueFd fd(bpf_prog_load(type, nullptr, "GPL", instructions, 2, &options));
  const int error = fd.valid() ? 0 : errno;
  const std::string said(log.data());
  const bool refused = said.find("invalid func ") != std::string::npos ||
                       said.find("unknown func ") != std::string::npos ||
                       said.find("cannot use helper") != std::string::npos;
  // Anything else the verifier says is about the arguments, so it got that far.
  Napi::Object object = Napi::Object::New(info.Env());
  const bool supported = fd.valid() || (!said.empty() && !refused);
  object.Set("supported", supported);
  object.Set("errno", supported ? 0 : error);
  return object;
}

// btfById(id): the raw BTF
Napi::Value BtfById(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const UniqueFd fd(bpf_btf_get_fd_by_id(NumberArgument(info, 0)));
  if (!fd.valid())
    throw SystemError(env, "open BTF by id", errno);
  bpf_btf_info details{};
  uint32_t length = sizeof(details);
  if (bpf_obj_get_info_by_fd(fd.get(), &details, &length) < 0)
    throw SystemError(env, "BTF info", errno);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, details.btf_size);
  bpf_btf_info second{};
  second.btf = reinterpret_cast<uintptr_t>(bytes.Data());
  second.btf_size = details.btf_size;
  length = sizeof(second);
  if (bpf_obj_get_info_by_fd(fd.get(), &second, &length) < 0)
    throw SystemError(env, "BTF info", errno);
  return bytes;
}

Napi::Value PossibleCpus(const Napi::CallbackInfo &info) {
  const LibbpfLog log;
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0)
    throw SystemError(info.Env(), "possible CPUs", -cpus, log.messages());
  return Napi::Number::New(info.Env(), cpus);
}

// Waits for an RCU grace period on a thread of the pool: the barrier takes milliseconds.
class GracePeriodWorker : public Napi::AsyncWorker {
public:
  explicit GracePeriodWorker(Napi::Env env)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

protected:
  void Execute() override {
    if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
      error_ = errno;
  }
  void OnOK() override {
    const Napi::HandleScope scope(Env());
    if (error_ == 0)
      deferred_.Resolve(Env().Undefined());
    else
      deferred_.Reject(SystemError(Env(), "membarrier", error_).Value());
  }

private:
  Napi::Promise::Deferred deferred_;
  int error_ = 0;
};

Napi::Value GracePeriod(const Napi::CallbackInfo &info) {
  auto worker = std::make_unique<GracePeriodWorker>(info.Env());
  const Napi::Promise promise = worker->promise();
  worker.release()->Queue(); // deletes itself when done
  return promise;
}

Napi::Value LibbpfVersion(const Napi::CallbackInfo &info) {
  // "v1.1" and so on; the library that is loaded, not the headers we were built with.
  return Napi::String::New(info.Env(), libbpf_version_string());
}

} // namespace

void KernelInit(Napi::Env env, Napi::Object exports) {
  exports.Set("probeProgramType", Napi::Function::New<ProbeProgramType>(env, "probeProgramType"));
  exports.Set("probeMapType", Napi::Function::New<ProbeMapType>(env, "probeMapType"));
  exports.Set("probeHelper", Napi::Function::New<ProbeHelper>(env, "probeHelper"));
  exports.Set("btfById", Napi::Function::New<BtfById>(env, "btfById"));
  exports.Set("possibleCpus", Napi::Function::New<PossibleCpus>(env, "possibleCpus"));
  exports.Set("libbpfVersion", Napi::Function::New<LibbpfVersion>(env, "libbpfVersion"));
  exports.Set("networkNamespaceCookie",
              Napi::Function::New<NetworkNamespaceCookie>(env, "networkNamespaceCookie"));
  exports.Set("gracePeriod", Napi::Function::New<GracePeriod>(env, "gracePeriod"));
}

} // namespace coaxial
