// The options of TLS, passwords and health: flags, and in the file also the sections
// `tls_server_config` and `basic_auth_users` as Prometheus's exporters spell them.
//
//   { "tls_server_config": { "cert_file": "server.pem", "key_file": "server.key",
//                            "client_auth_type": "RequireAndVerifyClientCert",
//                            "client_ca_file": "ca.pem", "min_version": "TLS12" },
//     "basic_auth_users": { "prometheus": "$2y$10$…" } }
#pragma once

#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/config_file.h"
#include "agent/option_table.h"

namespace sidemeter {

inline constexpr std::string_view kTlsSection = "tls_server_config";
inline constexpr std::string_view kUsersSection = "basic_auth_users";

// `options` must outlive the table, which fills them.
void add_tls_options(Table& table, AgentOptions& options);

// Takes the users from the entries of their section. The error begins with the entry's place.
Parsed<std::vector<BasicAuthUser>> read_users(const std::vector<ConfigEntry>& entries,
                                              const std::string& file_name);

}  // namespace sidemeter
