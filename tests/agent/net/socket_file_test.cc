#include "agent/net/socket_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/client_socket.h"
#include "tests/support/temporary_folder.h"

namespace sidemeter::test {
namespace {

auto listen(const std::string& path, std::uint32_t mode = 0660) {
  return SocketFile::listen(path, mode, std::nullopt);
}

ino_t inode_of(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

std::size_t files_in(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator files(folder.path());
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

}  // namespace

TEST_CASE(
    "the socket file has the mode that was asked for, whatever the umask, and goes at the end") {
  const TemporaryFolder folder;
  const std::string path = folder / "s.sock";
  const mode_t before = ::umask(0077);
  {
    const auto file = listen(path, 0666);
    ::umask(before);
    REQUIRE(file);

    struct stat found {};
    REQUIRE(::lstat(path.c_str(), &found) == 0);
    CHECK(S_ISSOCK(found.st_mode));
    CHECK((found.st_mode & 07777) == 0666);
    CHECK(ClientSocket::unix_stream(path).connected());
    CHECK(files_in(folder) == 1);
  }
  CHECK(files_in(folder) == 0);
}

TEST_CASE("the socket file is given to the group that was asked for") {
  const TemporaryFolder folder;
  const auto file = SocketFile::listen(folder / "s.sock", 0660, ::getegid());
  REQUIRE(file);

  struct stat found {};
  REQUIRE(::lstat((folder / "s.sock").c_str(), &found) == 0);
  CHECK(found.st_gid == ::getegid());
}

TEST_CASE("a stale socket is replaced") {
  const TemporaryFolder folder;
  const std::string path = folder / "s.sock";
  {
    auto dead = listen(path);
    REQUIRE(dead);
    // Its owner crashes: the file stays, the socket goes.
    std::filesystem::rename(path, folder / "kept");
    (*dead)->take().close();
  }
  std::filesystem::rename(folder / "kept", path);
  REQUIRE_FALSE(ClientSocket::unix_stream(path).connected());

  const auto file = listen(path);

  REQUIRE(file);
  CHECK(ClientSocket::unix_stream(path).connected());
}

TEST_CASE("a socket that answers is never replaced") {
  const TemporaryFolder folder;
  const std::string path = folder / "s.sock";
  const auto living = listen(path);
  REQUIRE(living);
  const ino_t inode = inode_of(path);

  const auto second = listen(path);

  REQUIRE_FALSE(second);
  CHECK(second.error().message == "cannot listen on " + path + ": another process listens there");
  CHECK(inode_of(path) == inode);
  CHECK(files_in(folder) == 1);
}

TEST_CASE("what is not a socket is never replaced") {
  const TemporaryFolder folder;
  const std::string path = folder / "s.sock";
  std::ofstream(path) << "precious";

  const auto file = listen(path);

  REQUIRE_FALSE(file);
  CHECK(file.error().message.starts_with("cannot listen on " + path +
                                         ": it exists and is not a socket"));
  std::string text;
  std::ifstream(path) >> text;
  CHECK(text == "precious");
}

TEST_CASE("a link is not a socket, wherever it points") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder / "elsewhere", folder / "s.sock");

  CHECK_FALSE(listen(folder / "s.sock"));
}

TEST_CASE("only our own file is unlinked") {
  const TemporaryFolder folder;
  const std::string path = folder / "s.sock";
  auto file = listen(path);
  REQUIRE(file);
  std::filesystem::remove(path);
  std::ofstream(path) << "another's";

  (*file)->remove();

  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a socket path has at most 107 bytes") {
  const TemporaryFolder folder;
  const std::size_t room = 107 - (folder / "").size();

  CHECK(listen(folder / std::string(room, 's')));
  const auto longer = listen(folder / std::string(room + 1, 's'));
  REQUIRE_FALSE(longer);
  CHECK(longer.error().message.find("at most 107 bytes, got 108") != std::string::npos);
}

TEST_CASE("a name of one letter at the end of the longest path fits too") {
  const TemporaryFolder folder;
  const std::string deep = folder / std::string(107 - (folder / "").size() - 2, 'd');
  REQUIRE(std::filesystem::create_directory(deep));

  CHECK(listen(deep + "/s"));
}

TEST_CASE("a folder that does not exist is named") {
  const TemporaryFolder folder;
  const std::string path = folder / "none/s.sock";

  const auto file = listen(path);

  REQUIRE_FALSE(file);
  CHECK(file.error().message == "cannot listen on " + path + ": No such file or directory");
}

TEST_CASE("a path must name a file") {
  const TemporaryFolder folder;

  CHECK_FALSE(listen(""));
  CHECK_FALSE(listen(folder / ""));
}

}  // namespace sidemeter::test
