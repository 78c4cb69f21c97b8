#include "agent/streams.h"

#include <unistd.h>

#include <cerrno>

namespace sidemeter {

void write_text(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

int complain(const Streams& streams, std::string_view words) {
  write_text(streams.errors, "sidemeter: " + std::string(words) + '\n');
  return 2;
}

}  // namespace sidemeter
