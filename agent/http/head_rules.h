// Rules of a request head that Beast's parser does not keep: read off the raw
// text, before it is parsed (RFC 9112, 2.2 to 6.3; behaviour 7).
#pragma once

#include <string_view>

#include "agent/http/request_head.h"
#include "proto/limits.h"

namespace sidemeter::http {

// `head` ends in its empty line, CR and LF stand only together in it, and its size and its
// target's are within the limits: the reader has seen to that. Status 0 where all is well.
HeadError check_head(std::string_view head, const ScrapeLimits& limits);

}  // namespace sidemeter::http
