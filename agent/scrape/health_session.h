// Answers `/-/healthy` and `/-/ready`, and nothing else: on an address of its own, without TLS and
// without passwords, for a kubelet that has neither (behaviour 36).
#pragma once

#include <functional>
#include <string>

#include "agent/http/request_head.h"
#include "agent/session.h"
#include "proto/limits.h"

namespace sidemeter {

// What all health sessions share; outlives them.
struct HealthRoom {
  const ScrapeLimits& limits;
  std::function<bool()> is_ready;  // false while the agent ends
};

class HealthSession final : public Session {
 public:
  explicit HealthSession(const HealthRoom& room) : room_(room), reader_(room.limits) {}

  Next receive(std::string_view in, std::string& out) override;
  Next resume(std::string& out) override { return proceed(out); }
  Next expire(std::string& out) override;  // 408

 private:
  Next proceed(std::string& out);
  Next answer(const http::Request& request, std::string& out) const;

  const HealthRoom& room_;
  http::RequestReader reader_;
};

}  // namespace sidemeter
