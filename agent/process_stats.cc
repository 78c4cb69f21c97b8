#include "agent/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace sidemeter {
namespace {

// proc(5), /proc/stat: "btime 769041601", seconds since the epoch.
double read_boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return 0;
}

double count_open_fds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  if (!folder) return 0;
  double count = 0;
  while (::readdir(folder.get()) != nullptr) ++count;
  return count - 3;  // ".", "..", and the folder itself
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  // 4711 (a name, which may hold blanks and parentheses) S 1 …
  // ^ 1   ^ 2                                             ^ 3
  const std::size_t name_end = line.rfind(')');
  if (name_end != std::string::npos) {
    std::istringstream words(line.substr(name_end + 1));
    std::array<double, 25> fields{};  // numbered as in proc(5)
    std::string state;
    words >> state;
    for (std::size_t i = 4; i < fields.size(); ++i) words >> fields[i];
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    stats.cpu_seconds = (fields[14] + fields[15]) / ticks;
    stats.start_time_seconds = read_boot_time() + fields[22] / ticks;
    stats.virtual_bytes = fields[23];
    stats.resident_bytes = fields[24] * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = static_cast<double>(limit.rlim_cur);
  return stats;
}

}  // namespace sidemeter
