#include "agent/tls/tls_store.h"

#include <utility>

namespace sidemeter {

Result<std::unique_ptr<TlsStore>, TlsError> TlsStore::open(const TlsSettings& settings,
                                                           std::time_t now) {
  std::unique_ptr<TlsStore> store(new TlsStore(settings));
  if (store->reload(When::kAlways, now) == Outcome::kKept) return TlsError{store->last_error_};
  return store;
}

TlsStore::Outcome TlsStore::reload(When when, std::time_t now) {
  TlsMaterial material = read_material(settings_);
  if (when == When::kIfChanged && material == last_read_) return Outcome::kUnchanged;
  auto built = TlsContext::build(settings_, material);
  last_read_ = std::move(material);
  reloads_.last_succeeded = static_cast<bool>(built);
  if (!built) {
    ++reloads_.failed;
    last_error_ = built.error().message;
    return Outcome::kKept;
  }
  context_ = *std::move(built);
  ++reloads_.succeeded;
  reloads_.last_success_seconds = now;
  last_error_.clear();
  return Outcome::kLoaded;
}

}  // namespace sidemeter
