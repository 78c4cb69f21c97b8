// What stands between a socket and a scrape session: TLS with certificates that are reloaded while
// it runs, and passwords. Where neither is configured nothing does.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/log.h"
#include "agent/net/file_watch.h"
#include "agent/net/loop.h"
#include "agent/password_gate.h"
#include "agent/session.h"
#include "agent/tls/tls_session.h"
#include "agent/tls/tls_settings.h"
#include "agent/tls/tls_store.h"
#include "proto/limits.h"
#include "proto/result.h"

namespace sidemeter {

struct ScrapeSecurityOptions {
  TlsSettings tls;
  TlsLimits limits;
  std::vector<BasicAuthUser> users;
};

class ScrapeSecurity {
 public:
  // `loop` and `log` must outlive this; and this the sessions that it wraps.
  static Result<std::unique_ptr<ScrapeSecurity>, TlsError> open(
      const ScrapeSecurityOptions& options, Loop& loop, Log& log);
  ScrapeSecurity(const ScrapeSecurity&) = delete;
  ScrapeSecurity& operator=(const ScrapeSecurity&) = delete;

  bool has_tls() const { return store_ != nullptr; }
  std::unique_ptr<Session> wrap(std::unique_ptr<Session> session);
  Gate* gate() const { return gate_.get(); }

  // Reads the files again, changed or not.
  void reload();

  // For the self metrics; of TLS only.
  const TlsStats& handshakes() const { return room_.stats; }
  const TlsReloads& reloads() const { return store_->reloads(); }
  const TlsExpiry& expiry() const { return store_->context()->expiry(); }

 private:
  ScrapeSecurity(const ScrapeSecurityOptions& options, Loop& loop, Log& log);
  void open_tls(std::unique_ptr<TlsStore> store);
  void look(TlsStore::When when);
  void warn_of_end();
  void log_refusal(Refusal refusal, std::string detail);

  const ScrapeSecurityOptions options_;
  Loop& loop_;
  Log& log_;
  TlsRoom room_;
  std::unique_ptr<TlsStore> store_;
  std::unique_ptr<FileWatch> watch_;
  std::unique_ptr<PasswordGate> gate_;
  std::array<std::optional<std::uint64_t>, kRefusalCount> refusal_logged_ms_;
};

}  // namespace sidemeter
