// Who may open a session, by the kernel's word of who connects: the users and groups that are
// allowed, and not too many of one user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "agent/log.h"
#include "agent/net/listener.h"

namespace sidemeter {

// Everybody that may open the socket where both lists are empty.
struct AdmissionRules {
  std::vector<std::uint32_t> uids;
  std::vector<std::uint32_t> gids;
  std::size_t sessions_per_uid;
};

class Admission {
 public:
  // `log` must outlive this. `sessions_of` counts a user's open sessions, `now_ms` is a monotonic
  // clock.
  Admission(AdmissionRules rules, Log& log, std::function<std::size_t(std::uint32_t)> sessions_of,
            std::function<std::uint64_t()> now_ms);

  ListenerDoor::Admission judge(const Peer& peer);

 private:
  bool allows(const Peer& peer) const;
  void log_refusal(const Peer& peer);

  const AdmissionRules rules_;
  Log& log_;
  const std::function<std::size_t(std::uint32_t)> sessions_of_;
  const std::function<std::uint64_t()> now_ms_;
  std::optional<std::uint64_t> logged_ms_;
};

}  // namespace sidemeter
