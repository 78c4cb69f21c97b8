#include "agent/scrape/gzip.h"

#include <zlib.h>

#include <cstdint>
#include <string>

#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

// zlib's own reader of one gzip stream; nothing may follow it.
std::string inflated(std::string bytes) {
  z_stream zlib{};
  REQUIRE(inflateInit2(&zlib, 15 + 16) == Z_OK);
  std::string out(10'000'000, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(bytes.data());
  zlib.avail_in = static_cast<uInt>(bytes.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&zlib, Z_FINISH) == Z_STREAM_END);
  CHECK(zlib.avail_in == 0);
  out.resize(zlib.total_out);
  inflateEnd(&zlib);
  return out;
}

}  // namespace

TEST_CASE("what was compressed in slices is one gzip stream of the whole") {
  Gzip gzip;
  std::string whole;
  std::string out;
  for (int i = 0; i < 50; ++i) {
    std::string slice;
    for (int j = 0; j < 2000; ++j) slice += "metric_" + std::to_string(i * j) + " 1.0\n";
    whole += slice;
    gzip.compress(slice, Gzip::Input::kMoreFollows, out);
  }
  gzip.compress("", Gzip::Input::kLast, out);
  CHECK(out.size() < whole.size() / 3);
  CHECK(inflated(out) == whole);
}

TEST_CASE("nothing is a gzip stream too") {
  Gzip gzip;
  std::string out;
  gzip.compress("", Gzip::Input::kLast, out);
  CHECK(inflated(out).empty());
}

TEST_CASE("what cannot be compressed comes out whole") {
  Gzip gzip;
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1'664'525 + 1'013'904'223;
    noise += static_cast<char>(state >> 24);
  }
  std::string out = "before";
  gzip.compress(noise, Gzip::Input::kLast, out);
  CHECK(out.starts_with("before"));
  CHECK(inflated(out.substr(6)) == noise);
}
