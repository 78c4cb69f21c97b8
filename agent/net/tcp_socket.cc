#include "agent/net/tcp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace sidemeter {
namespace {

constexpr int kBacklog = 511;

struct IpAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  return port;
}

std::optional<IpAddress> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  std::string host(text.substr(0, colon));
  if (!port || host.find('\0') != std::string::npos) return std::nullopt;

  IpAddress address;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    address.length = sizeof *v6;
    if (uv_ip6_addr(host.c_str(), *port, v6) != 0) return std::nullopt;
    return address;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  address.length = sizeof *v4;
  if (uv_ip4_addr(host.c_str(), *port, v4) != 0) return std::nullopt;
  return address;
}

std::string format_address(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> name{};
  if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    uv_ip6_name(v6, name.data(), name.size());
    return "[" + std::string(name.data()) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
  uv_ip4_name(v4, name.data(), name.size());
  return std::string(name.data()) + ":" + std::to_string(ntohs(v4->sin_port));
}

NetError cannot_listen(std::string_view text) {
  return {"cannot listen on " + std::string(text) + ": " + std::strerror(errno)};
}

}  // namespace

Result<TcpSocket, NetError> listen_tcp(std::string_view text) {
  auto address = parse_address(text);
  if (!address) {
    return NetError{
        "a listen address must be an IP literal with a port, like 127.0.0.1:9469 or "
        "[::1]:9469, got \"" +
        std::string(text) + "\""};
  }
  const int family = address->storage.ss_family;
  TcpSocket result;
  result.socket = Descriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int socket = result.socket.get();
  if (!result.socket) return cannot_listen(text);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket, address->raw(), address->length) != 0 || ::listen(socket, kBacklog) != 0 ||
      ::getsockname(socket, address->raw(), &address->length) != 0) {
    return cannot_listen(text);
  }
  result.address = format_address(*address);
  return result;
}

bool has_ipv6() {
  const Descriptor probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  return probe && ::bind(probe.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0;
}

}  // namespace sidemeter
