#include "agent/ingest/ingest_session.h"

#include <variant>

#include "proto/json_record.h"

namespace sidemeter {
namespace {

constexpr std::uint32_t kProtocolVersion = 1;

// Cut without tearing a UTF-8 character.
std::string cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
  return text;
}

}  // namespace

IngestSession::IngestSession(IngestRoom& room, std::int64_t pid, uid_t uid)
    : room_(room),
      number_(++room.last_session),
      about_{.pid = pid, .uid = uid, .opened = room.now()},
      writer_(room.registry),
      reader_(room.limits.line_bytes) {
  writer_.set_pid(pid);
  room_.sessions.emplace(number_, this);
}

IngestSession::~IngestSession() { room_.sessions.erase(number_); }

Next IngestSession::receive(std::string_view in, std::string& out) {
  reader_.push(in);
  return take_lines(out);
}

Next IngestSession::resume(std::string& out) { return take_lines(out); }

// Goes on until as much is said as may wait for the peer; the rest is kept until that has left.
Next IngestSession::take_lines(std::string& out) {
  while (out.size() <= room_.limits.reply_bytes) {
    if (listing_) {
      if (listing_->next(out) == Listing::State::kEnd) listing_.reset();
      continue;
    }
    const auto line = reader_.next();
    if (line.kind == Line::kNone) {
      apply_waiting(out);
      return Next::kIdle;
    }
    take_line(line, out);
    if (refused_) {
      writer_.leave();
      return Next::kClose;
    }
    if (unheard_) out.clear();
  }
  apply_waiting(out);
  reader_.hold();
  return Next::kMore;
}

// Live values leave now, though replies may still be on their way.
Next IngestSession::finish(std::string& out) {
  if (reader_.within_line()) {
    reject(line_ + 1, {Reason::kTruncated, "the last record has no LF"}, out);
  }
  writer_.leave();
  return Next::kClose;
}

// What it has said still counts.
Next IngestSession::lose_reader() {
  unheard_ = true;
  listing_.reset();
  std::string nowhere;
  return take_lines(nowhere);
}

void IngestSession::take_line(const Line& line, std::string& out) {
  ++line_;
  if (line.kind == Line::kTooLong) {
    apply_waiting(out);
    reject(line_,
           {Reason::kLineTooLong,
            "a record is at most " + std::to_string(room_.limits.line_bytes) + " bytes"},
           out);
    return;
  }
  if (const auto update = guess_update(line.text)) {
    waiting_[waiting_count_++] = {*update, room_.registry.prepare(update->series), line_,
                                  line.text};
    if (waiting_count_ == kBatch) apply_waiting(out);
    return;
  }
  if (is_json(line.text)) {
    // What waits came first: its refusals are told first.
    apply_waiting(out);
    parse_json_records(line.text, room_.limits, [&](const Result<Record>& record) {
      if (refused_) return;
      if (record) {
        std::visit([&](const auto& read) { take(read, out); }, *record);
      } else {
        reject(line_, record.error(), out);
      }
    });
    return;
  }
  apply_waiting(out);
  take_whole(line.text, out);
}

// The long way, of what is no every-day update or turned out to be none.
void IngestSession::take_whole(std::string_view text, std::string& out) {
  const auto record = parse_record(text, room_.limits);
  if (record) return std::visit([&](const auto& read) { take(read, out); }, *record);
  reject(line_, record.error(), out);
}

void IngestSession::take(const Nothing&, std::string&) {}

void IngestSession::take(const Update& update, std::string& out) {
  const auto applied = room_.registry.update(update, writer_);
  applied ? accept(room_.stats.updates[static_cast<std::size_t>(update.verb)])
          : reject(line_, applied.error(), out);
}

void IngestSession::take(const Declaration& declaration, std::string& out) {
  const auto status = room_.registry.declare(declaration, writer_);
  status ? accept(room_.stats.declarations) : reject(line_, status.error(), out);
}

