#include "agent/tls_metrics.h"

#include <optional>
#include <string>

namespace sidemeter {
namespace {

void add_handshakes(SelfMetrics& metrics, const TlsStats& stats, const TlsLimits& limits) {
  metrics.declare("sidemeter_tls_handshakes_in_flight", MetricType::kGauge,
                  "TLS handshakes that have begun and not ended, silent connections among them.");
  metrics.gauge("sidemeter_tls_handshakes_in_flight",
                [&stats] { return static_cast<double>(stats.in_flight); });
  metrics.declare("sidemeter_tls_handshakes_in_flight_limit", MetricType::kGauge,
                  "TLS handshakes that may be under way at once, a listener.");
  metrics.gauge("sidemeter_tls_handshakes_in_flight_limit",
                [&limits] { return static_cast<double>(limits.handshakes); });
  metrics.declare("sidemeter_tls_handshake_duration_seconds", MetricType::kSummary,
                  "Time from first byte to last, of completed TLS handshakes.", "seconds");
  metrics.summary(
      "sidemeter_tls_handshake_duration_seconds", [&stats] { return stats.seconds; },
      [&stats] { return static_cast<double>(stats.completed); });
  metrics.declare("sidemeter_tls_handshakes_refused_total", MetricType::kCounter,
                  "TLS handshakes that came to nothing, by reason.");
  for (std::size_t i = 0; i < kRefusalCount; ++i) {
    const std::string reason(kRefusalWords[i]);
    metrics.counter("sidemeter_tls_handshakes_refused_total{reason=\"" + reason + "\"}",
                    [&stats, i] { return static_cast<double>(stats.refused[i]); });
  }
}

void add_reloads(SelfMetrics& metrics, const TlsReloads& reloads) {
  metrics.declare("sidemeter_tls_reloads_total", MetricType::kCounter,
                  "Readings of certificates and keys that were new, the first too, by result.");
  metrics.counter(R"(sidemeter_tls_reloads_total{result="success"})",
                  [&reloads] { return static_cast<double>(reloads.succeeded); });
  metrics.counter(R"(sidemeter_tls_reloads_total{result="failure"})",
                  [&reloads] { return static_cast<double>(reloads.failed); });
  metrics.declare("sidemeter_tls_last_reload_successful", MetricType::kGauge,
                  "1 where the certificates on disk are those that are served, 0 where they are "
                  "broken and the last good ones are.");
  metrics.gauge("sidemeter_tls_last_reload_successful",
                [&reloads] { return reloads.last_succeeded ? 1.0 : 0.0; });
  metrics.declare("sidemeter_tls_last_reload_success_timestamp_seconds", MetricType::kGauge,
                  "When certificates were last loaded.", "seconds");
  metrics.gauge("sidemeter_tls_last_reload_success_timestamp_seconds",
                [&reloads] { return static_cast<double>(reloads.last_success_seconds); });
}

// Which roles there are is settled with the settings; what stands in the files changes.
void add_expiry(SelfMetrics& metrics, const ScrapeSecurity& security) {
  const std::string name = "sidemeter_tls_certificate_not_after_timestamp_seconds";
  metrics.declare(name, MetricType::kGauge,
                  "When the first of a role's certificates ends; of a CRL, when the next is due.",
                  "seconds");
  const auto add = [&](const std::string& role, std::optional<std::int64_t> TlsExpiry::*of_role) {
    if (!(security.expiry().*of_role)) return;
    metrics.gauge(name + "{role=\"" + role + "\"}", [&security, of_role] {
      return static_cast<double>((security.expiry().*of_role).value_or(0));
    });
  };
  add("server", &TlsExpiry::server);
  add("client_ca", &TlsExpiry::client_ca);
  add("crl", &TlsExpiry::crl);
}

}  // namespace

void add_tls_metrics(SelfMetrics& metrics, const ScrapeSecurity& security,
                     const TlsLimits& limits) {
  add_handshakes(metrics, security.handshakes(), limits);
  add_reloads(metrics, security.reloads());
  add_expiry(metrics, security);
}

}  // namespace sidemeter
