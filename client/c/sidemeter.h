// Push metrics to a Sidemeter agent: a client in C99 and POSIX threads, to be copied in with sidemeter.c.
//
//   sidemeter_family *requests = sidemeter_define(&(sidemeter_definition){
//       .type = SIDEMETER_COUNTER, .name = "http_requests_total", .help = "Requests that were answered.",
//       .labels = "method code"});
//   sidemeter_series *get_ok = sidemeter_labels(requests, "GET", "200");   // once
//   sidemeter_inc(get_ok, 1);                                              // where it happens
//
// An event is an addition in memory, and a thread sends the sums, by default every 250 ms: no call but
// `sidemeter_flush_and_wait` and `sidemeter_close` waits for the agent. Every function may be called from
// every thread, but not from a signal's handler. Families and series are never freed.
#ifndef SIDEMETER_H
#define SIDEMETER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIDEMETER_VERSION "0.1.0"

// Limits: chosen when sidemeter.c is compiled.
#ifndef SIDEMETER_INTERVAL_MS
#define SIDEMETER_INTERVAL_MS 250  // between two flushes of the thread
#endif
#ifndef SIDEMETER_MAX_SERIES
#define SIDEMETER_MAX_SERIES 10000  // events of a series past it are dropped
#endif
#ifndef SIDEMETER_MAX_BUFFER
#define SIDEMETER_MAX_BUFFER 65536  // bytes of records; the rest stays in the table until the kernel has taken these
#endif

typedef struct sidemeter_family sidemeter_family;
typedef struct sidemeter_series sidemeter_series;

typedef enum {
  SIDEMETER_COUNTER,
  SIDEMETER_GAUGE,
  SIDEMETER_HISTOGRAM,
  SIDEMETER_SUMMARY,
  SIDEMETER_INFO,
  SIDEMETER_STATESET
} sidemeter_type;

// A metric family. Only the name is needed; everything is copied.
typedef struct {
  sidemeter_type type;
  const char *name;       // [a-zA-Z_:][a-zA-Z0-9_:]*
  const char *help;       // UTF-8, at most 4096 bytes
  const char *labels;     // their names with blanks between them, at most 32
  const char *unit;       // "seconds"; the agent appends it to a name that does not end so
  const char *mode;       // of a gauge: "last" (unless said), "sum", "livesum"… (PROTOCOL.md, Gauge modes)
  const char *states;     // of a stateset, with blanks between them, at most 128
  const double *buckets;  // of a histogram: upper bounds that rise strictly, at most 128; 0.005 to 10 unless said
  size_t bucket_count;
} sidemeter_definition;

// For the braces of a definition: SIDEMETER_BUCKETS(0.1, 1, 10).
#define SIDEMETER_BUCKETS(...)             \
  .buckets = (const double[]){__VA_ARGS__}, \
  .bucket_count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double)

// Defines a family; the same again is the same family. NULL when it is wrong, and `sidemeter_error` tells
// what: a program that goes on so all the same loses the events of this family and nothing else.
sidemeter_family *sidemeter_define(const sidemeter_definition *definition);

// In words, why this thread's last definition was refused.
const char *sidemeter_error(void);

// The series with these values (UTF-8, at most 2048 bytes each), in the order of the definition's labels. Look it up
// once and keep it. NULL when the values are wrong or the table is full; events on NULL are dropped.
// `values` ends with NULL, and may be NULL where the family has no labels.
sidemeter_series *sidemeter_series_of(sidemeter_family *family, const char *const *values);
#define sidemeter_labels(family, ...) \
  sidemeter_series_of(family, (const char *const[]){__VA_ARGS__, NULL})

// Events. One that is wrong (a negative increment of a counter, NaN observed, a gauge's function on a
// histogram) changes nothing and is counted in `sidemeter_dropped`.
void sidemeter_inc(sidemeter_series *series, double amount);        // counter, gauge
void sidemeter_dec(sidemeter_series *series, double amount);        // gauge
void sidemeter_set(sidemeter_series *series, double value);         // gauge
void sidemeter_observe(sidemeter_series *series, double value);     // histogram, summary
void sidemeter_info(sidemeter_series *series);                      // its labels are the content
void sidemeter_state(sidemeter_series *series, const char *state);  // stateset

// Seconds, for a timer: start = sidemeter_clock(), then observe(series, sidemeter_clock() - start).
double sidemeter_clock(void);

// Removes the series from the agent, for all processes, and gives its place up: do not use the handle
// afterwards, it may come to stand for another series. `sidemeter_series_of` makes the series anew.
void sidemeter_remove(sidemeter_series *series);

// Sends what the kernel takes at once; leaves it to another thread that is just doing so.
void sidemeter_flush(void);

// 1 once the agent has applied what was counted before the call, so that the next scrape shows it; 0 when
// `seconds` are over.
int sidemeter_flush_and_wait(double seconds);

// Events that were refused or had no room, in this process. The agent is told too.
unsigned long sidemeter_dropped(void);

// Flushes for at most 100 ms and ends thread and session: this process's live gauges are gone. Done by exit()
// too. Series stay valid, and the next event begins anew.
void sidemeter_close(void);

#ifdef __cplusplus
}
#endif
#endif
