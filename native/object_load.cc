#include "object_load.h"

#include <fcntl.h>

#include <cerrno>
#include <new>

#include "map.h"
#include "program.h"
#include "util/libbpf_log.h"
#include "util/system_error.h"

namespace coaxial {

ObjectLoad::ObjectLoad(Napi::Env env, std::shared_ptr<ObjectState> state, size_t log_size, uint32_t log_level)
    : Napi::AsyncWorker(env), state_(std::move(state)), log_size_(log_size), log_level_(log_level),
      deferred_(Napi::Promise::Deferred::New(env)) {}

// A buffer per program, so that each log stays apart. Large, but the system commits only what the
// kernel writes, so the memory is deliberately left uninitialised.
void ObjectLoad::PrepareLogs() {
  bpf_program *program = nullptr;
  bpf_object__for_each_program(program, state_->object.get()) {
    if (!bpf_program__autoload(program))
      continue;
    std::unique_ptr<char[]> buffer(new (std::nothrow) char[log_size_]);
    if (!buffer)
      continue;
    buffer[0] = '\0';
    if (bpf_program__set_log_buf(program, buffer.get(), log_size_) < 0)
      continue;
    if (log_level_ != 0 && bpf_program__log_level(program) == 0)
      bpf_program__set_log_level(program, log_level_);
    state_->logs.emplace_back(bpf_program__name(program), std::move(buffer));
  }
}

void ObjectLoad::Collect() {
  for (const auto &[name, map] : state_->maps) {
    const int fd = bpf_map__fd(map);
    if (fd < 0)
      continue;
    maps_.push_back({name, UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0))});
    if (!maps_.back().fd.valid())
      error_ = errno;
  }
  bpf_program *program = nullptr;
  bpf_object__for_each_program(program, state_->object.get()) {
    const int fd = bpf_program__fd(program);
    if (fd < 0)
      continue;
    programs_.push_back({bpf_program__name(program), UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0))});
    if (!programs_.back().fd.valid())
      error_ = errno;
  }
}

void ObjectLoad::Execute() {
  PrepareLogs();
  const LibbpfLog log;
  const int result = bpf_object__load(state_->object.get());
  if (result < 0)
    error_ = -result;
  else
    Collect();
  messages_ = log.messages();
}

Napi::Array ObjectLoad::Logs(Napi::Env env) const {
  Napi::Array logs = Napi::Array::New(env);
  for (const auto &[name, buffer] : state_->logs) {
    if (buffer[0] == '\0')
      continue;
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", name);
    entry.Set("log", Napi::String::New(env, buffer.get()));
    logs.Set(logs.Length(), entry);
  }
  return logs;
}

void ObjectLoad::OnOK() {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  if (error_ != 0) {
    Napi::Error error = SystemError(env, "load object", error_, messages_);
    error.Set("logs", Logs(env));
    deferred_.Reject(error.Value());
    return;
  }
  try {
    Napi::Object maps = Napi::Object::New(env), programs = Napi::Object::New(env);
    for (Named &entry : maps_)
      maps.Set(entry.name, Map::Adopt(env, std::move(entry.fd)));
    for (Named &entry : programs_)
      programs.Set(entry.name, Program::Adopt(env, std::move(entry.fd)));
    Napi::Object result = Napi::Object::New(env);
    result.Set("maps", maps);
    result.Set("programs", programs);
    result.Set("logs", Logs(env));
    deferred_.Resolve(result);
  } catch (const Napi::Error &error) {
    deferred_.Reject(error.Value());
  }
}

} // namespace coaxial
