#include "agent/inquiry.h"

#include <algorithm>
#include <utility>

#include "agent/option_value.h"
#include "agent/version.h"
#include "proto/fields.h"

namespace sidemeter {
namespace {

// session id=1 pid=4711 …
Result<ListedFields, ClientError> read_fields(const std::string& line) {
  ListedFields fields;
  std::string_view rest = line;
  rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  while (!rest.empty()) {
    auto field = take_field(rest);
    if (!field) return ClientError{"the agent lists what cannot be read: " + line};
    fields.insert_or_assign(std::move(field->key), std::move(field->value));
  }
  return fields;
}

}  // namespace

Result<Inquiry, ClientError> Inquiry::open(const Contact& contact) {
  auto client = IngestClient::connect(contact.socket_path, contact.timeout_ms);
  if (!client) return client.error();
  const std::string hello = "hello v=1 client=sidemeter/" + std::string(kVersion) + " errors=1\n";
  if (const auto sent = (*client)->send(hello); !sent) return sent.error();
  Inquiry inquiry(*std::move(client));
  const auto reply = inquiry.next_line();
  if (!reply) return reply.error();
  if (!reply->starts_with("hello "))
    return ClientError{"expected \"hello …\", got \"" + *reply + "\""};
  return inquiry;
}

Result<std::string, ClientError> Inquiry::next_line() {
  auto reply = client_->next_reply();
  while (!reply) {
    if (const auto received = client_->receive(); !received) return received.error();
    reply = client_->next_reply();
  }
  return *std::move(reply);
}

Result<std::vector<ListedFields>, ClientError> Inquiry::ask(std::string_view question) {
  if (const auto sent = client_->send(std::string(question) + "\n"); !sent) return sent.error();
  std::vector<ListedFields> listed;
  while (true) {
    const auto line = next_line();
    if (!line) return line.error();
    if (line->starts_with("end ")) return listed;
    if (line->starts_with("err ")) return ClientError{"the agent refuses: " + line->substr(4)};
    auto fields = read_fields(*line);
    if (!fields) return fields.error();
    listed.push_back(*std::move(fields));
  }
}

std::uint64_t number(const ListedFields& fields, const std::string& key) {
  const auto found = fields.find(key);
  return found == fields.end() ? 0 : parse_digits(found->second).value_or(0);
}

}  // namespace sidemeter
