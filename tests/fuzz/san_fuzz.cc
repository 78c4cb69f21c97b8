// Names that are read out of a certificate's extensions are parts of them, whatever the bytes.
#include <cstdint>
#include <cstdlib>

#include "agent/tls/san.h"

using namespace sidemeter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view der(reinterpret_cast<const char*>(data), size);
  const auto names = read_sans(der);
  if (!names) return 0;
  const San allowed{San::Kind::kDns, "a.example"};
  for (const San& name : *names) {
    if (der.find(name.value) == std::string_view::npos) std::abort();
    const bool bad = name.value.find('\0') != std::string::npos || name.kind != San::Kind::kDns;
    if (bad && is_allowed(name, {allowed})) std::abort();
  }
  return 0;
}