void IngestSession::apply_waiting(std::string& out) {
  const auto last_line = line_;
  for (std::size_t i = 0; i < waiting_count_; ++i) {
    const auto& [update, prepared, line, text] = waiting_[i];
    if (room_.registry.update_known(update, prepared, writer_)) {
      accept(room_.stats.updates[static_cast<std::size_t>(update.verb)]);
      continue;
    }
    line_ = line;
    take_whole(text, out);
  }
  waiting_count_ = 0;
  line_ = last_line;
}

// Only the spelling is checked: the series comes with its first use.
void IngestSession::take(const Binding& binding, std::string& out) {
  if (const auto series = parse_series(binding.series, room_.limits); !series) {
    reject(line_, series.error(), out);
    return;
  }
  if (handles_.size() <= binding.handle) handles_.resize(binding.handle + 1);
  handles_[binding.handle] = {binding.verb, {}, std::string(binding.series)};
  accept(room_.stats.bindings);
}

void IngestSession::take(const HandleUpdate& update, std::string& out) {
  const bool bound =
      update.handle < handles_.size() && handles_[update.handle].verb != Verb::kClear;
  if (!bound) {
    reject(line_,
           {Reason::kUnknownHandle,
            "handle " + std::to_string(update.handle) + " is not bound in this session"},
           out);
    return;
  }
  auto& handle = handles_[update.handle];
  auto& counter = room_.stats.updates[static_cast<std::size_t>(handle.verb)];
  if (room_.registry.holds(handle.ref)) {
    const auto status = room_.registry.update(handle.ref, handle.verb, update.operands, writer_);
    status ? accept(counter) : reject(line_, status.error(), out);
    return;
  }
  const auto found = room_.registry.update({handle.verb, handle.series, update.operands}, writer_);
  if (!found) {
    reject(line_, found.error(), out);
    return;
  }
  handle.ref = *found;
  accept(counter);
}

void IngestSession::take(const Hello& hello, std::string& out) {
  form_ = hello.form;
  if (hello.version.value_or(kProtocolVersion) != kProtocolVersion) {
    errors_ = Errors::kAtOnce;
    reject(line_,
           {Reason::kBadVersion,
            "this agent speaks version 1 of the protocol, got " + std::to_string(*hello.version)},
           out);
    refused_ = true;
    return;
  }
  if (hello.errors) errors_ = *hello.errors ? Errors::kAtOnce : Errors::kAtSync;
  if (hello.instance) about_.instance = *hello.instance;
  if (hello.client) about_.client = *hello.client;
  if (hello.pid && *hello.pid != about_.pid) {
    about_.pid = *hello.pid;
    writer_.set_pid(about_.pid);
    // A handle's series may be another one under another pid.
    for (auto& handle : handles_) handle.ref = {};
  }
  ++room_.stats.hellos;
  append_hello(out, hello.form, room_.limits);
}

void IngestSession::take(const Sync& sync, std::string& out) {
  ++room_.stats.syncs;
  append_ok(out, sync.form, sync.token, tally_);
  tally_ = {};
}

void IngestSession::take(const Question& question, std::string& out) {
  if (about_.uid != 0 && about_.uid != room_.owner) {
    reject(line_, {Reason::kForbidden, "only root and the agent's own user may ask that"}, out);
    return;
  }
  ++room_.stats.listings;
  listing_.emplace(room_, question);
}

void IngestSession::accept(std::uint64_t& counter) {
  ++counter;
  ++tally_.accepted;
  ++about_.accepted;
}

void IngestSession::reject(std::uint64_t line, const Error& error, std::string& out) {
  ++room_.stats.rejected[static_cast<std::size_t>(error.reason)];
  ++tally_.rejected;
  const Error told{error.reason, cut(error.message, kMaxMessageBytes)};
  const auto first = "line " + std::to_string(line) + ": " + told.message;
  if (tally_.first.empty()) tally_.first = first;
  if (about_.rejected++ == 0) {
    about_.first_reason = told.reason;
    about_.first = first;
  }
  if (errors_ == Errors::kAtOnce) append_error(out, form_, line, told);
}

}  // namespace sidemeter
