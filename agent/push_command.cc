#include "agent/push_command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "agent/ingest_client.h"
#include "agent/option_value.h"
#include "agent/version.h"

namespace sidemeter {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

void write_line(int descriptor, const std::string& line) { write_text(descriptor, line + '\n'); }

// Takes the word before the first blank off `text`.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

// The count in `ok 42 accepted=120 rejected=2 first="…"`, or in its JSON form.
std::uint64_t rejected_count(std::string_view reply) {
  for (const std::string_view key : {" rejected=", "\"rejected\":"}) {
    const std::size_t at = reply.find(key);
    if (at == std::string_view::npos) continue;
    const std::string_view digits = reply.substr(at + key.size());
    return parse_digits(digits.substr(0, digits.find_first_not_of("0123456789"))).value_or(0);
  }
  return 0;
}

// What the replies of the agent say, one after the other.
class Replies {
 public:
  Replies(const Streams& streams, const std::string& token)
      : streams_(streams), own_sync_("ok " + token + " ") {}

  bool synced() const { return synced_; }
  bool refused() const { return refused_; }

  void take(const std::string& reply) {
    if (reply.starts_with("err ")) return take_refusal(reply);
    if (reply.starts_with("hello ") && !greeted_) {
      greeted_ = true;
      return;
    }
    const std::uint64_t rejected = rejected_count(reply);
    if (!reply.starts_with(own_sync_)) {
      write_line(streams_.output, reply);
    } else if (synced_ = true; rejected > 0 && !refused_) {
      // The user's own hello has switched `errors` off.
      write_line(streams_.errors, std::to_string(rejected) + " records were refused");
    }
    refused_ = refused_ || rejected > 0;
  }

 private:
  // `err LINE REASON MESSAGE`, where our own hello is line 1.
  void take_refusal(std::string_view reply) {
    take_word(reply);
    const std::uint64_t line = parse_digits(take_word(reply)).value_or(0);
    const std::string reason(take_word(reply));
    const std::string place = line < 2 ? "sidemeter" : "line " + std::to_string(line - 1);
    write_line(streams_.errors, place + ": " + reason + ": " + std::string(reply));
    refused_ = true;
  }

  const Streams& streams_;
  const std::string own_sync_;
  bool greeted_ = false;
  bool synced_ = false;
  bool refused_ = false;
};

void take_replies(IngestClient& client, Replies& replies) {
  while (const auto reply = client.next_reply()) replies.take(*reply);
}

// Sends standard input in blocks, and an LF where its last line has none.
Result<Done, ClientError> send_input(int input, IngestClient& client, Replies& replies) {
  std::array<char, kBlockBytes> block{};
  char last = '\n';
  while (true) {
    const auto ready = client.wait_for_input(input);
    if (!ready) return ready.error();
    take_replies(client, replies);
    if (*ready == IngestClient::Ready::kReplies) continue;
    const ssize_t length = ::read(input, block.data(), block.size());
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (length < 0) {
      return ClientError{"cannot read standard input: " + std::string(std::strerror(errno))};
    }
    if (length == 0) return last == '\n' ? Result<Done, ClientError>(Done{}) : client.send("\n");
    const std::string_view bytes(block.data(), static_cast<std::size_t>(length));
    last = bytes.back();
    if (const auto sent = client.send(bytes); !sent) return sent.error();
  }
}

Result<Done, ClientError> converse(const PushRequest& request, const Streams& streams,
                                   const std::string& token, IngestClient& client,
                                   Replies& replies) {
  const std::string hello =
      "hello v=1 client=sidemeter-push/" + std::string(kVersion) + " errors=1\n";
  if (const auto sent = client.send(hello); !sent) return sent.error();
  for (const std::string& record : request.records) {
    if (const auto sent = client.send(record + "\n"); !sent) return sent.error();
    take_replies(client, replies);
  }
  if (request.records.empty()) {
    if (const auto sent = send_input(streams.input, client, replies); !sent) return sent.error();
  }
  if (const auto sent = client.send("sync " + token + "\n"); !sent) return sent.error();
  for (take_replies(client, replies); !replies.synced(); take_replies(client, replies)) {
    if (const auto received = client.receive(); !received) return received.error();
  }
  return Done{};
}

}  // namespace

int push(const PushRequest& request, const Streams& streams) {
  const auto client = IngestClient::connect(request.socket_path, request.timeout_ms);
  if (!client) return complain(streams, client.error().message);
  const std::string token = random_token();
  Replies replies(streams, token);
  const auto outcome = converse(request, streams, token, **client, replies);
  take_replies(**client, replies);
  if (!outcome && !replies.synced()) return complain(streams, outcome.error().message);
  return replies.refused() ? 1 : 0;
}

}  // namespace sidemeter
