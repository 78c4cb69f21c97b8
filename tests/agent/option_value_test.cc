#include "agent/option_value.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/catch.h"

using namespace sidemeter;

TEST_CASE("a count is taken at both ends of its range and not one past") {
  const Range range{2, 5};
  CHECK(*parse_count("2", range) == 2);
  CHECK(*parse_count("5", range) == 5);
  CHECK(parse_count("1", range).error().message ==
        R"(expected a whole number from 2 to 5, got "1")");
  CHECK_FALSE(parse_count("6", range));
}

TEST_CASE("what is no number is refused whole") {
  for (const char* text :
       {"", "1x", " 1", "1 ", "+1", "-1", "1.0", "0x1", "1e0", "18446744073709551616"}) {
    INFO(text);
    CHECK_FALSE(parse_count(text, {0, UINT64_MAX}));
  }
  CHECK(*parse_count("18446744073709551615", {0, UINT64_MAX}) == UINT64_MAX);
}

TEST_CASE("bytes may be told in powers of 1024") {
  const Range range{64, 1ULL << 40};
  CHECK(*parse_bytes("64", range) == 64);
  CHECK(*parse_bytes("1KiB", range) == 1'024);
  CHECK(*parse_bytes("16MiB", range) == 16'777'216);
  CHECK(*parse_bytes("1024GiB", range) == 1ULL << 40);
  CHECK(parse_bytes("63", range).error().message ==
        R"(expected bytes from 64 to 1099511627776 (KiB, MiB or GiB may follow), got "63")");
  for (const char* text : {"1K", "1kib", "KiB", "1 KiB", "1025GiB", "18014398509481985KiB"}) {
    INFO(text);
    CHECK_FALSE(parse_bytes(text, range));
  }
}

TEST_CASE("seconds have decimals and become milliseconds") {
  const Range range_ms{10, 86'400'000};
  CHECK(*parse_seconds("1", range_ms) == 1'000);
  CHECK(*parse_seconds("0.25", range_ms) == 250);
  CHECK(*parse_seconds("0.01", range_ms) == 10);
  CHECK(*parse_seconds("86400", range_ms) == 86'400'000);
  CHECK(parse_seconds("0.009", range_ms).error().message ==
        R"(expected seconds from 0.01 to 86400, got "0.009")");
  for (const char* text : {"86400.001", "nan", "inf", "1e3", "1s", "-1", "", "+1"}) {
    INFO(text);
    CHECK_FALSE(parse_seconds(text, range_ms));
  }
}

TEST_CASE("an address is an IP literal with a port") {
  for (const char* text : {"127.0.0.1:0", "0.0.0.0:65535", "[::]:9469", "[fe80::1]:1"}) {
    INFO(text);
    CHECK(is_listen_address(text));
  }
  for (const char* text :
       {"localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[::1]",
        "[127.0.0.1]:1", "127.0.0.1:-1", ":9469", "[::1:1", "[]:1", "127.1:1", ""}) {
    INFO(text);
    CHECK_FALSE(is_listen_address(text));
  }
  CHECK_FALSE(is_listen_address(std::string_view("127.0.0.1\0x:1", 13)));
}

TEST_CASE("a group is found by its name in a file like /etc/group") {
  char path[] = "/tmp/sidemeter-group-XXXXXX";
  close(mkstemp(path));
  std::ofstream(path) << "root:x:0:\nscrapers:x:1234:a,b\n";
  CHECK(find_group("scrapers", path) == 1234U);
  CHECK_FALSE(find_group("scraper", path));
  CHECK_FALSE(find_group("1234", path));
  unlink(path);
  CHECK_FALSE(find_group("scrapers", path));
}
