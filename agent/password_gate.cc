#include "agent/password_gate.h"

#include <memory>
#include <utility>

#include "agent/bcrypt.h"
#include "agent/http/basic_credentials.h"

namespace sidemeter {
namespace {

// $2y$10$…: where the cost stands.
std::string cost_of(const std::string& hash) { return hash.substr(4, 2); }

// Of no password that anybody has; only how long it takes to find that out counts.
std::string hash_of_nobody(const std::string& cost) {
  return "$2y$" + cost + "$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
}

}  // namespace

PasswordGate::PasswordGate(Loop& loop, const std::vector<BasicAuthUser>& users, Digest digest)
    : digest_(std::move(digest)), background_(loop) {
  for (const BasicAuthUser& user : users) {
    hashes_.emplace(user.name, user.hash);
    nobodys_hashes_.push_back(hash_of_nobody(cost_of(user.hash)));
  }
}

// An unknown name takes the time of one of the known ones, and always of the same one: so how long
// a refusal takes tells nothing of a name, even where the hashes have several costs.
const std::string& PasswordGate::nobodys_hash(const std::string& user) const {
  const auto number = static_cast<unsigned char>(digest_.of(user).front());
  return nobodys_hashes_[number % nobodys_hashes_.size()];
}

std::optional<Gate::Verdict> PasswordGate::ask(std::string_view authorization,
                                               std::function<void(Verdict)> later) {
  const auto credentials = http::parse_basic(authorization);
  if (!credentials) return Verdict::kRefuse;
  // A user's name has no colon (RFC 7617, 2), so the text is of no other pair.
  const std::string digest = digest_.of(credentials->user + ":" + credentials->password);
  const auto right = right_.find(credentials->user);
  if (right != right_.end() && right->second == digest) return Verdict::kAdmit;
  if (wrong_.contains(digest)) return Verdict::kRefuse;
  if (background_.under_way() >= kMaxUnderWay) return Verdict::kBusy;

  const auto known = hashes_.find(credentials->user);
  const bool is_known = known != hashes_.end();
  const auto matched = std::make_shared<bool>(false);
  background_.run(
      [password = credentials->password,
       hash = is_known ? known->second : nobodys_hash(credentials->user),
       matched] { *matched = matches(password, hash); },
      [this, user = credentials->user, digest, is_known, matched, later = std::move(later)] {
        const Verdict verdict = is_known && *matched ? Verdict::kAdmit : Verdict::kRefuse;
        remember(user, digest, verdict);
        later(verdict);
      });
  return std::nullopt;
}

void PasswordGate::remember(const std::string& user, const std::string& digest, Verdict verdict) {
  if (verdict == Verdict::kAdmit) {
    right_[user] = digest;
    return;
  }
  if (!wrong_.insert(digest).second) return;
  wrong_in_order_.push_back(digest);
  if (wrong_in_order_.size() <= kMaxWrong) return;
  wrong_.erase(wrong_in_order_.front());
  wrong_in_order_.pop_front();
}

}  // namespace sidemeter
