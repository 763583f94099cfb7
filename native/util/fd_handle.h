// Base of the JavaScript classes that own one kernel object through a file descriptor.
#pragma once

#include <bpf/bpf.h>
#include <fcntl.h>
#include <napi.h>

#include <cerrno>
#include <string>

#include "util/arguments.h"
#include "util/bpf_kind.h"
#include "util/system_error.h"
#include "util/unique_fd.h"

namespace coaxial {

template <class Class> class FdHandle : public Napi::ObjectWrap<Class> {
public:
  int fd() const { return fd_.get(); }

  static Napi::Object Adopt(Napi::Env env, UniqueFd fd) {
    return Class::Constructor(env).New({Napi::External<UniqueFd>::New(env, &fd)});
  }

  // Wraps the result of a libbpf call: a descriptor, or negative with errno set.
  static Napi::Value AdoptResult(Napi::Env env, int result, const char *operation) {
    if (result < 0)
      throw SystemError(env, operation, errno);
    return Adopt(env, UniqueFd(result));
  }

protected:
  // A pin can be of another kind, whose info would be misread.
  static Napi::Value FromPin(const Napi::CallbackInfo &info) {
    UniqueFd fd(bpf_obj_get(StringArgument(info, 0).c_str()));
    if (!fd.valid())
      throw SystemError(info.Env(), "open pin", errno);
    const std::string kind = BpfKind(fd.get());
    if (kind != Class::kKind)
      throw SystemError(info.Env(), "open pin", EINVAL, {"the pin is a " + kind + ", not a " + Class::kKind});
    return Adopt(info.Env(), std::move(fd));
  }

  static std::vector<Napi::ClassPropertyDescriptor<Class>>
  WithHandleMethods(std::vector<Napi::ClassPropertyDescriptor<Class>> own) {
    own.push_back(Class::InstanceMethod("close", &Class::Close));
    own.push_back(Class::InstanceMethod("pin", &Class::Pin));
    own.push_back(Class::InstanceMethod("dup", &Class::Dup));
    own.push_back(Class::InstanceAccessor("fd", &Class::GetFd, nullptr));
    return own;
  }

  void Close(const Napi::CallbackInfo &) { fd_.reset(); }

  Napi::Value GetFd(const Napi::CallbackInfo &info) { return Napi::Number::New(info.Env(), fd_.get()); }

  void Pin(const Napi::CallbackInfo &info) {
    if (bpf_obj_pin(fd_.get(), StringArgument(info, 0).c_str()) < 0)
      throw SystemError(info.Env(), "pin", errno);
  }

  Napi::Value Dup(const Napi::CallbackInfo &info) {
    return AdoptResult(info.Env(), fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0), "dup");
  }

private:
  friend Class; // so that nobody else derives from it

  explicit FdHandle(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Class>(info) {
    // Only native code can make an External, so this cannot be called from JavaScript.
    if (info.Length() != 1 || !info[0].IsExternal())
      throw Napi::TypeError::New(info.Env(), "Illegal constructor");
    fd_ = std::move(*info[0].As<Napi::External<UniqueFd>>().Data());
  }

  UniqueFd fd_;
};

} // namespace coaxial
