#include "agent/tls/digest.h"

#include <mbedtls/md.h>
#include <sys/random.h>

namespace sidemeter {

std::optional<Digest> Digest::make() {
  Digest digest;
  const auto wanted = static_cast<ssize_t>(digest.key_.size());
  if (::getrandom(digest.key_.data(), digest.key_.size(), 0) != wanted) return std::nullopt;
  return digest;
}

std::string Digest::of(std::string_view secret) const {
  std::string result(32, '\0');
  mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key_.data(), key_.size(),
                  reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                  reinterpret_cast<unsigned char*>(result.data()));
  return result;
}

}  // namespace sidemeter
