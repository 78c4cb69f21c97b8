#include "agent/health_command.h"

#include "agent/ingest_client.h"

namespace sidemeter {

std::optional<std::string> find_illness(const HealthRequest& request) {
  const auto client = IngestClient::connect(request.socket_path, request.timeout_ms);
  if (!client) return client.error().message;

  const std::string token = random_token();
  auto outcome = (*client)->send("sync " + token + "\n");
  auto reply = (*client)->next_reply();
  while (outcome && !reply) {
    outcome = (*client)->receive();
    reply = (*client)->next_reply();
  }
  if (!reply) return outcome.error().message;
  if (reply->starts_with("ok " + token + " ")) return std::nullopt;
  return request.socket_path + ": expected \"ok " + token + " …\", got \"" + *reply + "\"";
}

}  // namespace sidemeter
