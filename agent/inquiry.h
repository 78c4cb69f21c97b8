// Asks an agent for its sessions or families (PROTOCOL.md, "Listings") and reads what it lists.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/ingest_client.h"

namespace sidemeter {

// The fields of one listed thing, by key.
using ListedFields = std::map<std::string, std::string>;

// How the commands reach an agent.
struct Contact {
  std::string socket_path;
  std::uint64_t timeout_ms;
};

// One agent that is asked again and again.
class Inquiry {
 public:
  static Result<Inquiry, ClientError> open(const Contact& contact);

  // `question` is "sessions" or "families". The error tells what the agent refused or what was
  // no listing.
  Result<std::vector<ListedFields>, ClientError> ask(std::string_view question);

 private:
  explicit Inquiry(std::unique_ptr<IngestClient> client) : client_(std::move(client)) {}
  Result<std::string, ClientError> next_line();

  std::unique_ptr<IngestClient> client_;
};

// The value of a field, as a number where it is one; 0 where it is missing.
std::uint64_t number(const ListedFields& fields, const std::string& key);

}  // namespace sidemeter
