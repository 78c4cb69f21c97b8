// A keyed digest (HMAC-SHA-256), to remember a secret by without keeping it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sidemeter {

class Digest {
 public:
  // With a key of its own, from the kernel's randomness; nothing where there is none.
  static std::optional<Digest> make();

  std::string of(std::string_view secret) const;  // 32 bytes

 private:
  Digest() = default;
  std::array<unsigned char, 32> key_{};
};

}  // namespace sidemeter
