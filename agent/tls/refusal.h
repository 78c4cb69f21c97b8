// Why a handshake came to nothing: fixed words, for the counter and the log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sidemeter {

enum class Refusal : std::uint8_t {
  kNoCertificate,
  kUnknownCa,       // no chain to a client CA: another's, self-signed, an intermediate is missing
  kExpired,         // it, or one that it hangs on
  kNotYetValid,     //
  kBadUsage,        // the certificate is for something else (key usage, extended key usage)
  kRevoked,         // by --client-crl-file
  kBadCrl,          // the CRL itself is out of date or not its authority's
  kNameNotAllowed,  // no subjectAltName of it is in --client-allowed-san
  kWeakKey,         // RSA below 2048 bits, or a curve other than P-256 and P-384
  kWeakSignature,   // SHA-1 and older
  kNothingInCommon,
  kTimeout,  // not complete at the deadline, or the longest under way where there were too many
  kPlainHttp,
  kClientAlert,  // the client refused us: it does not trust our certificate, for one
  kClientLeft,   // without a word
  kOther,
};

inline constexpr std::size_t kRefusalCount = 16;

// In the order of the enumeration.
inline constexpr std::array<std::string_view, kRefusalCount> kRefusalWords = {
    "no_certificate",
    "unknown_ca",
    "expired",
    "not_yet_valid",
    "bad_usage",
    "revoked",
    "bad_crl",
    "name_not_allowed",
    "weak_key",
    "weak_signature",
    "no_common_version_or_cipher",
    "timeout",
    "plain_http",
    "client_alert",
    "client_left",
    "other",
};

constexpr std::string_view word(Refusal refusal) {
  return kRefusalWords[static_cast<std::size_t>(refusal)];
}

// Of what the verification of a certificate found, by mbedTLS's flags: the graver first, since of
// a certificate that nobody vouches for nothing else is known.
Refusal refusal_of_flags(std::uint32_t verify_flags);

// Of what a handshake ended in, by mbedTLS's number, where it was not the certificate.
Refusal refusal_of_error(int error);

}  // namespace sidemeter
