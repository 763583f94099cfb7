#include "packet_socket.h"

#include <netinet/in.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "util/arguments.h"
#include "util/system_error.h"

namespace coaxial {

namespace {

ip6_hdr HeaderOf(const Bytes &packet) {
  ip6_hdr header{};
  std::memcpy(&header, packet.data, sizeof(header));
  return header;
}

} // namespace

void PacketSocket::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("PacketSocket", DefineClass(env, "PacketSocket",
                                          {
                                              InstanceMethod("send", &PacketSocket::Send),
                                              InstanceMethod("close", &PacketSocket::Close),
                                          }));
}

// new ()
PacketSocket::PacketSocket(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<PacketSocket>(info),
      // IPPROTO_RAW receives nothing and means that the header is the caller's.
      fd_(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW)) {
  if (!fd_.valid())
    throw SystemError(info.Env(), "open packet socket", errno);
}

// send(packet): 0 or -errno. The source of the packet is told beside it, so that rules on sources choose its
// route.
Napi::Value PacketSocket::Send(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const Bytes packet = BytesArgument(info, 0, sizeof(ip6_hdr));
  if (!fd_.valid())
    throw SystemError(env, "send packet", EBADF);
  const ip6_hdr header = HeaderOf(packet);
  sockaddr_in6 destination{};
  destination.sin6_family = AF_INET6;
  destination.sin6_addr = header.ip6_dst;
  in6_pktinfo source{};
  source.ipi6_addr = header.ip6_src;

  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(source))] = {};
  iovec part{packet.data, packet.size};
  msghdr message{};
  message.msg_name = &destination;
  message.msg_namelen = sizeof(destination);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = IPPROTO_IPV6;
  head->cmsg_type = IPV6_PKTINFO;
  head->cmsg_len = CMSG_LEN(sizeof(source));
  std::memcpy(CMSG_DATA(head), &source, sizeof(source));

  ssize_t sent = -1;
  do {
    sent = sendmsg(fd_.get(), &message, 0);
  } while (sent < 0 && errno == EINTR);
  return Napi::Number::New(env, sent < 0 ? -errno : 0);
}

void PacketSocket::Close(const Napi::CallbackInfo &) { fd_.reset(); }

} // namespace coaxial
