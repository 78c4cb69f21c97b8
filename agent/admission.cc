#include "agent/admission.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sidemeter {
namespace {

// Refused peers are logged at most this often; the counter tells how many there were.
constexpr std::uint64_t kLogMs = 10'000;

bool contains(const std::vector<std::uint32_t>& list, std::uint32_t id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

}  // namespace

Admission::Admission(AdmissionRules rules, Log& log,
                     std::function<std::size_t(std::uint32_t)> sessions_of,
                     std::function<std::uint64_t()> now_ms)
    : rules_(std::move(rules)),
      log_(log),
      sessions_of_(std::move(sessions_of)),
      now_ms_(std::move(now_ms)) {}

ListenerDoor::Admission Admission::judge(const Peer& peer) {
  if (!allows(peer)) {
    log_refusal(peer);
    return ListenerDoor::Admission::kForbidden;
  }
  if (sessions_of_(peer.uid) >= rules_.sessions_per_uid) return ListenerDoor::Admission::kTooMany;
  return ListenerDoor::Admission::kAdmit;
}

bool Admission::allows(const Peer& peer) const {
  if (rules_.uids.empty() && rules_.gids.empty()) return true;
  return contains(rules_.uids, peer.uid) || contains(rules_.gids, peer.gid);
}

void Admission::log_refusal(const Peer& peer) {
  if (logged_ms_ && now_ms_() - *logged_ms_ < kLogMs) return;
  logged_ms_ = now_ms_();
  log_.write(LogLevel::kWarning, "refused a client whose user and group are not allowed",
             {{"pid", std::to_string(peer.pid)},
              {"uid", std::to_string(peer.uid)},
              {"gid", std::to_string(peer.gid)}});
}

}  // namespace sidemeter
