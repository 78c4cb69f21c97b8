// A client's conversation: records in, and the replies it asked for out
// (proto/PROTOCOL.md).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/ingest/replies.h"
#include "agent/metrics/registry.h"
#include "agent/session.h"
#include "proto/limits.h"
#include "proto/line_reader.h"
#include "proto/record.h"

namespace sidemeter {

// What became of records, for the self metrics. Plain numbers that only grow.
struct IngestStats {
  std::array<std::uint64_t, kVerbCount> updates{};  // applied, by verb; by handle too
  std::uint64_t declarations = 0;
  std::uint64_t bindings = 0;
  std::uint64_t hellos = 0;
  std::uint64_t syncs = 0;
  std::array<std::uint64_t, kReasonCount> rejected{};
};

// What all ingest sessions of an agent share; outlives them.
struct IngestRoom {
  Registry& registry;
  const PushLimits& limits;
  IngestStats stats;
};

class IngestSession final : public Session {
 public:
  explicit IngestSession(IngestRoom& room) : room_(room), reader_(room.limits.line_bytes) {}

  Next receive(std::string_view in, std::string& out) override;
  Next finish(std::string& out) override;

 private:
  // A handle keeps its series' text: after the series was removed the next use makes it anew.
  struct Handle {
    Verb verb = Verb::kClear;  // kClear: not bound
    SeriesRef ref;
    std::string series;
  };

  // Updates wait until some can be looked up together: their memory is fetched side by side.
  struct Waiting {
    Update update;
    std::uint32_t prepared;
    std::uint64_t line;
  };
  static constexpr std::size_t kBatch = 32;

  void take_line(const Line& line, std::string& out);
  // Everything but an update waits for nothing: what was said before it is applied first.
  void take(const Nothing& nothing, std::string& out);
  void take(const Update& update, std::string& out);
  void take(const Declaration& declaration, std::string& out);
  void take(const Binding& binding, std::string& out);
  void take(const HandleUpdate& update, std::string& out);
  void take(const Hello& hello, std::string& out);
  void take(const Sync& sync, std::string& out);
  void apply_waiting(std::string& out);
  void accept(std::uint64_t& counter);
  void reject(std::uint64_t line, const Error& error, std::string& out);

  IngestRoom& room_;
  LineReader reader_;
  std::uint64_t line_ = 0;
  std::array<Waiting, kBatch> waiting_;
  std::size_t waiting_count_ = 0;
  std::vector<Handle> handles_;
  Tally tally_;
  Form form_ = Form::kLine;
  enum class Errors : std::uint8_t { kAtSync, kAtOnce } errors_ = Errors::kAtSync;
  bool refused_ = false;  // a version that is not ours
};

}  // namespace sidemeter
