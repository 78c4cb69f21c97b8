#include "agent/scrape_security.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <utility>

#include "agent/scrape/reply.h"

namespace sidemeter {
namespace {

// Where nothing tells of a change, it is seen after so long.
constexpr std::uint64_t kPollMs = 5'000;

// Of each reason one refusal is logged so often; the counter tells how many there were.
constexpr std::uint64_t kRefusalLogMs = 10'000;

double monotonic_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::vector<std::string> folders_of(const TlsSettings& settings) {
  std::vector<std::string> folders;
  const auto add = [&folders](std::string folder) {
    if (folder.empty()) folder = ".";
    if (std::find(folders.begin(), folders.end(), folder) == folders.end()) {
      folders.push_back(std::move(folder));
    }
  };
  for (const std::string& file :
       {settings.certificate_file, settings.key_file, settings.key_password_file,
        settings.client_ca_file, settings.client_crl_file}) {
    if (!file.empty()) add(std::filesystem::path(file).parent_path().string());
  }
  if (!settings.client_ca_path.empty()) add(settings.client_ca_path);
  return folders;
}

}  // namespace

Result<std::unique_ptr<ScrapeSecurity>, TlsError> ScrapeSecurity::open(
    const ScrapeSecurityOptions& options, Loop& loop, Log& log) {
  if (const auto checked = check_settings(options.tls); !checked) return checked.error();
  std::unique_ptr<ScrapeSecurity> security(new ScrapeSecurity(options, loop, log));
  if (options.tls.enabled()) {
    auto store = TlsStore::open(options.tls, std::time(nullptr));
    if (!store) return store.error();
    security->open_tls(*std::move(store));
  }
  if (!options.users.empty()) {
    auto digest = Digest::make();
    if (!digest) return TlsError{"the kernel gives no randomness"};
    security->gate_ = std::make_unique<PasswordGate>(loop, options.users, *std::move(digest));
  }
  return security;
}

ScrapeSecurity::ScrapeSecurity(const ScrapeSecurityOptions& options, Loop& loop, Log& log)
    : options_(options), loop_(loop), log_(log) {}

void ScrapeSecurity::open_tls(std::unique_ptr<TlsStore> store) {
  store_ = std::move(store);
  room_.context = store_->context();
  room_.steps_per_turn = options_.limits.steps_per_turn;
  room_.plain_http_reply = last_words(400, "this address speaks HTTPS: use https://");
  room_.now = monotonic_seconds;
  room_.turn = [this] { return loop_.now_ms(); };
  room_.tell_refusal = [this](Refusal refusal, std::string detail) {
    log_refusal(refusal, std::move(detail));
  };
  log_.write(LogLevel::kInfo, "TLS is on",
             {{"subject", store_->context()->subject()},
              {"not_after", std::to_string(*expiry().server)},
              {"client_auth", std::string(word(options_.tls.client_auth))}});
  if (options_.tls.uses_system_store()) {
    log_.write(LogLevel::kWarning,
               "any client that a public authority vouches for is let in: no authority of clients "
               "was given, so the system's are trusted",
               {{"store", kSystemStore}});
  }
  warn_of_end();
  watch_ = std::make_unique<FileWatch>(loop_, folders_of(options_.tls), kPollMs,
                                       [this] { look(TlsStore::When::kIfChanged); });
}

std::unique_ptr<Session> ScrapeSecurity::wrap(std::unique_ptr<Session> session) {
  if (!has_tls()) return session;
  return std::make_unique<TlsSession>(room_, std::move(session));
}

void ScrapeSecurity::reload() {
  if (has_tls()) look(TlsStore::When::kAlways);
}

void ScrapeSecurity::look(TlsStore::When when) {
  switch (store_->reload(when, std::time(nullptr))) {
    case TlsStore::Outcome::kUnchanged: return;
    case TlsStore::Outcome::kKept:
      log_.write(LogLevel::kError, "certificates cannot be reloaded, the last good ones stay",
                 {{"cause", store_->last_error()}});
      return;
    case TlsStore::Outcome::kLoaded: break;
  }
  room_.context = store_->context();
  log_.write(LogLevel::kInfo, "certificates reloaded",
             {{"subject", store_->context()->subject()},
              {"not_after", std::to_string(*store_->context()->expiry().server)}});
  warn_of_end();
}

void ScrapeSecurity::warn_of_end() {
  const std::int64_t now = std::time(nullptr);
  if (expiry().server.value_or(now + 1) <= now) {
    log_.write(LogLevel::kWarning, "the server's certificate has expired",
               {{"not_after", std::to_string(*expiry().server)}});
  }
  if (expiry().crl.value_or(now + 1) <= now) {
    log_.write(LogLevel::kWarning, "the revocation list is out of date, so clients are refused",
               {{"next_update", std::to_string(*expiry().crl)}});
  }
}

void ScrapeSecurity::log_refusal(Refusal refusal, std::string detail) {
  auto& logged_ms = refusal_logged_ms_[static_cast<std::size_t>(refusal)];
  if (logged_ms && loop_.now_ms() - *logged_ms < kRefusalLogMs) return;
  logged_ms = loop_.now_ms();
  log_.write(LogLevel::kWarning, "refused a TLS handshake",
             {{"reason", std::string(word(refusal))}, {"cause", std::move(detail)}});
}

}  // namespace sidemeter
