#include "link.h"

#include <bpf/bpf.h>

#include "addon_data.h"
#include "util/bpf_syscall.h"

namespace coaxial {

Napi::FunctionReference &Link::Constructor(Napi::Env env) { return AddonData::Of(env).link; }

void Link::Init(Napi::Env env, Napi::Object exports) {
  Napi::Function constructor = DefineClass(env, "BpfLink",
                                           WithHandleMethods({
                                               StaticMethod("create", &Link::Create),
                                               StaticMethod("fromPin", &Link::FromPin),
                                               StaticMethod("fromId", &Link::FromId),
                                               InstanceMethod("update", &Link::Update),
                                               InstanceMethod("detach", &Link::Detach),
                                               InstanceMethod("info", &Link::Info),
                                           }));
  Constructor(env) = Napi::Persistent(constructor);
  exports.Set("BpfLink", constructor);
}

// create(programFd, target, attachType, flags)
Napi::Value Link::Create(const Napi::CallbackInfo &info) {
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.flags = NumberArgument(info, 3);
  const int fd =
      bpf_link_create(static_cast<int>(NumberArgument(info, 0)), static_cast<int>(NumberArgument(info, 1)),
                      static_cast<bpf_attach_type>(NumberArgument(info, 2)), &options);
  return AdoptResult(info.Env(), fd, "create link");
}

Napi::Value Link::FromId(const Napi::CallbackInfo &info) {
  return AdoptResult(info.Env(), bpf_link_get_fd_by_id(NumberArgument(info, 0)), "open link by id");
}

// update(programFd, replacedProgramFd?)
void Link::Update(const Napi::CallbackInfo &info) {
  LIBBPF_OPTS(bpf_link_update_opts, options);
  if (HasArgument(info, 1)) {
    options.flags = BPF_F_REPLACE;
    options.old_prog_fd = NumberArgument(info, 1);
  }
  if (bpf_link_update(fd(), static_cast<int>(NumberArgument(info, 0)), &options) < 0)
    throw SystemError(info.Env(), "update link", errno);
}

void Link::Detach(const Napi::CallbackInfo &info) {
  if (bpf_link_detach(fd()) < 0)
    throw SystemError(info.Env(), "detach link", errno);
}

Napi::Value Link::Info(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  LinkDetails details{};
  const int error = ReadLinkDetails(fd(), details);
  if (error != 0)
    throw SystemError(env, "link info", error);
  Napi::Object object = Napi::Object::New(env);
  object.Set("type", details.type);
  object.Set("id", details.id);
  object.Set("programId", details.program_id);
  if (details.has_ifindex)
    object.Set("ifindex", details.ifindex);
  if (details.has_attach_type)
    object.Set("attachType", details.attach_type);
  return object;
}

} // namespace coaxial
