// A client's conversation: records in, and the replies it asked for out
// (proto/PROTOCOL.md).
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/ingest/ingest_room.h"
#include "agent/ingest/listing.h"
#include "agent/ingest/replies.h"
#include "agent/metrics/writer.h"
#include "agent/session.h"
#include "proto/limits.h"
#include "proto/line_reader.h"
#include "proto/record.h"

namespace sidemeter {

// Who speaks, and what became of it.
struct SessionAbout {
  std::int64_t pid = 0;  // of its hello, else of the socket's peer
  uid_t uid = 0;         // by the kernel's word
  std::string instance = {};
  std::string client = {};
  double opened = 0;  // by the room's clock
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  Reason first_reason = Reason::kBadSyntax;  // of the first refusal, with its words
  std::string first = {};
};

class IngestSession final : public Session {
 public:
  // `pid` and `uid` are the peer's, by the kernel's word (SO_PEERCRED).
  IngestSession(IngestRoom& room, std::int64_t pid, uid_t uid);
  ~IngestSession() override;

  Next receive(std::string_view in, std::string& out) override;
  Next resume(std::string& out) override;
  Next finish(std::string& out) override;
  Next lose_reader() override;

  const SessionAbout& about() const { return about_; }
  std::size_t series_made() const { return writer_.series_made(); }

 private:
  // A handle keeps its series' text: after the series was removed the next use makes it anew.
  struct Handle {
    Verb verb = Verb::kClear;  // kClear: not bound
    SeriesRef ref;
    std::string series;
  };

  // Updates wait until some can be looked up together: their memory is fetched side by side.
  struct Waiting {
    Update update;  // guessed
    std::uint32_t prepared;
    std::uint64_t line;
    std::string_view text;
  };
  static constexpr std::size_t kBatch = 32;

  Next take_lines(std::string& out);
  void take_line(const Line& line, std::string& out);
  void take_whole(std::string_view text, std::string& out);
  // Nothing waits any more when one of these is called.
  void take(const Nothing& nothing, std::string& out);
  void take(const Update& update, std::string& out);
  void take(const Declaration& declaration, std::string& out);
  void take(const Binding& binding, std::string& out);
  void take(const HandleUpdate& update, std::string& out);
  void take(const Hello& hello, std::string& out);
  void take(const Sync& sync, std::string& out);
  void take(const Question& question, std::string& out);
  void apply_waiting(std::string& out);
  void accept(std::uint64_t& counter);
  void reject(std::uint64_t line, const Error& error, std::string& out);

  IngestRoom& room_;
  const std::uint64_t number_;
  SessionAbout about_;
  Writer writer_;
  LineReader reader_;
  std::uint64_t line_ = 0;
  std::array<Waiting, kBatch> waiting_;
  std::size_t waiting_count_ = 0;
  std::vector<Handle> handles_;
  Tally tally_;
  Form form_ = Form::kLine;
  enum class Errors : std::uint8_t { kAtSync, kAtOnce } errors_ = Errors::kAtSync;
  bool refused_ = false;            // a version that is not ours
  bool unheard_ = false;            // the peer reads no reply
  std::optional<Listing> listing_;  // under way
};

}  // namespace sidemeter
