// A worker that counts and times its jobs: cc example.c sidemeter.c -pthread
#include <stdio.h>

#include "sidemeter.h"

static double job(int number) {
  double sum = 0;
  for (int i = 0; i < 1000 * number; i++) sum += (double)i / 3;
  return sum;
}

int main(void) {
  sidemeter_family* jobs = sidemeter_define(&(sidemeter_definition){.type = SIDEMETER_COUNTER,
                                                                    .name = "jobs_total",
                                                                    .help = "Jobs that were done.",
                                                                    .labels = "queue"});
  sidemeter_family* seconds =
      sidemeter_define(&(sidemeter_definition){.type = SIDEMETER_HISTOGRAM,
                                               .name = "job_seconds",
                                               .help = "Time a job took.",
                                               .labels = "queue",
                                               .unit = "seconds",
                                               SIDEMETER_BUCKETS(0.0001, 0.001, 0.01, 0.1)});
  sidemeter_family* busy = sidemeter_define(&(sidemeter_definition){.type = SIDEMETER_GAUGE,
                                                                    .name = "jobs_in_progress",
                                                                    .help = "Jobs being done.",
                                                                    .mode = "livesum"});
  if (!jobs || !seconds || !busy) {
    fprintf(stderr, "%s\n", sidemeter_error());
    return 1;
  }

  // Looked up once, where the labels are known.
  sidemeter_series *mails = sidemeter_labels(jobs, "mail"),
                   *mail_seconds = sidemeter_labels(seconds, "mail");
  sidemeter_series* in_progress = sidemeter_series_of(busy, NULL);
  double sum = 0;
  for (int number = 0; number < 100; number++) {
    sidemeter_inc(in_progress, 1);
    const double start = sidemeter_clock();
    sum += job(number);
    sidemeter_observe(mail_seconds, sidemeter_clock() - start);
    sidemeter_dec(in_progress, 1);
    sidemeter_inc(mails, 1);
  }
  return sum > 0 ? 0 : 1;  // what is left is sent at exit
}
