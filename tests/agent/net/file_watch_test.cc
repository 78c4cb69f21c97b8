#include "agent/net/file_watch.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/agent/net/room.h"

namespace sidemeter::test {
namespace {

constexpr std::uint64_t kNever = 1'000'000;

}  // namespace

TEST_CASE("a file that is made, replaced or removed is told of, many at once as one") {
  Room room;
  int told = 0;
  const FileWatch watch(*room.loop, {room.folder.path()}, kNever, [&] { ++told; });
  REQUIRE(watch.watched() == 1);

  std::ofstream(room.folder / "a") << "1";
  std::ofstream(room.folder / "b") << "1";
  CHECK(room.until([&] { return told == 1; }));

  std::filesystem::remove(room.folder / "a");
  CHECK(room.until([&] { return told == 2; }));
}

TEST_CASE("a kubelet's swap of the link to the data is told of") {
  Room room;
  std::filesystem::create_directory(room.folder / "..1");
  std::filesystem::create_directory(room.folder / "..2");
  std::filesystem::create_symlink("..1", room.folder / "..data");
  int told = 0;
  const FileWatch watch(*room.loop, {room.folder.path()}, kNever, [&] { ++told; });

  std::filesystem::create_symlink("..2", room.folder / "..data_tmp");
  std::filesystem::rename(room.folder / "..data_tmp", room.folder / "..data");

  CHECK(room.until([&] { return told >= 1; }));
}

TEST_CASE("where nothing can be watched it is looked at again and again") {
  Room room;
  int told = 0;
  const FileWatch watch(*room.loop, {room.folder / "absent"}, 1, [&] { ++told; });

  CHECK(watch.watched() == 0);
  CHECK(room.until([&] { return told >= 3; }));
}

}  // namespace sidemeter::test
