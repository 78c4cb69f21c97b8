#include "agent/streams.h"

#include <unistd.h>

#include <string>
#include <thread>

#include "tests/support/captured_streams.h"
#include "tests/support/catch.h"

using sidemeter::test::CapturedStreams;

TEST_CASE("all of a text is written, though a pipe takes it piece by piece") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const std::string text(1'000'000, 'x');
  std::string read_back;
  std::thread reader([&] {
    char block[4'096];
    for (ssize_t length = 0; (length = read(ends[0], block, sizeof block)) > 0;) {
      read_back.append(block, static_cast<std::size_t>(length));
    }
  });
  sidemeter::write_text(ends[1], text);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  CHECK(read_back == text);
}

TEST_CASE("a complaint names the program and is exit status 2") {
  const CapturedStreams captured;
  CHECK(sidemeter::complain(captured.streams(), "no agent") == 2);
  CHECK(captured.errors() == "sidemeter: no agent\n");
  CHECK(captured.output().empty());
}
