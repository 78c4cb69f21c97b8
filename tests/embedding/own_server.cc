// A program that has a server already, and answers scrapes by the one function from
// request to reply. Its metrics are updated directly, without a socket.
//
//   own_server REQUESTS    prints the address to scrape, answers so many requests, and ends
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "agent/http/request_head.h"
#include "agent/http/response_head.h"
#include "agent/metrics/registry.h"
#include "agent/scrape/reply.h"

using namespace sidemeter;

namespace {

double seconds_since_epoch() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

// A small blocking server on a free port of loopback: one request a connection.
int listen_on_loopback() {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(server, raw, length) != 0 || ::listen(server, 16) != 0 ||
      ::getsockname(server, raw, &length) != 0) {
    return -1;
  }
  std::cout << "127.0.0.1:" << ntohs(address.sin_port) << std::endl;
  return server;
}

Reply answer(int client, const Registry& registry) {
  const ScrapeLimits limits;
  http::RequestReader reader(limits);
  char bytes[4096];
  for (;;) {
    const ssize_t length = ::read(client, bytes, sizeof bytes);
    if (length <= 0) return error_reply(400, "the request ended within its head");
    reader.push({bytes, static_cast<std::size_t>(length)});
    const auto outcome = reader.next();
    if (const auto* request = std::get_if<http::Request>(&outcome)) {
      return respond(*request, registry, {});
    }
    if (const auto* error = std::get_if<http::HeadError>(&outcome)) {
      return error_reply(error->status, error->hint);
    }
  }
}

void serve(int client, const Registry& registry) {
  Reply reply = answer(client, registry);
  const std::string body = reply.rest();
  http::Fields fields = reply.fields();
  fields.emplace_back("Content-Length", std::to_string(body.size()));
  fields.emplace_back("Connection", "close");
  std::string text;
  http::append_response_head(text, reply.status(), fields);
  text += body;
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t sent = ::send(client, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  ::close(client);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const PushLimits limits;
  Registry registry(limits, seconds_since_epoch);
  Declaration requests;
  requests.name = "own_requests";
  requests.type = MetricType::kCounter;
  requests.help = "Requests answered by this program.";
  if (const auto declared = registry.declare(requests); !declared) {
    std::cerr << declared.error().message << '\n';
    return 1;
  }

  const int server = listen_on_loopback();
  if (server < 0) return 1;
  for (int left = std::atoi(argv[1]); left > 0; --left) {
    const int client = ::accept(server, nullptr, nullptr);
    if (client < 0) return 1;
    const Update one{Verb::kCounter, "own_requests_total{server=\"mine\"}", "1"};
    if (const auto counted = registry.update(one); !counted) {
      std::cerr << counted.error().message << '\n';
      return 1;
    }
    serve(client, registry);
  }
  ::close(server);
  return 0;
}
