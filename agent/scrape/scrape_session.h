// A scraper's conversation: HTTP/1.x requests in, expositions out, in order.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/http/request_head.h"
#include "agent/scrape/gate.h"
#include "agent/scrape/reply.h"
#include "agent/session.h"

namespace sidemeter {

// What became of requests, for the self metrics. Plain numbers that only grow.
struct ScrapeStats {
  std::map<int, std::uint64_t> replies;  // by HTTP status
  std::uint64_t scrapes = 0;             // expositions that were produced to their end
  double seconds = 0;                    // from request to last slice, of those
  std::uint64_t bytes = 0;               // of body as sent (compressed where it was), of those
};

// What all scrape sessions of an agent share; outlives them.
struct ScrapeRoom {
  const Registry& registry;
  const ScrapeLimits& limits;
  ReplyOptions options;
  ScrapeStats stats;
  std::function<void()> before_scrape = [] {};  // brings the self metrics up to date
  std::function<double()> now;                  // monotonic, seconds
  Gate* gate = nullptr;                         // null: everybody is answered
  std::function<std::time_t()> wall_clock = [] { return std::time(nullptr); };  // for Date
};

class ScrapeSession final : public Session {
 public:
  explicit ScrapeSession(ScrapeRoom& room) : room_(room), reader_(room.limits) {}
  void on_wake(std::function<void()> wake) override { wake_ = std::move(wake); }

  Next receive(std::string_view in, std::string& out) override;
  Next resume(std::string& out) override;
  Next finish(std::string& out) override;
  Next expire(std::string& out) override;  // 408

 private:
  enum class Framing : std::uint8_t { kChunked, kUntilClose };

  // A request that waits at the gate. The gate knows it weakly: the session may end first.
  struct Asked {
    http::Request request;
    std::optional<Gate::Verdict> verdict;
  };

  Next proceed(std::string& out);
  Next ask_gate(http::Request request, std::string& out);
  Next pass_gate(std::string& out);
  Next judge(const Asked& asked, std::string& out);
  Next answer(const http::Request& request, std::string& out);
  Next send(const http::Request& request, Reply reply, std::string& out);
  Next answer_last(Reply reply, std::string& out);
  void append_head(std::string& out, const Reply& reply, http::Fields framing) const;
  Next stream(std::string& out);
  void append_slice(std::string& out) const;
  void end_scrape();

  ScrapeRoom& room_;
  http::RequestReader reader_;

  std::function<void()> wake_ = [] {};
  std::shared_ptr<Asked> asked_;

  // The reply in flight; its head and first slices have been sent.
  std::optional<Reply> reply_;
  Framing framing_ = Framing::kChunked;
  bool closes_ = false;   // after this reply
  bool scrapes_ = false;  // it is an exposition
  double began_ = 0;      // by room_.now
  std::uint64_t sent_bytes_ = 0;
  std::string slice_;  // reused
};

}  // namespace sidemeter
