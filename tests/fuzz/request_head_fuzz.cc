// A head that is fed byte by byte gives the same outcomes as one that is fed whole, and one that is
// accepted can be read in one way only: written anew from what was understood, it is understood the
// same. Whatever stands in it, the negotiation answers.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/http/negotiation.h"
#include "agent/http/request_head.h"

using namespace sidemeter;

namespace {

std::string describe(const http::Request& request) {
  return request.method + '|' + request.target + '|' + request.accept + '|' +
         request.accept_encoding + '|' + std::to_string(request.version) +
         (request.keep_alive ? " keeps" : " closes") + (request.expects_other ? " expects" : "") +
         (request.announces_body ? " body" : "");
}

std::string written(const http::Request& request) {
  std::string head = request.method + ' ' + request.target +
                     (request.version == 10 ? " HTTP/1.0" : " HTTP/1.1") + "\r\nHost: x\r\n";
  head += request.keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  if (request.expects_other) head += "Expect: x\r\n";
  if (request.announces_body) head += "Content-Length: 1\r\n";
  head += "Accept: " + request.accept + "\r\nAccept-Encoding: " + request.accept_encoding;
  return head + "\r\n\r\n";
}

enum class Depth { kOnce, kAgain };

std::vector<std::string> outcomes(std::string_view bytes, std::size_t piece, Depth depth) {
  ScrapeLimits limits;
  if (depth == Depth::kAgain) limits.head_bytes *= 2;  // it may be written longer than it was
  http::RequestReader reader(limits);
  std::vector<std::string> found;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.push(bytes.substr(at, piece));
    for (;;) {
      const auto outcome = reader.next();
      if (std::holds_alternative<http::RequestReader::NeedMore>(outcome)) break;
      if (const auto* error = std::get_if<http::HeadError>(&outcome)) {
        found.push_back(std::to_string(error->status) + error->hint);
        return found;
      }
      const auto& request = std::get<http::Request>(outcome);
      found.push_back(describe(request));
      if (depth == Depth::kAgain) continue;
      const auto head = written(request);
      if (outcomes(head, head.size(), Depth::kAgain) != std::vector{found.back()}) std::abort();
      http::parse_target(request.target);
    }
  }
  if (depth == Depth::kOnce) found.push_back(reader.within_head() ? "within a head" : "idle");
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (outcomes(bytes, size, Depth::kOnce) != outcomes(bytes, 1, Depth::kOnce)) std::abort();
  http::content_type(http::negotiate(bytes));
  http::accepts_gzip(bytes);
  http::parse_target(bytes);
  return 0;
}
