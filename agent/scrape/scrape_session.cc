#include "agent/scrape/scrape_session.h"

#include <array>
#include <charconv>
#include <utility>
#include <variant>

namespace sidemeter {
namespace {

// RFC 9112, 7.1: the size in hexadecimal, CR LF, the data, CR LF; size 0 ends.
void append_chunk(std::string& out, std::string_view data) {
  std::array<char, 20> size;
  out.append(size.data(),
             std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr);
  out += "\r\n";
  out += data;
  out += "\r\n";
}

constexpr std::string_view kLastChunk = "0\r\n\r\n";

// What is said of the connection: nothing where HTTP/1.1 takes it for granted, but a 1.0 peer that
// asked to stay must be told (RFC 9112, C.2.2).
void say_connection(http::Fields& fields, const http::Request& request, bool closes) {
  if (closes) {
    fields.emplace_back("Connection", "close");
  } else if (request.version == 10) {
    fields.emplace_back("Connection", "keep-alive");
  }
}

}  // namespace

Next ScrapeSession::receive(std::string_view in, std::string& out) {
  reader_.push(in);
  return proceed(out);
}

Next ScrapeSession::resume(std::string& out) {
  if (asked_) return pass_gate(out);
  return reply_ ? stream(out) : proceed(out);
}

Next ScrapeSession::finish(std::string&) { return Next::kClose; }

Next ScrapeSession::expire(std::string& out) {
  return answer_last(error_reply(408, "the head was not complete in time"), out);
}

// Answers what is complete, in order, up to a reply of many slices or to as much as one turn of
// the loop is for.
Next ScrapeSession::proceed(std::string& out) {
  for (std::size_t answered = 0; answered < room_.limits.pipelined_requests; ++answered) {
    if (out.size() >= kSliceBytes) return Next::kMore;
    auto outcome = reader_.next();
    if (std::holds_alternative<http::RequestReader::NeedMore>(outcome)) {
      slice_ = {};  // a peer that waits costs no slice
      return reader_.within_head() ? Next::kPartial : Next::kIdle;
    }
    if (const auto* error = std::get_if<http::HeadError>(&outcome)) {
      return answer_last(error_reply(error->status, error->hint), out);
    }
    auto& request = std::get<http::Request>(outcome);
    const auto next = room_.gate ? ask_gate(std::move(request), out) : answer(request, out);
    if (next != Next::kIdle) return next;
  }
  return Next::kMore;
}

void ScrapeSession::append_head(std::string& out, const Reply& reply, http::Fields framing) const {
  auto fields = reply.fields();
  fields.emplace_back("Date", http::date(room_.wall_clock()));
  fields.insert(fields.end(), framing.begin(), framing.end());
  http::append_response_head(out, reply.status(), fields);
}

Next ScrapeSession::answer_last(Reply reply, std::string& out) {
  ++room_.stats.replies[reply.status()];
  const auto body = reply.rest();
  append_head(out, reply,
              {{"Content-Length", std::to_string(body.size())}, {"Connection", "close"}});
  out += body;
  return Next::kClose;
}

// 401 stands for nobody and for anybody else (RFC 9110, 15.5.2): it does not say which.
Next ScrapeSession::ask_gate(http::Request request, std::string& out) {
  asked_ = std::make_shared<Asked>(Asked{std::move(request), std::nullopt});
  asked_->verdict =
      room_.gate->ask(asked_->request.authorization,
                      [this, weak = std::weak_ptr<Asked>(asked_)](Gate::Verdict verdict) {
                        const auto asked = weak.lock();
                        if (!asked) return;
                        asked->verdict = verdict;
                        wake_();
                      });
  if (!asked_->verdict) return Next::kWait;
  const auto asked = std::exchange(asked_, nullptr);
  return judge(*asked, out);
}

Next ScrapeSession::pass_gate(std::string& out) {
  if (!asked_->verdict) return Next::kWait;
  const auto asked = std::exchange(asked_, nullptr);
  const Next next = judge(*asked, out);
  return next == Next::kIdle ? proceed(out) : next;
}

Next ScrapeSession::judge(const Asked& asked, std::string& out) {
  switch (*asked.verdict) {
    case Gate::Verdict::kAdmit: return answer(asked.request, out);
    case Gate::Verdict::kBusy:
      return send(asked.request, error_reply(503, "too many passwords to check"), out);
    case Gate::Verdict::kRefuse: break;
  }
  auto refusal = error_reply(401, "a user and a password are wanted");
  auto fields = refusal.fields();
  fields.emplace_back("WWW-Authenticate", "Basic realm=\"metrics\", charset=\"UTF-8\"");
  return send(asked.request, Reply(401, std::move(fields), refusal.rest()), out);
}

Next ScrapeSession::answer(const http::Request& request, std::string& out) {
  scrapes_ = asks_for_metrics(request);
  if (scrapes_) room_.before_scrape();
  began_ = room_.now();
  return send(request, respond(request, room_.registry, room_.options), out);
}

Next ScrapeSession::send(const http::Request& request, Reply reply, std::string& out) {
  ++room_.stats.replies[reply.status()];
  // What follows a head that announces a body is that body, which nobody reads.
  closes_ = !request.keep_alive || request.announces_body;

  slice_.clear();
  const auto state = reply.next(slice_);
  sent_bytes_ = slice_.size();
  http::Fields framing;
  if (state == Reply::State::kMore) {
    framing_ = request.version == 11 ? Framing::kChunked : Framing::kUntilClose;
    closes_ = closes_ || framing_ == Framing::kUntilClose;
    if (framing_ == Framing::kChunked) framing.emplace_back("Transfer-Encoding", "chunked");
  } else if (request.method != "HEAD") {
    framing.emplace_back("Content-Length", std::to_string(slice_.size()));
  }
  say_connection(framing, request, closes_);
  append_head(out, reply, std::move(framing));
  if (state == Reply::State::kMore) {
    append_slice(out);
    reply_ = std::move(reply);
    return Next::kMore;
  }
  // The reply to HEAD ends with its head, and has no Content-Length: that would have to be the one
  // that GET gets (RFC 9110, 8.6).
  if (request.method != "HEAD") out += slice_;
  if (std::exchange(scrapes_, false)) end_scrape();
  return closes_ ? Next::kClose : Next::kIdle;
}

// An empty chunk would end the body; a compressor may keep a whole slice to itself.
void ScrapeSession::append_slice(std::string& out) const {
  if (framing_ == Framing::kUntilClose) {
    out += slice_;
  } else if (!slice_.empty()) {
    append_chunk(out, slice_);
  }
}

Next ScrapeSession::stream(std::string& out) {
  slice_.clear();
  const auto state = reply_->next(slice_);
  sent_bytes_ += slice_.size();
  append_slice(out);
  if (state == Reply::State::kMore) return Next::kMore;
  if (framing_ == Framing::kChunked) out += kLastChunk;
  reply_.reset();
  scrapes_ = false;
  end_scrape();
  return closes_ ? Next::kClose : Next::kMore;
}

void ScrapeSession::end_scrape() {
  ++room_.stats.scrapes;
  room_.stats.seconds += room_.now() - began_;
  room_.stats.bytes += sent_bytes_;
}

}  // namespace sidemeter
