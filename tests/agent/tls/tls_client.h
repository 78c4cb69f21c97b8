// A TLS client without a socket: mbedTLS at its other end.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "tests/agent/tls/client_config.h"

namespace sidemeter::test {

class TlsClient {
 public:
  TlsClient(const ClientFiles& files, TlsVersion least, TlsVersion most)
      : config_(files, least, most) {
    mbedtls_ssl_init(&ssl_);
    REQUIRE(mbedtls_ssl_setup(&ssl_, &config_.get()) == 0);
    REQUIRE(mbedtls_ssl_set_hostname(&ssl_, "localhost") == 0);
    mbedtls_ssl_set_bio(&ssl_, this, send, receive, nullptr);
  }
  ~TlsClient() { mbedtls_ssl_free(&ssl_); }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // What is to be said once hands are shaken; more may follow at any time.
  void say(std::string_view text) { unsaid_ += text; }
  void close() { mbedtls_ssl_close_notify(&ssl_); }

  // Takes records and goes as far as they allow.
  void take(std::string_view records) {
    incoming_ += records;
    if (error_ != 0) return;
    if (!open_) {
      const int result = mbedtls_ssl_handshake(&ssl_);
      if (result == MBEDTLS_ERR_SSL_WANT_READ) return;
      error_ = result;
      open_ = result == 0;
      if (!open_) return;
    }
    while (!unsaid_.empty()) {
      const int said = mbedtls_ssl_write(
          &ssl_, reinterpret_cast<const unsigned char*>(unsaid_.data()), unsaid_.size());
      if (said <= 0) break;
      unsaid_.erase(0, static_cast<std::size_t>(said));
    }
    unsigned char bytes[4096];
    for (;;) {
      const int length = mbedtls_ssl_read(&ssl_, bytes, sizeof bytes);
      if (length == MBEDTLS_ERR_SSL_WANT_READ) return;
      if (length <= 0) {
        error_ = length;
        return;
      }
      heard_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
    }
  }

  std::string take_outgoing() { return std::exchange(outgoing_, {}); }
  const std::string& heard() const { return heard_; }
  bool got_close_notify() const { return error_ == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY; }
  bool failed() const { return error_ != 0; }
  bool got_alert() const { return error_ == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE; }

 private:
  static int send(void* self, const unsigned char* bytes, std::size_t length) {
    static_cast<TlsClient*>(self)->outgoing_.append(reinterpret_cast<const char*>(bytes), length);
    return static_cast<int>(length);
  }
  static int receive(void* self, unsigned char* bytes, std::size_t length) {
    std::string& in = static_cast<TlsClient*>(self)->incoming_;
    if (in.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    const std::size_t taken = std::min(length, in.size());
    std::memcpy(bytes, in.data(), taken);
    in.erase(0, taken);
    return static_cast<int>(taken);
  }

  const ClientConfig config_;
  mbedtls_ssl_context ssl_;
  std::string incoming_, outgoing_, unsaid_, heard_;
  bool open_ = false;
  int error_ = 0;
};

}  // namespace sidemeter::test
