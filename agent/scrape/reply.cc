#include "agent/scrape/reply.h"

#include <utility>

#include "agent/http/negotiation.h"
#include "agent/scrape/gzip.h"

namespace sidemeter {
namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::string_view kAllowed = "OPTIONS,GET";

Reply exposition_reply(const http::Request& request, const http::Target& target,
                       const Registry& registry, const ReplyOptions& options) {
  const auto choice = http::negotiate(request.accept);
  const auto compression =
      http::accepts_gzip(request.accept_encoding) ? Compression::kGzip : Compression::kNone;
  http::Fields fields = {{"Content-Type", http::content_type(choice)}};
  if (compression == Compression::kGzip) fields.emplace_back("Content-Encoding", "gzip");
  fields.emplace_back("Vary", "Accept, Accept-Encoding");
  Exposition exposition(registry, {choice.format, choice.escaping, options.created, target.names});
  return Reply(200, std::move(fields), std::move(exposition), compression);
}

}  // namespace

Reply::Reply(int status, http::Fields fields, std::string body)
    : status_(status), fields_(std::move(fields)), body_(std::move(body)) {}

Reply::Reply(int status, http::Fields fields, Exposition exposition, Compression compression)
    : status_(status),
      fields_(std::move(fields)),
      exposition_(std::make_unique<Exposition>(std::move(exposition))),
      gzip_(compression == Compression::kGzip ? std::make_unique<Gzip>() : nullptr) {}

Reply::~Reply() = default;
Reply::Reply(Reply&&) noexcept = default;
Reply& Reply::operator=(Reply&&) noexcept = default;

Reply::State Reply::next(std::string& out) {
  if (!exposition_) {
    out += std::exchange(body_, {});
    return State::kEnd;
  }
  auto state = Exposition::State::kMore;
  if (!gzip_) {
    state = exposition_->next(out);
  } else {
    slice_.clear();
    state = exposition_->next(slice_);
    const bool last = state == Exposition::State::kEnd;
    gzip_->compress(slice_, last ? Gzip::Input::kLast : Gzip::Input::kMoreFollows, out);
  }
  return state == Exposition::State::kMore ? State::kMore : State::kEnd;
}

std::string Reply::rest() {
  std::string body;
  while (next(body) == State::kMore) {
  }
  return body;
}

bool asks_for_metrics(const http::Request& request) {
  return request.method == "GET" && !request.expects_other &&
         http::parse_target(request.target).path != "/favicon.ico";
}

Reply respond(const http::Request& request, const Registry& registry, const ReplyOptions& options) {
  if (request.expects_other) return error_reply(417, "expect nothing but 100-continue");
  if (request.method == "OPTIONS") return Reply(200, {{"Allow", std::string(kAllowed)}}, "");
  if (request.method != "GET") {
    return Reply(405, {{"Content-Type", std::string(kPlainText)}, {"Allow", std::string(kAllowed)}},
                 http::error_body(405, request.method + "; use OPTIONS or GET"));
  }
  const auto target = http::parse_target(request.target);
  if (target.path == "/favicon.ico") return Reply(200, {}, "");
  return exposition_reply(request, target, registry, options);
}

Reply error_reply(int status, std::string_view hint) {
  return Reply(status, {{"Content-Type", std::string(kPlainText)}}, http::error_body(status, hint));
}

std::string last_words(int status, std::string_view hint) {
  Reply reply = error_reply(status, hint);
  const std::string body = reply.rest();
  http::Fields fields = reply.fields();
  fields.emplace_back("Content-Length", std::to_string(body.size()));
  fields.emplace_back("Connection", "close");
  std::string text;
  http::append_response_head(text, status, fields);
  return text + body;
}

}  // namespace sidemeter
