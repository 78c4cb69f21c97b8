// Checks passwords against bcrypt hashes, by libcrypt.
#pragma once

#include <string>

namespace sidemeter {

// `$2y$10$` and 53 characters, as `htpasswd -B` writes it; also 2a and 2b; cost 4 to 31.
bool is_bcrypt_hash(const std::string& text);

// Takes as long as the hash's cost says, whatever the password: 50 ms and more. From any thread.
bool matches(const std::string& password, const std::string& hash);

}  // namespace sidemeter
