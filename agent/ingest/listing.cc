#include "agent/ingest/listing.h"

#include <array>
#include <cstdio>

#include "agent/ingest/ingest_session.h"
#include "agent/metrics/family_table.h"
#include "proto/fields.h"

namespace sidemeter {
namespace {

template <typename Number>
void append_number(std::string& out, std::string_view key, Number number) {
  append_field(out, key, std::to_string(number));
}

// Seconds, to the millisecond.
std::string seconds(double value) {
  std::array<char, 32> text;
  const int length = std::snprintf(text.data(), text.size(), "%.3f", value);
  return {text.data(), static_cast<std::size_t>(length)};
}

void append_session(std::string& out, std::uint64_t number, const IngestSession& session,
                    double now) {
  const auto& about = session.about();
  out += "session";
  append_number(out, "id", number);
  append_number(out, "pid", about.pid);
  append_number(out, "uid", about.uid);
  append_field(out, "instance", about.instance);
  append_field(out, "client", about.client);
  append_field(out, "age", seconds(now - about.opened));
  append_number(out, "records", about.accepted);
  append_number(out, "rejected", about.rejected);
  append_number(out, "series", session.series_made());
  if (about.rejected > 0) {
    append_field(out, "reason", word(about.first_reason));
    append_field(out, "first", about.first);
  }
  out += '\n';
}

void append_family(std::string& out, const Family& family) {
  const auto& description = family.description;
  out += "family";
  append_field(out, "name", description.name);
  append_field(out, "type", word(description.type.value_or(MetricType::kUnknown)));
  if (description.type == MetricType::kGauge) append_field(out, "mode", word(family.mode));
  append_number(out, "series", family.slots.size());
  append_number(out, "idle", family.idle);
  append_number(out, "records", family.records);
  out += '\n';
}

}  // namespace

Listing::State Listing::next(std::string& out) {
  return question_ == Question::kSessions ? next_session(out) : next_family(out);
}

Listing::State Listing::next_session(std::string& out) {
  const auto session = room_.sessions.lower_bound(next_);
  if (session == room_.sessions.end()) {
    out += "end sessions=" + std::to_string(lines_) + '\n';
    return State::kEnd;
  }
  append_session(out, session->first, *session->second, room_.now());
  next_ = session->first + 1;
  ++lines_;
  return State::kMore;
}

Listing::State Listing::next_family(std::string& out) {
  const auto& families = room_.registry.families();
  while (next_ < families.size()) {
    const auto& family = families.at(static_cast<std::uint32_t>(next_++));
    if (family.description.owner == Writer::Kind::kAgent) continue;
    append_family(out, family);
    ++lines_;
    return State::kMore;
  }
  out += "end families=" + std::to_string(lines_) + '\n';
  return State::kEnd;
}

}  // namespace sidemeter
