// The self metrics of TLS: handshakes, refusals by reason, reloads, and when certificates end.
#pragma once

#include "agent/scrape_security.h"
#include "agent/self_metrics.h"

namespace sidemeter {

// Adds them to `metrics`, each series at 0 from the start. `security` has TLS and outlives them.
void add_tls_metrics(SelfMetrics& metrics, const ScrapeSecurity& security, const TlsLimits& limits);

}  // namespace sidemeter
