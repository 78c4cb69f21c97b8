// A worker that counts and times its jobs:
//   cc -c sidemeter.c && c++ -std=c++17 example.cc sidemeter.o -pthread
#include <iostream>

#include "sidemeter.hpp"

namespace {

double job(int number) {
  double sum = 0;
  for (int i = 0; i < 1000 * number; ++i) sum += i / 3.0;
  return sum;
}

}  // namespace

int main() try {
  const sidemeter::Family<sidemeter::Counter> jobs("jobs_total", "Jobs that were done.", {"queue"});
  const sidemeter::Family<sidemeter::Histogram> seconds(
      "job_seconds", "Time a job took.", {"queue"},
      {"seconds", {0.0001, 0.001, 0.01, 0.1}, "", {}});
  const sidemeter::Family<sidemeter::Gauge> busy("jobs_in_progress", "Jobs being done.", {},
                                                 {"", {}, "livesum", {}});

  const auto mails = jobs.labels("mail");
  const auto mail_seconds = seconds.labels("mail");
  const auto in_progress = busy.labels();
  double sum = 0;
  for (int number = 0; number < 100; ++number) {
    in_progress.inc();
    {
      const auto timer = mail_seconds.time();
      sum += job(number);
    }
    in_progress.dec();
    mails.inc();
  }
  return sum > 0 ? 0 : 1;  // what is left is sent at exit
} catch (const std::invalid_argument& fault) {
  std::cerr << fault.what() << '\n';
  return 1;
}
