// What this process uses, for the self metrics.
#pragma once

namespace sidemeter {

// /proc/self, as Prometheus clients' process collectors read it. What cannot be
// read is 0.
struct ProcessStats {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double start_time_seconds = 0;  // since the epoch
  double open_fds = 0;
  double max_fds = 0;
};
ProcessStats read_process_stats();

}  // namespace sidemeter
