#include "agent/tls/tls_session.h"

#include <mbedtls/error.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "agent/tls/mbedtls_version.h"
#include "proto/limits.h"

namespace sidemeter {
namespace {

// What one read of plain text can bring: a record has no more (RFC 8446, 5.1).
constexpr std::size_t kPlainBytes = 16 * 1024;

// What is asked of a session with nothing to say is given back, above this.
constexpr std::size_t kKeptBytes = 4 * 1024;

// Where a client's certificate is optional, this is no fault of one.
constexpr std::uint32_t kNoFault = MBEDTLS_X509_BADCERT_MISSING | MBEDTLS_X509_BADCERT_SKIP_VERIFY;

constexpr std::uint32_t kNoResult = 0xFFFF'FFFF;  // mbedtls_ssl_get_verify_result: none yet

std::string words_of(int error) {
  std::array<char, 256> text{};
  mbedtls_strerror(error, text.data(), text.size());
  return text.data();
}

unsigned char alert_for(Refusal refusal) {
  const bool certificate = refusal != Refusal::kNothingInCommon &&
                           refusal != Refusal::kNoCertificate && refusal != Refusal::kOther;
  return certificate ? MBEDTLS_SSL_ALERT_MSG_BAD_CERT : MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE;
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

bool TlsRoom::take_step() {
  if (const std::uint64_t current = turn(); current != last_turn) {
    last_turn = current;
    steps_taken = 0;
  }
  if (steps_taken >= steps_per_turn) return false;
  ++steps_taken;
  return true;
}

struct TlsSession::Parts {
  Parts() { mbedtls_ssl_init(&ssl); }
  ~Parts() { mbedtls_ssl_free(&ssl); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  static int send(void* session, const unsigned char* bytes, std::size_t length) noexcept {
    static_cast<TlsSession*>(session)->out_->append(reinterpret_cast<const char*>(bytes), length);
    return static_cast<int>(length);
  }

  static int receive(void* session, unsigned char* bytes, std::size_t length) noexcept {
    std::string_view& in = static_cast<TlsSession*>(session)->in_;
    if (in.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    const std::size_t taken = std::min(length, in.size());
    std::memcpy(bytes, in.data(), taken);
    in.remove_prefix(taken);
    return static_cast<int>(taken);
  }

  mbedtls_ssl_context ssl;
};

TlsSession::TlsSession(TlsRoom& room, std::unique_ptr<Session> inner)
    : room_(room), inner_(std::move(inner)), context_(room.context) {
  ++room_.stats.in_flight;
}

TlsSession::~TlsSession() {
  if (!in_handshake()) return;
  --room_.stats.in_flight;
  ++room_.stats.refused[static_cast<std::size_t>(Refusal::kClientLeft)];
}

// mbedTLS takes records through a callback, as many bytes as it wants; what it has not taken when
// the call ends is kept.
Next TlsSession::with_input(std::string_view in, std::string& out, Next (TlsSession::*action)()) {
  boundary_.push(in);
  if (!kept_.empty()) kept_ += in;
  in_ = kept_.empty() ? in : std::string_view(kept_);
  out_ = &out;
  const Next next = (this->*action)();
  if (in_.empty()) {
    kept_.clear();
  } else if (kept_.empty()) {
    kept_ = in_;
  } else {
    kept_.erase(0, kept_.size() - in_.size());
  }
  in_ = {};
  out_ = nullptr;
  return next;
}

Next TlsSession::receive(std::string_view in, std::string& out) {
  return with_input(in, out, &TlsSession::proceed);
}

Next TlsSession::resume(std::string& out) {
  const bool inner_has_more = inner_next_ == Next::kMore || inner_next_ == Next::kWait;
  return with_input({}, out, inner_has_more ? &TlsSession::resume_inner : &TlsSession::proceed);
}

Next TlsSession::finish(std::string& out) {
  ended_ = true;
  return stage_ == Stage::kOpen ? with_input({}, out, &TlsSession::finish_inner) : Next::kClose;
}

Next TlsSession::expire(std::string& out) {
  if (in_handshake()) return refuse(Refusal::kTimeout, "");
  return stage_ == Stage::kOpen ? with_input({}, out, &TlsSession::expire_inner) : Next::kClose;
}

void TlsSession::farewell(std::string& out) {
  if (stage_ != Stage::kOpen) return;
  stage_ = Stage::kOver;
  out_ = &out;
  mbedtls_ssl_close_notify(&parts_->ssl);
  out_ = nullptr;
}

Next TlsSession::finish_inner() { return after_inner(inner_->finish(plain_)); }
Next TlsSession::expire_inner() { return after_inner(inner_->expire(plain_)); }

Next TlsSession::resume_inner() {
  const Next next = after_inner(inner_->resume(plain_));
  return next == Next::kIdle || next == Next::kPartial ? read_records() : next;
}

Next TlsSession::proceed() {
  if (stage_ == Stage::kFirstByte) {
    if (is_letter(in_.front())) return answer_plain_http();
    if (!begin()) return refuse(Refusal::kOther, "no memory for a connection");
  }
  if (stage_ == Stage::kHandshake) {
    const Next next = shake_hands();
    if (stage_ == Stage::kHandshake) return next;
  }
  return stage_ == Stage::kOpen ? read_records() : Next::kClose;
}

Next TlsSession::answer_plain_http() {
  *out_ += room_.plain_http_reply;
  in_ = {};
  return refuse(Refusal::kPlainHttp, "");
}

// Not before the first byte: a silent client costs no buffers.
bool TlsSession::begin() {
  parts_ = std::make_unique<Parts>();
  if (mbedtls_ssl_setup(&parts_->ssl, &context_->config()) != 0) return false;
  mbedtls_ssl_set_bio(&parts_->ssl, this, Parts::send, Parts::receive, nullptr);
  began_ = room_.now();
  stage_ = Stage::kHandshake;
  return true;
}

// The cryptography comes with whole records. A trickle of bytes takes nobody's turn.
Next TlsSession::shake_hands() {
  step_due_ = boundary_.take_completed() || step_due_;
  if (step_due_ && !room_.take_step()) return Next::kMore;
  step_due_ = false;
  const std::size_t said = out_->size();
  const int result = mbedtls_ssl_handshake(&parts_->ssl);
  if (result == MBEDTLS_ERR_SSL_WANT_READ) return Next::kOpening;
  // Where a certificate is optional, mbedTLS lets a bad one pass, and only notes it.
  std::uint32_t faults = mbedtls_ssl_get_verify_result(&parts_->ssl);
  faults = faults == kNoResult ? 0 : faults & ~kNoFault;
  if (result != 0 || faults != 0) {
    Refusal refusal = faults != 0 ? refusal_of_flags(faults) : refusal_of_error(result);
    // A TLS 1.3 client that does not trust our certificate may say so before it seals anything,
    // and mbedTLS takes that for a broken record.
    if (refusal == Refusal::kOther && boundary_.is_plain_alert()) refusal = Refusal::kClientAlert;
    // mbedTLS has said so itself, but for a handshake that was no failure to it, and 2.28 says
    // nothing to a client without a certificate.
    if ((result == 0 || out_->size() == said) && refusal != Refusal::kClientAlert) {
      mbedtls_ssl_send_alert_message(&parts_->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                     alert_for(refusal));
    }
    return refuse(refusal, result == 0 ? "" : words_of(result));
  }
  stage_ = Stage::kOpen;
  --room_.stats.in_flight;
  ++room_.stats.completed;
  room_.stats.seconds += room_.now() - began_;
  return Next::kIdle;
}

Next TlsSession::refuse(Refusal refusal, std::string detail) {
  stage_ = Stage::kOver;
  --room_.stats.in_flight;
  ++room_.stats.refused[static_cast<std::size_t>(refusal)];
  room_.tell_refusal(refusal, std::move(detail));
  return Next::kClose;
}

Next TlsSession::read_records() {
  std::array<char, kPlainBytes> plain;
  while (out_->size() < kSliceBytes) {
    const int length = mbedtls_ssl_read(
        &parts_->ssl, reinterpret_cast<unsigned char*>(plain.data()), plain.size());
    if (length == MBEDTLS_ERR_SSL_WANT_READ) return await_records();
    if (length == 0 || length == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
      ended_ = true;
      return finish_inner();
    }
    if (length < 0) {
      stage_ = Stage::kOver;  // its alert, if any, stands in out_
      return Next::kClose;
    }
    const std::string_view bytes(plain.data(), static_cast<std::size_t>(length));
    const Next next = after_inner(inner_->receive(bytes, plain_));
    if (next != Next::kIdle && next != Next::kPartial) return next;
  }
  return Next::kMore;
}

Next TlsSession::await_records() {
  if (plain_.capacity() > kKeptBytes) plain_ = {};
  return boundary_.within_record() ? Next::kPartial : inner_next_;
}

// What the inner session said becomes records; where it closes, the peer is told so (RFC
// 8446, 6.1).
Next TlsSession::after_inner(Next next) {
  inner_next_ = next;
  const bool waits = next == Next::kIdle || next == Next::kPartial;
  if (waits && ended_) next = Next::kClose;
  if (!encrypt()) next = Next::kClose;
  if (next == Next::kClose && stage_ == Stage::kOpen) {
    mbedtls_ssl_close_notify(&parts_->ssl);
    stage_ = Stage::kOver;
  }
  return next;
}

bool TlsSession::encrypt() {
  std::string_view left = plain_;
  while (!left.empty()) {
    const int length = mbedtls_ssl_write(
        &parts_->ssl, reinterpret_cast<const unsigned char*>(left.data()), left.size());
    if (length <= 0) {
      stage_ = Stage::kOver;
      return false;
    }
    left.remove_prefix(static_cast<std::size_t>(length));
  }
  plain_.clear();
  return true;
}

}  // namespace sidemeter
