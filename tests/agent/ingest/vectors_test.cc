// Plays proto/vectors: every case whole, byte by byte, in two pieces, and cut short.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/ingest/ingest_session.h"
#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

namespace sidemeter {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kCutEverywhereBytes = 4 * 1024;
constexpr std::size_t kCuts = 64;

std::string from_hexadecimal(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16));
  }
  return bytes;
}

std::string input_of(const Json& vector) {
  if (vector.contains("input")) return vector["input"].get<std::string>();
  if (vector.contains("input_hex")) return from_hexadecimal(vector["input_hex"].get<std::string>());
  std::string bytes;
  for (const auto& piece : vector["input_repeat"]) {
    for (auto times = piece[1].get<std::size_t>(); times > 0; --times)
      bytes += piece[0].get<std::string>();
  }
  return bytes;
}

std::vector<Json> all_vectors() {
  std::vector<Json> vectors;
  for (const auto& file : std::filesystem::directory_iterator(SIDEMETER_ROOT "/proto/vectors")) {
    if (file.path().extension() != ".jsonl") continue;
    std::ifstream lines(file.path());
    for (std::string line; std::getline(lines, line);) vectors.push_back(Json::parse(line));
  }
  return vectors;
}

// Where `pattern` has "…" any text may stand.
bool matches(std::string_view text, std::string_view pattern) {
  constexpr std::string_view kAny = "…";
  const auto mark = pattern.find(kAny);
  if (mark == std::string_view::npos) return text == pattern;
  if (text.substr(0, mark) != pattern.substr(0, mark)) return false;
  const auto rest = pattern.substr(mark + kAny.size());
  for (std::size_t at = mark; at <= text.size(); ++at) {
    if (matches(text.substr(at), rest)) return true;
  }
  return false;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (!text.empty()) lines.push_back("without LF: " + std::string(text));
  return lines;
}

struct Played {
  std::string exposition;
  std::string replies;
  std::map<std::string, std::uint64_t> rejected;

  friend bool operator==(const Played&, const Played&) = default;
};

// One session that is given these pieces, and then the end of the stream.
Played play(const std::vector<std::string_view>& pieces) {
  Metrics metrics;
  IngestRoom room{metrics.registry, metrics.limits};
  IngestSession session(room, 4711, 1000);
  Played played;
  auto next = Next::kIdle;
  for (const auto piece : pieces) {
    // The session may keep no view of what it was given.
    const std::string bytes(piece);
    if (next != Next::kClose) next = session.receive(bytes, played.replies);
  }
  if (next != Next::kClose) session.finish(played.replies);
  played.exposition = metrics.render(
      {.format = Format::kText100, .escaping = Escaping::kAllowUtf8, .sample_names = {}});
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    if (room.stats.rejected[i] > 0)
      played.rejected[std::string(kReasonWords[i])] = room.stats.rejected[i];
  }
  return played;
}

std::map<std::string, std::string> samples_of(const std::string& exposition) {
  std::map<std::string, std::string> samples;
  for (const auto& line : lines_of(exposition)) {
    if (line.starts_with('#')) continue;
    const auto blank = line.rfind(' ');
    INFO(line);
    CHECK(samples.emplace(line.substr(0, blank), line.substr(blank + 1)).second);
  }
  return samples;
}

void check_samples(const Played& played, const Json& wanted) {
  const auto samples = samples_of(played.exposition);
  CHECK(samples.size() == wanted.size());
  for (const auto& [key, value] : wanted.items()) {
    INFO(key);
    const auto found = samples.find(key);
    if (found == samples.end()) {
      CHECK(found != samples.end());
    } else if (value.is_string()) {
      CHECK(found->second == value.get<std::string>());
    } else {
      CHECK(std::strtod(found->second.c_str(), nullptr) == value.get<double>());
    }
  }
}

void check(const Played& played, const Json& vector) {
  INFO(played.exposition << played.replies);
  check_samples(played, vector["samples"]);
  CHECK(Json(played.rejected) == vector.value("rejected", Json::object()));
  const auto replies = lines_of(played.replies);
  const auto wanted = vector.value("replies", std::vector<std::string>());
  REQUIRE(replies.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    INFO(wanted[i]);
    CHECK(matches(replies[i], wanted[i]));
  }
}

std::vector<std::size_t> cuts_of(std::size_t bytes) {
  const auto step = bytes <= kCutEverywhereBytes ? 1 : bytes / kCuts;
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 0; cut <= bytes; cut += step) cuts.push_back(cut);
  return cuts;
}

TEST_CASE("every vector holds") {
  const auto vectors = all_vectors();
  CHECK(vectors.size() >= 170);
  for (const auto& vector : vectors) {
    INFO(vector["name"]);
    const auto input = input_of(vector);
    check(play({input}), vector);
  }
}

TEST_CASE("every vector holds byte by byte") {
  for (const auto& vector : all_vectors()) {
    const auto input = input_of(vector);
    std::vector<std::string_view> bytes;
    for (std::size_t at = 0; at < input.size(); ++at)
      bytes.push_back(std::string_view(input).substr(at, 1));
    INFO(vector["name"]);
    check(play(bytes), vector);
  }
}

TEST_CASE("every vector is the same wherever it is cut in two") {
  for (const auto& vector : all_vectors()) {
    const auto input = input_of(vector);
    const std::string_view bytes = input;
    const auto whole = play({bytes});
    for (const auto cut : cuts_of(input.size())) {
      if (play({bytes.substr(0, cut), bytes.substr(cut)}) == whole) continue;
      INFO(vector["name"]);
      FAIL_CHECK("cut at byte " << cut);
    }
  }
}

TEST_CASE("of a vector that ends anywhere the whole lines count and nothing else") {
  for (const auto& vector : all_vectors()) {
    const auto input = input_of(vector);
    for (const auto cut : cuts_of(input.size())) {
      const auto prefix = std::string_view(input).substr(0, cut);
      const auto lf = prefix.rfind('\n');
      const auto applied = prefix.substr(0, lf == std::string_view::npos ? 0 : lf + 1);
      auto ended = play({prefix});
      const auto truncated = ended.rejected["truncated"];
      const bool same = ended.exposition == play({applied}).exposition;
      if (same && truncated <= (applied.size() < cut ? 1 : 0)) continue;
      INFO(vector["name"]);
      FAIL_CHECK("ends at byte " << cut);
    }
  }
}

}  // namespace
}  // namespace sidemeter
