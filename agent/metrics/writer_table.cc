#include "agent/metrics/writer_table.h"

namespace sidemeter {

void WriterTable::enter(Writer& writer) {
  do {
    ++last_id_;
  } while (last_id_ == 0 || writers_.contains(last_id_));
  writer.id_ = last_id_;
  writers_.emplace(writer.id_, &writer);
}

void WriterTable::leave(Writer& writer) {
  release_pid_label(writer);
  writers_.erase(writer.id_);
  writer.id_ = 0;
}

Writer* WriterTable::find(std::uint32_t id) const {
  const auto found = writers_.find(id);
  return found == writers_.end() ? nullptr : found->second;
}

const std::string& WriterTable::pid_label(Writer& writer) {
  if (!writer.pid_label_.empty()) return writer.pid_label_;
  const auto pid = std::to_string(writer.pid_);
  auto label = pid;
  for (int twin = 2; !pid_labels_.emplace(label, writer.id_).second; ++twin) {
    label = pid + '-' + std::to_string(twin);
  }
  return writer.pid_label_ = std::move(label);
}

void WriterTable::release_pid_label(Writer& writer) {
  if (!writer.pid_label_.empty()) pid_labels_.erase(writer.pid_label_);
  writer.pid_label_.clear();
}

}  // namespace sidemeter
