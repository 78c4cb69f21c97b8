#include "agent/bcrypt.h"

#include <crypt.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

namespace sidemeter {
namespace {

constexpr std::size_t kHashBytes = 60;

bool is_salt_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '/';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// $2y$10$vI8aWBnW3fID.ZQ4/zo1G.q1lRps.9cGLcZEiGDMVr5yUP1KUOYTa
// ^ version ^ cost  ^ salt, then hash
bool is_bcrypt_hash(const std::string& text) {
  if (text.size() != kHashBytes || !text.starts_with("$2")) return false;
  if (std::string_view("aby").find(text[2]) == std::string_view::npos) return false;
  if (text[3] != '$' || !is_digit(text[4]) || !is_digit(text[5]) || text[6] != '$') return false;
  const int cost = (text[4] - '0') * 10 + (text[5] - '0');
  return cost >= 4 && cost <= 31 && std::all_of(text.begin() + 7, text.end(), is_salt_character);
}

bool matches(const std::string& password, const std::string& hash) {
  const auto scratch = std::make_unique<crypt_data>();
  const char* made = ::crypt_r(password.c_str(), hash.c_str(), scratch.get());
  if (made == nullptr || std::strlen(made) != hash.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    difference |= static_cast<unsigned char>(made[i]) ^ static_cast<unsigned char>(hash[i]);
  }
  return difference == 0;
}

}  // namespace sidemeter
