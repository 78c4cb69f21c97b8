// A listening TCP socket. IP literals only: no resolver is ever needed.
#pragma once

#include <string>
#include <string_view>

#include "agent/net/descriptor.h"
#include "proto/result.h"

namespace sidemeter {

struct TcpSocket {
  Descriptor socket;    // listens, does not block
  std::string address;  // as bound: "127.0.0.1:40123", "[::1]:40123"
};

// `address` is "127.0.0.1:9469" or "[::1]:9469"; port 0 takes a free one. A socket on an
// IPv6 address takes no IPv4 connections.
Result<TcpSocket, NetError> listen_tcp(std::string_view address);

// Whether the kernel has IPv6 at all.
bool has_ipv6();

}  // namespace sidemeter
