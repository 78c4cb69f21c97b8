// Where a request goes: `host[:port]`, as Host and the targets hold it.
#pragma once

#include <string_view>

namespace sidemeter::http {

// RFC 3986, 3.2.2 and 3.2.3, for http (RFC 9110, 4.2.1 and 4.2.4): a host that is not empty, no
// user, no blank. A comma is refused too: some read a list of two hosts.
bool is_authority(std::string_view text);

}  // namespace sidemeter::http
