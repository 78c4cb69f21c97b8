// The cipher suites that are sound: an ephemeral key exchange and authenticated encryption.
#pragma once

#include <string>
#include <vector>

#include "agent/tls/tls_settings.h"
#include "proto/result.h"

namespace sidemeter {

// IANA's numbers of the suites named (several with commas between), in order of preference, without
// the 0 that mbedTLS wants at the end. Of a TLS version that no name is of all suites are taken: a
// list for TLS 1.2 would else shut out every TLS 1.3 client, and nobody means that. An unknown or
// unsound one is an error.
Result<std::vector<int>, TlsError> choose_suites(const std::vector<std::string>& names,
                                                 TlsVersion most);

}  // namespace sidemeter
