#include "agent/ingest/replies.h"

#include "agent/version.h"
#include "proto/series.h"

namespace sidemeter {
namespace {

// "a\nb" as JSON writes it; the text is valid UTF-8 but may hold control characters (RFC 8259, 7).
std::string json_string(std::string_view text) {
  constexpr std::string_view kHexadecimal = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte >= 0x20) {
      out += c;
      continue;
    }
    out += "\\u00";
    out += kHexadecimal[byte >> 4];
    out += kHexadecimal[byte & 15];
  }
  return out + '"';
}

}  // namespace

void append_ok(std::string& out, Form form, std::string_view token, const Tally& tally) {
  const auto accepted = std::to_string(tally.accepted);
  const auto rejected = std::to_string(tally.rejected);
  if (form == Form::kJson) {
    out +=
        "{\"ok\":" + json_string(token) + ",\"accepted\":" + accepted + ",\"rejected\":" + rejected;
    if (!tally.first.empty()) out += ",\"first\":" + json_string(tally.first);
    out += "}\n";
    return;
  }
  out += "ok ";
  out += token;
  out += " accepted=" + accepted + " rejected=" + rejected;
  if (!tally.first.empty()) {
    out += " first=\"";
    append_escaped(out, tally.first, Quotes::kEscape);
    out += '"';
  }
  out += '\n';
}

void append_hello(std::string& out, Form form, const PushLimits& limits) {
  const auto agent = "sidemeter/" + std::string(kVersion);
  const auto lines = std::to_string(limits.line_bytes);
  const auto handles = std::to_string(limits.handles_per_session);
  if (form == Form::kJson) {
    out += "{\"hello\":{\"v\":1,\"agent\":\"" + agent + "\",\"max_line\":" + lines +
           ",\"max_handles\":" + handles + "}}\n";
    return;
  }
  out += "hello v=1 agent=" + agent + " max_line=" + lines + " max_handles=" + handles + '\n';
}

void append_error(std::string& out, Form form, std::uint64_t line, const Error& error) {
  const auto reason = std::string(word(error.reason));
  if (form == Form::kJson) {
    out += "{\"err\":" + std::to_string(line) + ",\"reason\":\"" + reason +
           "\",\"message\":" + json_string(error.message) + "}\n";
    return;
  }
  out += "err " + std::to_string(line) + ' ' + reason + ' ';
  append_escaped(out, error.message, Quotes::kKeep);
  out += '\n';
}

}  // namespace sidemeter
