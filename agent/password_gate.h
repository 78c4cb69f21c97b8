// Lets in who knows a password of `basic_auth_users`. Checking one takes tens of milliseconds, so
// it is done off the loop, and outcomes are remembered, by a digest and never by the password.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "agent/net/background.h"
#include "agent/scrape/gate.h"
#include "agent/tls/digest.h"

namespace sidemeter {

struct BasicAuthUser {
  std::string name;
  std::string hash;  // bcrypt

  friend bool operator==(const BasicAuthUser&, const BasicAuthUser&) = default;
};

class PasswordGate final : public Gate {
 public:
  // `loop` must outlive this, and this the sessions. At least one user; the hashes are bcrypt's.
  PasswordGate(Loop& loop, const std::vector<BasicAuthUser>& users, Digest digest);

  std::optional<Verdict> ask(std::string_view authorization,
                             std::function<void(Verdict)> later) override;

 private:
  // Checked at once: more would only wait for the pool's threads.
  static constexpr std::size_t kMaxUnderWay = 16;

  // Wrong ones that are remembered. Right ones have a place for each user, which no flood of wrong
  // ones takes away.
  static constexpr std::size_t kMaxWrong = 128;

  const std::string& nobodys_hash(const std::string& user) const;
  void remember(const std::string& user, const std::string& digest, Verdict verdict);

  std::map<std::string, std::string, std::less<>> hashes_;  // by user
  std::vector<std::string> nobodys_hashes_;  // of the costs of users, for unknown ones
  const Digest digest_;
  std::map<std::string, std::string, std::less<>> right_;  // a digest for each user
  std::unordered_set<std::string> wrong_;
  std::deque<std::string> wrong_in_order_;
  Background background_;
};

}  // namespace sidemeter
