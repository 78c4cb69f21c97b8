#include "agent/stderr_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "tests/support/catch.h"

using sidemeter::format_log_line;
using sidemeter::LogFormat;
using sidemeter::LogLevel;
using sidemeter::StderrLog;

namespace {

// 2026-11-24 is day 20781 after the epoch (`date -u -d 2026-11-24 +%s` is 1795478400).
constexpr std::int64_t kTime = 1'795'478'400'007;

std::string logfmt(const std::string& value) {
  return format_log_line(LogFormat::kLogfmt, kTime, LogLevel::kInfo, "m", {{"v", value}});
}

std::string json(const std::string& value) {
  return format_log_line(LogFormat::kJson, kTime, LogLevel::kInfo, "m", {{"v", value}});
}

const std::string kLogfmtStart = "ts=2026-11-24T00:00:00.007Z level=info msg=\"m\" v=";
const std::string kJsonStart = R"({"ts":"2026-11-24T00:00:00.007Z","level":"info","msg":"m","v":)";

// What `action` writes to stderr.
template <typename Action>
std::string stderr_of(Action action) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  action();
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[1]);
  std::array<char, 4096> text{};
  const ssize_t length = read(ends[0], text.data(), text.size());
  close(ends[0]);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

TEST_CASE("a logfmt line has time, level, message and the fields in order") {
  CHECK(format_log_line(LogFormat::kLogfmt, kTime, LogLevel::kWarning, "too many sessions",
                        {{"limit", "5"}, {"path", "/run/a.sock"}}) ==
        "ts=2026-11-24T00:00:00.007Z level=warning msg=\"too many sessions\" limit=5 "
        "path=/run/a.sock\n");
}

TEST_CASE("a JSON line is one object") {
  CHECK(
      format_log_line(LogFormat::kJson, kTime, LogLevel::kError, "cannot listen",
                      {{"cause", "in use"}}) ==
      R"({"ts":"2026-11-24T00:00:00.007Z","level":"error","msg":"cannot listen","cause":"in use"})"
      "\n");
}

TEST_CASE("a logfmt value is quoted where it would not be one word") {
  CHECK(logfmt("plain-1:2/3") == kLogfmtStart + "plain-1:2/3\n");
  CHECK(logfmt("") == kLogfmtStart + "\"\"\n");
  CHECK(logfmt("a b") == kLogfmtStart + "\"a b\"\n");
  CHECK(logfmt("a=b") == kLogfmtStart + "\"a=b\"\n");
  CHECK(logfmt("say \"hi\"") == kLogfmtStart + R"("say \"hi\"")"
                                               "\n");
  CHECK(logfmt("a\\b") == kLogfmtStart + R"("a\\b")"
                                         "\n");
}

TEST_CASE("no value ends a line") {
  CHECK(logfmt("a\nb\r\tc") == kLogfmtStart + R"("a\nb\r\tc")"
                                              "\n");
  CHECK(json("a\nb\r\tc") == kJsonStart + R"("a\nb\r\tc"})"
                                          "\n");
  CHECK(json(std::string("\0\x1b\x7f", 3)) == kJsonStart + R"("\u0000\u001b\u007f"})"
                                                           "\n");
}

TEST_CASE("UTF-8 stays, and each byte that is not UTF-8 becomes U+FFFD") {
  const std::string replacement = "\xEF\xBF\xBD";
  CHECK(json("é€😀") == kJsonStart + "\"é€😀\"}\n");
  CHECK(json("\xff") == kJsonStart + "\"" + replacement + "\"}\n");
  CHECK(json("\xc0\xaf") == kJsonStart + "\"" + replacement + replacement + "\"}\n");
  CHECK(json("a\xe2\x82") == kJsonStart + "\"a" + replacement + replacement + "\"}\n");
  CHECK(json("\xed\xa0\x80") ==
        kJsonStart + "\"" + replacement + replacement + replacement + "\"}\n");
  CHECK(json("\xf4\x90\x80\x80z").find("z\"}") != std::string::npos);
}

TEST_CASE("events below the level are left out") {
  StderrLog log(LogFormat::kLogfmt, LogLevel::kWarning);
  const std::string text = stderr_of([&log] {
    log.write(LogLevel::kInfo, "left out");
    log.write(LogLevel::kWarning, "stays", {{"n", "1"}});
  });
  CHECK(text.find("left out") == std::string::npos);
  CHECK(text.find(" level=warning msg=\"stays\" n=1\n") != std::string::npos);
}

TEST_CASE("a line says when it was written, in UTC") {
  StderrLog log(LogFormat::kLogfmt, LogLevel::kDebug);
  const std::string text = stderr_of([&log] { log.write(LogLevel::kDebug, "now"); });
  CHECK(text.size() == std::string("ts=2026-11-24T00:00:00.000Z level=debug msg=\"now\"\n").size());
  CHECK(text.starts_with("ts=20"));
}
