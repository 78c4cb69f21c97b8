// From request to reply, without a socket: the one function that answers a
// scrape. The agent's own server uses it, and so can a program that has a server
// already (README, "Embedding").
#pragma once

#include <memory>
#include <string>

#include "agent/http/request_head.h"
#include "agent/http/response_head.h"
#include "agent/metrics/exposition.h"
#include "agent/metrics/registry.h"

namespace sidemeter {

class Gzip;

struct ReplyOptions {
  CreatedSamples created = CreatedSamples::kOff;
};

enum class Compression { kNone, kGzip };

// A status, header fields (Content-Type, Content-Encoding, Vary, Allow; none about framing), and a
// body that is produced a slice at a time.
class Reply {
 public:
  Reply(int status, http::Fields fields, std::string body);
  Reply(int status, http::Fields fields, Exposition exposition, Compression compression);
  ~Reply();
  Reply(Reply&&) noexcept;
  Reply& operator=(Reply&&) noexcept;

  int status() const { return status_; }
  const http::Fields& fields() const { return fields_; }

  enum class State { kMore, kEnd };

  // Appends the next slice of the body, about kSliceBytes before compression.
  State next(std::string& out);

  // What is left of the body at once: for a server that cannot stream.
  std::string rest();

 private:
  int status_;
  http::Fields fields_;
  std::string body_;
  std::unique_ptr<Exposition> exposition_;
  std::unique_ptr<Gzip> gzip_;
  std::string slice_;  // reused
};

// Whether the answer is an exposition, so that what it shows can be brought up to date first.
bool asks_for_metrics(const http::Request& request);

// Answers any request (behaviour 1–5, 11–14). `registry` must outlive the reply.
Reply respond(const http::Request& request, const Registry& registry, const ReplyOptions& options);

// The reply to a head that was refused, or to no connection left (503).
Reply error_reply(int status, std::string_view hint);

// The same with its head, which closes: for a peer that has no session.
std::string last_words(int status, std::string_view hint);

}  // namespace sidemeter
