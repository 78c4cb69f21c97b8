#include "agent/sessions_command.h"

#include <cmath>
#include <cstdlib>

#include "agent/text_table.h"

namespace sidemeter {
namespace {

using Align = Column::Align;

// 42s, 12m03s, 5h07m, 3d04h
std::string age(const std::string& seconds) {
  const auto whole = static_cast<unsigned long>(std::strtod(seconds.c_str(), nullptr));
  const auto pair = [](unsigned long high, const char* unit, unsigned long low, const char* part) {
    const auto digits = std::to_string(low);
    return std::to_string(high) + unit + (digits.size() < 2 ? "0" : "") + digits + part;
  };
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 60 * 60) return pair(whole / 60, "m", whole % 60, "s");
  if (whole < 24 * 60 * 60) return pair(whole / 3600, "h", whole / 60 % 60, "m");
  return pair(whole / 86'400, "d", whole / 3600 % 24, "h");
}

}  // namespace

int print_sessions(const SessionsRequest& request, const Streams& streams) {
  auto inquiry = Inquiry::open(request.contact);
  if (!inquiry) return complain(streams, inquiry.error().message);
  const auto sessions = inquiry->ask("sessions");
  if (!sessions) return complain(streams, sessions.error().message);

  const std::vector<Column> columns = {
      {"SESSION", Align::kRight},
      {"PID", Align::kRight},
      {"UID", Align::kRight},
      {"INSTANCE"},
      {"CLIENT"},
      {"AGE", Align::kRight},
      {"RECORDS", Align::kRight},
      {"SERIES", Align::kRight},
      {"REJECTED", Align::kRight},
      {"FIRST REJECTION"},
  };
  std::vector<Row> rows;
  for (auto fields : *sessions) {
    const auto first = fields["reason"].empty() ? "" : fields["reason"] + ": " + fields["first"];
    rows.push_back({fields["id"], fields["pid"], fields["uid"], fields["instance"],
                    fields["client"], age(fields["age"]), fields["records"], fields["series"],
                    fields["rejected"], first});
  }
  write_text(streams.output, format_table(columns, rows));
  return 0;
}

}  // namespace sidemeter
