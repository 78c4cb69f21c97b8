// TLS, as a session that wraps a session: records in and out, and between them the bytes of the
// conversation inside. Knows no socket; tests talk to one with strings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/session.h"
#include "agent/tls/record_boundary.h"
#include "agent/tls/refusal.h"
#include "agent/tls/tls_context.h"

namespace sidemeter {

// What became of handshakes, for the self metrics. Only `in_flight` ever falls.
struct TlsStats {
  std::size_t in_flight = 0;
  std::uint64_t completed = 0;
  double seconds = 0;  // from first byte to last, of those
  std::array<std::uint64_t, kRefusalCount> refused{};
};

// What all TLS sessions of an agent share; outlives them.
struct TlsRoom {
  std::shared_ptr<const TlsContext> context;  // of those that begin now
  std::size_t steps_per_turn = 4;       // of handshakes, each some milliseconds of cryptography
  std::string plain_http_reply;         // to a client that speaks HTTP without TLS
  std::function<double()> now;          // monotonic, seconds
  std::function<std::uint64_t()> turn;  // another number in another turn of the loop
  std::function<void(Refusal, std::string)> tell_refusal = [](Refusal, std::string) {};
  TlsStats stats;

  std::uint64_t last_turn = 0;
  std::size_t steps_taken = 0;  // in that turn

  // Whether a handshake may go on in this turn.
  bool take_step();
};

class TlsSession final : public Session {
 public:
  TlsSession(TlsRoom& room, std::unique_ptr<Session> inner);
  ~TlsSession() override;

  Next receive(std::string_view in, std::string& out) override;
  Next resume(std::string& out) override;
  Next finish(std::string& out) override;
  Next expire(std::string& out) override;
  void farewell(std::string& out) override;
  void on_wake(std::function<void()> wake) override { inner_->on_wake(std::move(wake)); }

 private:
  struct Parts;
  enum class Stage : std::uint8_t { kFirstByte, kHandshake, kOpen, kOver };

  Next with_input(std::string_view in, std::string& out, Next (TlsSession::*action)());
  Next proceed();
  Next answer_plain_http();
  bool begin();
  Next shake_hands();
  Next refuse(Refusal refusal, std::string detail);
  Next read_records();
  Next await_records();
  Next resume_inner();
  Next finish_inner();
  Next expire_inner();
  Next after_inner(Next next);
  bool encrypt();
  bool in_handshake() const { return stage_ == Stage::kFirstByte || stage_ == Stage::kHandshake; }

  TlsRoom& room_;
  const std::unique_ptr<Session> inner_;
  const std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<Parts> parts_;
  Stage stage_ = Stage::kFirstByte;
  Next inner_next_ = Next::kIdle;
  bool ended_ = false;     // the peer sends nothing more
  bool step_due_ = false;  // a whole record waits for the handshake's turn
  double began_ = 0;       // by room_.now, the first byte
  std::string_view in_;    // records not yet taken, during a call
  std::string kept_;       // and between two
  std::string* out_ = nullptr;
  RecordBoundary boundary_;
  std::string plain_;  // said by the inner session, not yet encrypted
};

}  // namespace sidemeter
