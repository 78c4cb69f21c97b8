#include "agent/http/request_head.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <utility>

#include "agent/http/head_rules.h"

namespace sidemeter::http {
namespace {

namespace beast = boost::beast::http;
using BeastView = boost::beast::string_view;
using BeastError = boost::beast::error_code;

std::string view_to_string(BeastView view) { return {view.data(), view.size()}; }

void append_list(std::string& list, BeastView value) {
  if (value.empty()) return;
  if (!list.empty()) list += ", ";
  list.append(value.data(), value.size());
}

// Takes what an answer depends on out of a head, and keeps nothing else: unlike Beast's own
// parser it has no container of fields, which throws where one is longer than 64 KiB.
class HeadParser final : public beast::basic_parser<true> {
 public:
  Request take_request() {
    // `close` goes before `keep-alive` where both are given (RFC 9112, 9.3).
    request_.keep_alive = !close_ && (request_.version == 11 || keep_alive_);
    return std::move(request_);
  }

 private:
  void on_request_impl(beast::verb, BeastView method, BeastView target, int version,
                       BeastError&) override {
    request_.method = view_to_string(method);
    request_.target = view_to_string(target);
    request_.version = version;
  }

  void on_field_impl(beast::field name, BeastView, BeastView value, BeastError&) override {
    switch (name) {
      case beast::field::accept: append_list(request_.accept, value); break;
      case beast::field::accept_encoding: append_list(request_.accept_encoding, value); break;
      case beast::field::authorization:
        request_.authorization = std::exchange(authorized_, true) ? "" : view_to_string(value);
        break;
      case beast::field::connection: {
        beast::token_list tokens(value);
        close_ = close_ || tokens.exists("close");
        keep_alive_ = keep_alive_ || tokens.exists("keep-alive");
        break;
      }
      case beast::field::expect:
        if (!boost::beast::iequals(value, "100-continue")) request_.expects_other = true;
        break;
      case beast::field::transfer_encoding: request_.announces_body = true; break;
      case beast::field::content_length:
        if (value.find_first_not_of('0') != BeastView::npos) request_.announces_body = true;
        break;
      default: break;
    }
  }

  // What follows the head is not looked at.
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  std::size_t on_body_impl(BeastView body, BeastError&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, BeastView, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, BeastError&) override {
    return body.size();
  }
  void on_finish_impl(BeastError&) override {}
  void on_response_impl(int, BeastView, int, BeastError&) override {}

  Request request_;
  bool authorized_ = false;  // there was an Authorization
  bool close_ = false;
  bool keep_alive_ = false;
};

RequestReader::Outcome parse(std::string_view head, const ScrapeLimits& limits) {
  if (auto error = check_head(head, limits); error.status != 0) return error;
  HeadParser parser;
  parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));
  parser.skip(true);  // it must not wait for a body
  BeastError fault;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), fault);
  if (fault || !parser.is_header_done()) return HeadError{400, "the head is malformed"};
  return parser.take_request();
}

}  // namespace

void RequestReader::push(std::string_view bytes) {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  buffer_ += bytes;
}

HeadError RequestReader::check_byte() {
  const char c = buffer_[scanned_];
  const bool after_cr = scanned_ > begin_ && buffer_[scanned_ - 1] == '\r';
  if (after_cr != (c == '\n')) return {400, "each line of the head ends in CR LF"};
  if (c == '\0') return {400, "a NUL byte stands in the head"};
  if (c == '\n') in_request_line_ = false;
  if (in_request_line_) {
    if (c == ' ') {
      ++blanks_;
    } else if (blanks_ == 1 && c != '\r' && ++target_bytes_ > limits_.target_bytes) {
      return {414, "the target has at most " + std::to_string(limits_.target_bytes) + " bytes"};
    }
  }
  if (scanned_ + 1 - begin_ > limits_.head_bytes) {
    return {431, "the head has at most " + std::to_string(limits_.head_bytes) + " bytes"};
  }
  return {0, {}};
}

RequestReader::Outcome RequestReader::next() {
  for (; scanned_ < buffer_.size(); ++scanned_) {
    if (auto error = check_byte(); error.status != 0) return error;
    const auto head = std::string_view(buffer_).substr(begin_, scanned_ + 1 - begin_);
    if (head == "\r\n") {
      // One empty line before a request is forgiven (RFC 9112, 2.2).
      if (skipped_empty_line_) return HeadError{400, "a request begins with its request line"};
      begin_ = scanned_ + 1;
      start_head();
      skipped_empty_line_ = true;
    } else if (head.ends_with("\r\n\r\n")) {
      return take_head();
    }
  }
  return NeedMore{};
}

RequestReader::Outcome RequestReader::take_head() {
  const auto end = scanned_ + 1;
  auto outcome = parse(std::string_view(buffer_).substr(begin_, end - begin_), limits_);
  begin_ = scanned_ = end;
  start_head();
  return outcome;
}

void RequestReader::start_head() {
  in_request_line_ = true;
  skipped_empty_line_ = false;
  blanks_ = 0;
  target_bytes_ = 0;
}

}  // namespace sidemeter::http
