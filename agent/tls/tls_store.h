// Keeps the context that new handshakes get, and makes a new one when its files have changed. A set
// that is broken, half-written or of two halves never takes the place of the last good one.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>

#include "agent/tls/tls_context.h"
#include "agent/tls/tls_material.h"
#include "agent/tls/tls_settings.h"
#include "proto/result.h"

namespace sidemeter {

// What became of readings that found something new, or were asked for. The first counts.
struct TlsReloads {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  bool last_succeeded = true;
  std::int64_t last_success_seconds = 0;  // since the epoch
};

class TlsStore {
 public:
  // The files must be good: there is no last good set yet.
  static Result<std::unique_ptr<TlsStore>, TlsError> open(const TlsSettings& settings,
                                                          std::time_t now);

  const std::shared_ptr<const TlsContext>& context() const { return context_; }
  const TlsReloads& reloads() const { return reloads_; }

  enum class When { kIfChanged, kAlways };
  enum class Outcome { kUnchanged, kLoaded, kKept };

  // Reads the files. What is the same as at the last reading is left alone, be it good or broken.
  // kKept: they are broken, for last_error().
  Outcome reload(When when, std::time_t now);
  const std::string& last_error() const { return last_error_; }

 private:
  explicit TlsStore(const TlsSettings& settings) : settings_(settings) {}

  const TlsSettings settings_;
  TlsMaterial last_read_;
  std::shared_ptr<const TlsContext> context_;
  TlsReloads reloads_;
  std::string last_error_;
};

}  // namespace sidemeter
