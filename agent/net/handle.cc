#include "agent/net/handle.h"

#include <uv.h>

namespace sidemeter {

void CloseHandle::operator()(void* handle) const noexcept {
  // Every libuv handle begins with the fields of uv_handle_t.
  auto* closing = static_cast<uv_handle_t*>(handle);
  closing->data = nullptr;
  uv_close(closing, [](uv_handle_t* closed) noexcept { std::free(closed); });
}

}  // namespace sidemeter
