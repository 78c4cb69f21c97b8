#include "agent/net/tcp_socket.h"

#include "tests/support/catch.h"
#include "tests/support/client_socket.h"

namespace sidemeter::test {

TEST_CASE("port 0 takes a free port and tells it") {
  const auto bound = listen_tcp("127.0.0.1:0");

  REQUIRE(bound);
  CHECK(bound->address.starts_with("127.0.0.1:"));
  CHECK(bound->address != "127.0.0.1:0");
  CHECK(ClientSocket::tcp(bound->address).connected());
}

TEST_CASE("an IPv6 address stands in brackets and leaves IPv4 alone") {
  if (!has_ipv6()) return;
  const auto v6 = listen_tcp("[::]:0");
  REQUIRE(v6);
  REQUIRE(v6->address.starts_with("[::]:"));

  const auto v4 = listen_tcp("0.0.0.0:" + v6->address.substr(5));

  CHECK(v4);
}

TEST_CASE("a port in use is an error that names the address") {
  const auto first = listen_tcp("127.0.0.1:0");
  REQUIRE(first);

  const auto second = listen_tcp(first->address);

  REQUIRE_FALSE(second);
  CHECK(second.error().message ==
        "cannot listen on " + first->address + ": Address already in use");
}

TEST_CASE("only IP literals with a port are addresses") {
  const auto text =
      GENERATE(as<std::string>{}, "", ":", ":9469", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
               "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 1", "localhost:9469", "[::1]", "::1",
               "::1:x", "[::1:0", "[]:0", "256.0.0.1:0");
  CAPTURE(text);

  const auto bound = listen_tcp(text);

  REQUIRE_FALSE(bound);
  CHECK(bound.error().message.find("got \"" + text + "\"") != std::string::npos);
}

}  // namespace sidemeter::test
