#include "agent/top_command.h"

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <limits>
#include <map>

#include "agent/text_table.h"

namespace sidemeter {
namespace {

using Align = Column::Align;
using Listed = std::vector<ListedFields>;

struct Standing {
  const ListedFields* fields;
  std::uint64_t series;
  double rate;
};

std::string rounded(double rate) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), rate < 100 ? "%.1f" : "%.0f", rate);
  return text.data();
}

std::vector<Standing> standings(const Listed& before, const Listed& now, double seconds) {
  std::map<std::string, std::uint64_t> records;
  for (const auto& family : before) records[family.at("name")] = number(family, "records");
  std::vector<Standing> found;
  for (const auto& family : now) {
    const auto came = number(family, "records") - records[family.at("name")];
    found.push_back({&family, number(family, "series"), static_cast<double>(came) / seconds});
  }
  return found;
}

bool is_nameless(const ListedFields& family) { return !family.contains("name"); }

// The lines of the terminal, or 0 where it is none.
std::size_t terminal_lines(int descriptor) {
  winsize size{};
  if (::isatty(descriptor) == 0) return 0;
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

void sleep_ms(std::uint64_t ms) {
  timespec left{static_cast<time_t>(ms / 1'000), static_cast<long>(ms % 1'000) * 1'000'000};
  while (::nanosleep(&left, &left) != 0) {
  }
}

// ECMA-48: the cursor to the first place, and what stands behind it is erased.
constexpr const char* kRedraw = "\033[H\033[J";

}  // namespace

std::string format_top(const Listed& before, const Listed& now, double seconds,
                       TopRequest::Order order, std::size_t lines) {
  auto all = standings(before, now, seconds);
  const auto rank = [order](const Standing& one) {
    const auto series = static_cast<double>(one.series);
    return order == TopRequest::Order::kSeries ? std::pair(series, one.rate)
                                               : std::pair(one.rate, series);
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const Standing& a, const Standing& b) { return rank(a) > rank(b); });
  std::uint64_t series = 0;
  double rate = 0;
  std::vector<Row> rows;
  for (const auto& one : all) {
    series += one.series;
    rate += one.rate;
    const auto& fields = *one.fields;
    const auto mode = fields.contains("mode") ? fields.at("mode") : "";
    if (rows.size() + 3 > lines) continue;
    rows.push_back({fields.at("name"), fields.contains("type") ? fields.at("type") : "", mode,
                    std::to_string(one.series), std::to_string(number(fields, "idle")),
                    rounded(one.rate), std::to_string(number(fields, "records"))});
  }
  return std::to_string(all.size()) + " families, " + std::to_string(series) + " series, " +
         rounded(rate) + " records/s\n" +
         format_table({{"FAMILY"},
                       {"TYPE"},
                       {"MODE"},
                       {"SERIES", Align::kRight},
                       {"IDLE", Align::kRight},
                       {"RECORDS/S", Align::kRight},
                       {"RECORDS", Align::kRight}},
                      rows);
}

int top(const TopRequest& request, const Streams& streams) {
  using Clock = std::chrono::steady_clock;
  auto inquiry = Inquiry::open(request.contact);
  if (!inquiry) return complain(streams, inquiry.error().message);
  Listed before;
  auto before_at = Clock::now();
  for (bool first = true;; first = false) {
    auto now = inquiry->ask("families");
    if (!now) return complain(streams, now.error().message);
    std::erase_if(*now, is_nameless);
    const auto now_at = Clock::now();
    if (!first) {
      const auto lines = terminal_lines(streams.output);
      const bool once = lines == 0 || request.times == TopRequest::Times::kOnce;
      const auto most = once ? std::numeric_limits<std::size_t>::max() : lines - 1;
      const double seconds = std::chrono::duration<double>(now_at - before_at).count();
      write_text(streams.output,
                 (once ? "" : kRedraw) + format_top(before, *now, seconds, request.order, most));
      if (once) return 0;
    }
    before = *std::move(now);
    before_at = now_at;
    sleep_ms(request.interval_ms);
  }
}

}  // namespace sidemeter
