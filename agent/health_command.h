// `sidemeter health`: asks the agent on its ingest socket for a `sync`. The loop that
// answers it is the one that answers scrapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sidemeter {

struct HealthRequest {
  std::string socket_path;
  std::uint64_t timeout_ms = 2'000;
};

// Nothing when healthy, else one line that says what is wrong.
std::optional<std::string> find_illness(const HealthRequest& request);

}  // namespace sidemeter
