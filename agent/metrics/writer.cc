#include "agent/metrics/writer.h"

#include "agent/metrics/registry.h"
#include "agent/metrics/writer_table.h"

namespace sidemeter {

Writer::Writer(Registry& registry, Kind kind) : registry_(registry), kind_(kind) {
  registry_.writers().enter(*this);
}

Writer::~Writer() { leave(); }

void Writer::set_pid(std::int64_t pid) {
  if (pid == pid_) return;
  pid_ = pid;
  registry_.writers().release_pid_label(*this);
}

void Writer::leave() {
  if (id_ != 0) registry_.leave(*this);
}

}  // namespace sidemeter
