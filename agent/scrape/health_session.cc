#include "agent/scrape/health_session.h"

#include <ctime>
#include <utility>
#include <variant>

#include "agent/http/negotiation.h"
#include "agent/scrape/reply.h"

namespace sidemeter {
namespace {

enum class After { kStay, kClose };

void append(std::string& out, Reply reply, const std::string& method, After after) {
  const std::string body = reply.rest();
  http::Fields fields = reply.fields();
  fields.emplace_back("Date", http::date(std::time(nullptr)));
  fields.emplace_back("Content-Length", std::to_string(body.size()));
  if (after == After::kClose) fields.emplace_back("Connection", "close");
  http::append_response_head(out, reply.status(), fields);
  if (method != "HEAD") out += body;
}

Reply plain_reply(int status, std::string body) {
  return Reply(status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body));
}

Reply respond_health(const http::Request& request, bool is_ready) {
  const auto target = http::parse_target(request.target);
  const bool asks_ready = target.path == "/-/ready";
  if (!asks_ready && target.path != "/-/healthy") {
    return error_reply(404, "here are only /-/healthy and /-/ready");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    Reply reply = error_reply(405, request.method + "; use GET");
    http::Fields fields = reply.fields();
    fields.emplace_back("Allow", "GET, HEAD");
    return Reply(405, std::move(fields), reply.rest());
  }
  if (asks_ready && !is_ready) return error_reply(503, "the agent ends");
  return plain_reply(200, asks_ready ? "ready\n" : "healthy\n");
}

}  // namespace

Next HealthSession::receive(std::string_view in, std::string& out) {
  reader_.push(in);
  return proceed(out);
}

Next HealthSession::expire(std::string& out) {
  append(out, error_reply(408, "the head was not complete in time"), "GET", After::kClose);
  return Next::kClose;
}

Next HealthSession::proceed(std::string& out) {
  for (std::size_t answered = 0; answered < room_.limits.pipelined_requests; ++answered) {
    auto outcome = reader_.next();
    if (std::holds_alternative<http::RequestReader::NeedMore>(outcome)) {
      return reader_.within_head() ? Next::kPartial : Next::kIdle;
    }
    if (const auto* error = std::get_if<http::HeadError>(&outcome)) {
      append(out, error_reply(error->status, error->hint), "GET", After::kClose);
      return Next::kClose;
    }
    const Next next = answer(std::get<http::Request>(outcome), out);
    if (next == Next::kClose) return next;
  }
  return Next::kMore;
}

Next HealthSession::answer(const http::Request& request, std::string& out) const {
  // What follows a head that announces a body is that body, which nobody reads. Nobody keeps a
  // 1.0 connection to ask for health again.
  const bool closes = !request.keep_alive || request.announces_body || request.version == 10;
  append(out, respond_health(request, room_.is_ready()), request.method,
         closes ? After::kClose : After::kStay);
  return closes ? Next::kClose : Next::kIdle;
}

}  // namespace sidemeter
