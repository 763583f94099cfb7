// Entry of the addon. Everything lives per environment, so worker threads can load it too.
#include <napi.h>

#include "addon_data.h"
#include "kernel.h"
#include "link.h"
#include "map.h"
#include "object.h"
#include "packet_socket.h"
#include "program.h"
#include "ring_buffer.h"
#include "traffic_control.h"
#include "util/libbpf_log.h"

#if __has_include("netlink_socket.h")
#include "netlink_socket.h"
#endif

#include <memory>

namespace {

Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
  using namespace coaxial;
  LibbpfLog::Install();
  env.SetInstanceData(std::make_unique<AddonData>().release()); // deleted with the environment
  Map::Init(env, exports);
  Program::Init(env, exports);
  Link::Init(env, exports);
  Object::Init(env, exports);
  RingBuffer::Init(env, exports);
  PacketSocket::Init(env, exports);
  TrafficControlInit(env, exports);
  KernelInit(env, exports);
#if __has_include("netlink_socket.h")
  NetlinkSocketInit(env, exports);
#endif
  return exports;
}

} // namespace

NODE_API_MODULE(coaxial, InitAddon)
