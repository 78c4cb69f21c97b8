// Sends records as fast as the peer takes them, and prints how many a second it took,
// from the first byte to the reply to `sync`.
//
//   load SOCKET line|handle|json RECORDS SERIES
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kEnd = "sync done\n";

// Labels as an application has them: 50 bytes a series.
std::string labels(unsigned long series, std::string_view equals, std::string_view quote) {
  std::string text;
  const auto add = [&](std::string_view name, const std::string& value) {
    text += text.empty() ? "" : ",";
    text += std::string(quote) + std::string(name) + std::string(quote) + std::string(equals);
    text += '"' + value + '"';
  };
  add("path", "/items/" + std::to_string(series));
  add("worker", "w" + std::to_string(series % 17));
  return text;
}

std::string record(std::string_view form, unsigned long series) {
  if (form == "handle") return '@' + std::to_string(series) + " 1\n";
  if (form == "json") {
    return "{\"counter\":\"bench_requests_total\",\"labels\":{" + labels(series, ":", "\"") +
           "},\"add\":1}\n";
  }
  return "c bench_requests_total{" + labels(series, "=", "") + "} 1\n";
}

void send_all(int peer, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = write(peer, bytes.data(), bytes.size());
    if (sent <= 0) std::exit(1);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void await_ok(int peer) {
  send_all(peer, kEnd);
  std::string reply;
  char byte = 0;
  while (byte != '\n') {
    if (read(peer, &byte, 1) != 1) std::exit(1);
    reply += byte;
  }
  if (reply.find("rejected=") != std::string::npos &&
      reply.find("rejected=0") == std::string::npos) {
    std::fputs(reply.c_str(), stderr);
    std::exit(1);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) return 2;
  const std::string_view form = words[2];
  const unsigned long records = std::strtoul(words[3], nullptr, 10);
  const unsigned long series = std::strtoul(words[4], nullptr, 10);

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
  const int peer = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;

  std::string block;
  std::string bindings;
  for (unsigned long i = 0; i < series; ++i) {
    block += record(form, i);
    bindings += '@' + std::to_string(i) + " c bench_requests_total{" + labels(i, "=", "") + "}\n";
  }
  if (form == "handle") send_all(peer, bindings);
  // Every series stands before the clock runs: what is measured is the every-day update.
  send_all(peer, block);
  await_ok(peer);

  const auto start = std::chrono::steady_clock::now();
  unsigned long sent = 0;
  for (; sent < records; sent += series) send_all(peer, block);
  await_ok(peer);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.0f\n", static_cast<double>(sent) / took.count());
}
