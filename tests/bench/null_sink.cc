// What ingest is measured against: a peer of the same socket that only reads and finds
// line ends. Answers `ok` when what it has read ends in `sync done`, however that was cut.
//
//   null_sink SOCKET        serves one connection after another until it is ended
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kEnd = "sync done\n";

void serve(int peer) {
  // Each read goes behind the last few bytes of the one before.
  std::vector<char> buffer(kEnd.size() + 64 * 1024);
  char* const fresh = buffer.data() + kEnd.size();
  unsigned long lines = 0;
  for (;;) {
    const ssize_t got = read(peer, fresh, buffer.size() - kEnd.size());
    if (got <= 0) break;
    const char* at = fresh;
    const char* const end = at + got;
    while (at < end) {
      const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
      if (found == nullptr) break;
      ++lines;
      at = static_cast<const char*>(found) + 1;
    }
    std::memmove(buffer.data(), end - kEnd.size(), kEnd.size());
    if (std::string_view(buffer.data(), kEnd.size()) != kEnd) continue;
    const std::string_view reply = "ok done\n";
    if (write(peer, reply.data(), reply.size()) < 0) break;
  }
  std::printf("%lu\n", lines);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;
  if (listen(listener, 8) != 0) return 1;
  for (;;) {
    const int peer = accept(listener, nullptr, nullptr);
    if (peer < 0) return 1;
    serve(peer);
    close(peer);
  }
}
