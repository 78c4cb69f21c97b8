// What the C client writes to its socket, read by a listener of the test's own. Each case is a
// process of its own, since a client is a process's. Expectations are those of proto/PROTOCOL.md
// and client/README.md.
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sidemeter.h"

enum { kSkipped = 77, kReceived = 1 << 22 };

#define CHECK(holds)                                                                    \
  do {                                                                                  \
    if (!(holds)) {                                                                     \
      fprintf(stderr, "line %d: %s; received:\n%.2000s\n", __LINE__, #holds, received); \
      _exit(1);                                                                         \
    }                                                                                   \
  } while (0)

static int listener;
static char received[kReceived];

static void begin_listening(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "client_test-%ld.sock", (long)getpid());
  unlink(address.sun_path);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  CHECK(bind(listener, (struct sockaddr*)&address, sizeof address) == 0 &&
        listen(listener, 16) == 0);
  setenv("SIDEMETER_SOCKET", address.sun_path, 1);
}

static void pause_ms(long ms) {
  const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static int accepted(void) {
  const int stream = accept(listener, NULL, NULL);
  if (stream >= 0) fcntl(stream, F_SETFL, O_NONBLOCK);
  return stream;
}

// What has arrived; reads in place of what was read before.
static const char* arrived(int stream) {
  size_t length = 0;
  for (ssize_t got; (got = recv(stream, received + length, kReceived - 1 - length, 0)) > 0;)
    length += (size_t)got;
  received[length] = '\0';
  return received;
}

static const char* flushed(int stream) {
  sidemeter_flush();
  return arrived(stream);
}

static sidemeter_series* only(sidemeter_type type, const char* name) {
  return sidemeter_series_of(sidemeter_define(&(sidemeter_definition){.type = type, .name = name}),
                             NULL);
}

// --- Cases ---

static void a_session_begins_with_hello_declarations_and_bindings(void) {
  sidemeter_family* family = sidemeter_define(&(sidemeter_definition){
      .name = "http_requests_total", .help = "Line one.\nC:\\two", .labels = "method code"});
  sidemeter_series* series = sidemeter_labels(family, "GET", "say \"hi\"\\\n");
  sidemeter_inc(series, 1);
  sidemeter_inc(series, 2);
  sidemeter_flush();
  const int stream = accepted();
  char wanted[512];
  snprintf(wanted, sizeof wanted,
           "hello v=1 pid=%ld client=c/" SIDEMETER_VERSION
           "\n"
           "# TYPE http_requests_total counter\n"
           "# HELP http_requests_total Line one.\\nC:\\\\two\n"
           "@0 c http_requests_total{method=\"GET\",code=\"say \\\"hi\\\"\\\\\\n\"}\n"
           "@0 3\n",
           (long)getpid());
  CHECK(!strcmp(arrived(stream), wanted));
  sidemeter_inc(series, 0.5);
  CHECK(!strcmp(flushed(stream), "@0 0.5\n"));
  CHECK(!strcmp(flushed(stream), ""));
}

static void a_histogram_and_a_summary_send_a_sum_and_counts(void) {
  sidemeter_family* family = sidemeter_define(&(sidemeter_definition){
      .type = SIDEMETER_HISTOGRAM, .name = "h", SIDEMETER_BUCKETS(0.25, 0.5)});
  sidemeter_series *histogram = sidemeter_series_of(family, NULL),
                   *summary = only(SIDEMETER_SUMMARY, "s");
  sidemeter_observe(histogram, 0.25);
  sidemeter_observe(histogram, 0.625);
  sidemeter_observe(histogram, 0.625);
  sidemeter_observe(summary, -1);
  sidemeter_observe(summary, 4);
  sidemeter_flush();
  const char* text = arrived(accepted());
  CHECK(strstr(text, "# TYPE h histogram\n") && strstr(text, "# BUCKETS h 0.25 0.5\n"));
  CHECK(strstr(text, "\n@0 m h\n@0 1.5 1 0 2\n"));
  CHECK(strstr(text, "# TYPE s summary\n") && strstr(text, "\n@1 m s\n@1 3 2\n"));
}

static void a_gauge_sends_its_value_or_what_it_adds(void) {
  sidemeter_series *set = only(SIDEMETER_GAUGE, "set"), *added = only(SIDEMETER_GAUGE, "added");
  sidemeter_series* own =
      sidemeter_series_of(sidemeter_define(&(sidemeter_definition){
                              .type = SIDEMETER_GAUGE, .name = "own", .mode = "livesum"}),
                          NULL);
  sidemeter_set(set, 7);
  sidemeter_inc(set, 2);
  sidemeter_dec(added, 3);
  sidemeter_inc(own, 1);
  sidemeter_inc(own, 1);
  sidemeter_flush();
  const int stream = accepted();
  const char* text = arrived(stream);
  CHECK(strstr(text, "# MODE own livesum\n"));
  CHECK(strstr(text, "\n@0 9\n") && strstr(text, "\n@2 2\n"));
  CHECK(strstr(text, "\n@1 -=3\n") || strstr(text, "\n@1 +=-3\n"));
  sidemeter_set(set, INFINITY);
  sidemeter_dec(own, 1);
  text = flushed(stream);
  CHECK(!strcmp(text, "@0 inf\n@2 1\n"));
}

static void info_and_stateset_send_content_and_state(void) {
  sidemeter_series* info =
      sidemeter_labels(sidemeter_define(&(sidemeter_definition){
                           .type = SIDEMETER_INFO, .name = "build", .labels = "v"}),
                       "1");
  sidemeter_series* set =
      sidemeter_series_of(sidemeter_define(&(sidemeter_definition){
                              .type = SIDEMETER_STATESET, .name = "phase", .states = "start run"}),
                          NULL);
  sidemeter_info(info);
  sidemeter_state(set, "run");
  sidemeter_state(set, "ru");
  CHECK(sidemeter_dropped() == 1);
  sidemeter_flush();
  const char* text = arrived(accepted());
  CHECK(strstr(text, "@0 i build{v=\"1\"}\n@0 \n") || strstr(text, "\ni build{v=\"1\"}\n"));
  CHECK(strstr(text, "# STATES phase start run\n") && strstr(text, "\n@1 e phase\n@1 run\n"));
}

static void what_is_wrong_changes_nothing_and_is_counted_and_told(void) {
  sidemeter_family* labelled =
      sidemeter_define(&(sidemeter_definition){.name = "l", .labels = "a b"});
  sidemeter_series *counter = only(SIDEMETER_COUNTER, "c"), *summary = only(SIDEMETER_SUMMARY, "s");
  char value[2050];
  memset(value, 'v', sizeof value);
  value[2049] = '\0';
  sidemeter_inc(counter, -1);
  sidemeter_inc(counter, NAN);
  sidemeter_inc(counter, INFINITY);
  sidemeter_set(counter, 1);
  sidemeter_observe(counter, 1);
  sidemeter_observe(summary, NAN);
  sidemeter_inc(NULL, 1);
  sidemeter_inc(sidemeter_labels(labelled, "one"), 1);
  sidemeter_inc(sidemeter_labels(labelled, "one", "two", "three"), 1);
  sidemeter_inc(sidemeter_labels(labelled, "one", value), 1);
  CHECK(sidemeter_dropped() == 10);
  sidemeter_observe(summary, INFINITY);
  sidemeter_observe(summary, -INFINITY);
  CHECK(sidemeter_dropped() == 11);
  value[2048] = '\0';
  sidemeter_inc(sidemeter_labels(labelled, "one", value), 1);
  CHECK(sidemeter_dropped() == 11);
  sidemeter_flush();
  const char* text = arrived(accepted());
  CHECK(!strstr(text, " c c\n"));
  CHECK(strstr(text, " inf 1\n") &&
        strstr(text, "c sidemeter_client_dropped_total{client=\"c\"} 11\n"));
}

static void a_wrong_definition_is_told(void) {
  const double falling[] = {2, 1}, not_a_number[] = {NAN};
  const sidemeter_definition wrong[] = {
      {.name = NULL},
      {.name = ""},
      {.name = "9lives"},
      {.name = "a b"},
      {.name = "sidemeter_x"},
      {.name = "x", .labels = "__a"},
      {.name = "x", .labels = "a-b"},
      {.name = "x", .labels = "a a"},
      {.name = "x", .unit = "a b"},
      {.name = "x", .unit = ""},
      {.name = "x", .mode = "sum"},
      {.name = "x", .states = "a"},
      {.name = "x", .buckets = falling, .bucket_count = 1},
      {.type = SIDEMETER_HISTOGRAM, .name = "x", .labels = "le"},
      {.type = SIDEMETER_HISTOGRAM, .name = "x", .buckets = falling, .bucket_count = 2},
      {.type = SIDEMETER_HISTOGRAM, .name = "x", .buckets = not_a_number, .bucket_count = 1},
      {.type = SIDEMETER_SUMMARY, .name = "x", .labels = "quantile"},
      {.type = SIDEMETER_GAUGE, .name = "x", .mode = "often"},
      {.type = SIDEMETER_GAUGE, .name = "x", .mode = "livelast"},
      {.type = SIDEMETER_GAUGE, .name = "x", .mode = "liveall", .labels = "pid"},
      {.type = SIDEMETER_STATESET, .name = "x"},
      {.type = SIDEMETER_STATESET, .name = "x", .states = "a", .unit = "s"},
      {.type = SIDEMETER_STATESET, .name = "x", .states = "a\nb"},
      {.type = SIDEMETER_STATESET, .name = "x", .states = "a", .labels = "x"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(received, sizeof received, "definition %zu was taken", i);
    CHECK(!sidemeter_define(&wrong[i]) && strstr(sidemeter_error(), ", got \""));
  }
  const sidemeter_definition right = {.name = "x", .labels = "a", .unit = "s"};
  sidemeter_definition other = right;
  sidemeter_family* family = sidemeter_define(&right);
  CHECK(family && sidemeter_define(&right) == family);
  other.labels = "b";
  CHECK(!sidemeter_define(&other));
  other = right, other.type = SIDEMETER_GAUGE;
  CHECK(!sidemeter_define(&other));
  CHECK(sidemeter_labels(family, "1") == sidemeter_labels(family, "1"));
}

// Adds up what a session's records say of counters named c{n="0",pad="…"}; an unfinished record
// says nothing.
static void tally(char* text, unsigned* totals, char (*bound)[64]) {
  for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    unsigned handle, series, amount;
    *end = '\0';
    if (sscanf(line, "@%u c c{n=\"%u\",", &handle, &series) == 2) {
      snprintf(bound[handle], sizeof bound[handle], "%u", series);
    } else if (sscanf(line, "@%u %u", &handle, &amount) == 2) {
      CHECK(*bound[handle]);
      totals[atoi(bound[handle])] += amount;
    } else if (sscanf(line, "c c{n=\"%u\",%*s %u", &series, &amount) == 2) {
      totals[series] += amount;
    } else {
      CHECK(!strncmp(line, "hello ", 6) || !strncmp(line, "# ", 2));
    }
  }
}

static void a_record_that_was_cut_goes_again_and_no_other(void) {
  enum { kSeries = 9000 };
  static char bound[4096][64];
  static unsigned totals[kSeries];
  sidemeter_family* family =
      sidemeter_define(&(sidemeter_definition){.name = "c", .labels = "n pad"});
  char pad[120] = "";
  memset(pad, 'v', sizeof pad - 1);
  for (int i = 0; i < kSeries; i++) {
    char value[16];
    snprintf(value, sizeof value, "%d", i);
    sidemeter_inc(sidemeter_labels(family, value, pad), 7);
  }
  int cuts = 0;
  for (int sessions = 0, whole = 0; !whole; sessions++) {
    CHECK(sessions < 20);
    sidemeter_flush();
    int stream = accepted();
    for (int turn = 0; stream < 0 && turn < 100; turn++) {  // no sooner than the backoff lets it
      pause_ms(100);
      sidemeter_flush();
      stream = accepted();
    }
    CHECK(stream >= 0);
    shutdown(stream, SHUT_RD);  // the thread of the client sends nothing more
    CHECK(!strncmp(arrived(stream), "hello v=1 ", 10));
    (void)!send(stream, "hello v=1\n", 10,
                MSG_NOSIGNAL);  // for the backoff: it may be gone already
    cuts += received[strlen(received) - 1] != '\n';
    whole = !strstr(received, "c c{n=");  // nothing was left but hello and declarations
    memset(bound, 0, sizeof bound);
    tally(received, totals, bound);
    close(stream);
  }
  for (int i = 0; i < kSeries; i++) CHECK(totals[i] == 7);
  CHECK(cuts > 0);
}

static void a_removed_series_gives_its_place_up(void) {
  sidemeter_family* family = sidemeter_define(
      &(sidemeter_definition){.type = SIDEMETER_GAUGE, .name = "g", .labels = "l"});
  sidemeter_set(sidemeter_labels(family, "a"), 5);
  sidemeter_remove(sidemeter_labels(family, "a"));
  sidemeter_inc(sidemeter_labels(family, "a"), 3);
  sidemeter_flush();
  const int stream = accepted();
  const char *text = arrived(stream), *removed = strstr(text, "x g{l=\"a\"}\n");
  CHECK(removed && strstr(removed, "@0 g g{l=\"a\"}\n@0 +=3\n"));
  for (int i = 0; i < 3 * SIDEMETER_MAX_SERIES; i++) {
    char value[16];
    snprintf(value, sizeof value, "%d", i);
    sidemeter_set(sidemeter_labels(family, value), 1);
    sidemeter_remove(sidemeter_labels(family, value));
    if (i % 500 == 0) flushed(stream);
  }
  CHECK(sidemeter_dropped() == 0);
  CHECK(strstr(flushed(stream), "x g{l=\"29999\"}\n"));
}

static void a_child_leaves_its_parents_session_and_amounts_alone(void) {
  sidemeter_series* series = only(SIDEMETER_COUNTER, "c");
  sidemeter_inc(series, 1);
  sidemeter_flush();
  const int stream = accepted();
  arrived(stream);
  sidemeter_inc(series, 5);
  pause_ms(50);  // a sanitizer's allocator does not survive a fork amid the start of a thread
  const pid_t child = fork();
  if (child == 0) exit(0);
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(accepted() < 0);
  CHECK(!strcmp(flushed(stream), "@0 5\n"));
}

static void a_close_waits_no_longer_than_100_ms(void) {
  sidemeter_family* family =
      sidemeter_define(&(sidemeter_definition){.name = "c", .labels = "n pad"});
  char pad[2049] = "";
  memset(pad, 'v', sizeof pad - 1);
  for (int i = 0; i < 1000; i++) {
    char value[16];
    snprintf(value, sizeof value, "%d", i);
    sidemeter_inc(sidemeter_labels(family, value, pad), 1);
  }
  const double start = sidemeter_clock();
  sidemeter_close();
  const double took = sidemeter_clock() - start;
  CHECK(took > 0.09 && took < 0.25);
}

static void a_close_ends_the_session_and_the_next_event_begins_another(void) {
  sidemeter_series* series = only(SIDEMETER_COUNTER, "c");
  sidemeter_inc(series, 1);
  sidemeter_close();
  const int stream = accepted();
  CHECK(strstr(arrived(stream), "\n@0 1\n"));
  char byte;
  CHECK(recv(stream, &byte, 1, 0) == 0);
  sidemeter_inc(series, 2);
  sidemeter_close();
  CHECK(strstr(arrived(accepted()), "\n@0 c c\n@0 2\n"));
}

static void what_was_counted_goes_by_itself(void) {
  sidemeter_inc(only(SIDEMETER_COUNTER, "c"), 1);
  struct pollfd ready = {listener, POLLIN, 0};
  CHECK(poll(&ready, 1, 5000) == 1);
  const int stream = accepted();
  int found = 0;
  for (int turn = 0; turn < 500 && !found; turn++) {
    pause_ms(10);
    found = !strncmp(arrived(stream), "@0 1\n", 5) || strstr(received, "\n@0 1\n") != NULL;
  }
  CHECK(found);
}

static void connecting_is_tried_less_and_less_often(void) {
  sidemeter_inc(only(SIDEMETER_COUNTER, "c"), 1);
  int connections = 0;
  for (const double start = sidemeter_clock(); sidemeter_clock() - start < 0.65;) {
    sidemeter_flush();
    const int stream = accepted();
    connections += stream >= 0;
    if (stream >= 0) close(stream);
    pause_ms(1);
  }
  CHECK(connections >= 1 && connections <= 3);  // after 0, 100, 300, 700 ms
}

static void a_barrier_is_a_sync_that_was_answered(void) {
  sidemeter_inc(only(SIDEMETER_COUNTER, "c"), 1);
  const pid_t agent = fork();
  if (agent == 0) {
    struct pollfd ready = {listener, POLLIN, 0};
    poll(&ready, 1, 5000);
    ready.fd = accepted();
    for (int turn = 0; turn < 50; turn++) {
      unsigned long token;
      poll(&ready, 1, 100);
      const char* sync = strstr(arrived(ready.fd), "sync ");
      if (!sync || sscanf(sync, "sync %lu\n", &token) != 1) continue;
      char answer[64];
      const int length =
          snprintf(answer, sizeof answer, "hello v=1\nok %lu accepted=3 rejected=0\n", token);
      for (int i = 0; i < length; i++) {  // in pieces, as a stream may bring it
        send(ready.fd, answer + i, 1, 0);
        pause_ms(1);
      }
      pause_ms(200);
      _exit(0);
    }
    _exit(1);
  }
  CHECK(sidemeter_flush_and_wait(5) == 1);
  int status = 1;
  CHECK(waitpid(agent, &status, 0) == agent && status == 0);
  const double start = sidemeter_clock();
  CHECK(sidemeter_flush_and_wait(0.1) == 0 && sidemeter_clock() - start < 0.5);
}

static void a_number_has_its_point_in_every_locale(void) {
  static const char* const kWithComma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                           "fr_FR.utf8"};
  size_t i = 0;
  while (i < 4 && !setlocale(LC_NUMERIC, kWithComma[i])) i++;
  if (i == 4) _exit(kSkipped);
  sidemeter_inc(only(SIDEMETER_COUNTER, "c"), 0.1);
  sidemeter_flush();
  CHECK(strstr(arrived(accepted()), "\n@0 0.1\n"));
}

#define CASE(name) \
  { #name, name }
static const struct {
  const char* name;
  void (*run)(void);
} kCases[] = {
    CASE(a_session_begins_with_hello_declarations_and_bindings),
    CASE(a_histogram_and_a_summary_send_a_sum_and_counts),
    CASE(a_gauge_sends_its_value_or_what_it_adds),
    CASE(info_and_stateset_send_content_and_state),
    CASE(what_is_wrong_changes_nothing_and_is_counted_and_told),
    CASE(a_wrong_definition_is_told),
    CASE(a_record_that_was_cut_goes_again_and_no_other),
    CASE(a_removed_series_gives_its_place_up),
    CASE(a_child_leaves_its_parents_session_and_amounts_alone),
    CASE(a_close_waits_no_longer_than_100_ms),
    CASE(a_close_ends_the_session_and_the_next_event_begins_another),
    CASE(what_was_counted_goes_by_itself),
    CASE(connecting_is_tried_less_and_less_often),
    CASE(a_barrier_is_a_sync_that_was_answered),
    CASE(a_number_has_its_point_in_every_locale),
};

// `client_test NAME` runs one case in this process.
int main(int count, char** arguments) {
  int passed = 0, failed = 0, skipped = 0;
  setvbuf(stdout, NULL, _IONBF, 0);  // nothing that a child could write again
  for (size_t i = 0; i < sizeof kCases / sizeof *kCases; i++) {
    if (count > 1 && strcmp(arguments[1], kCases[i].name) != 0) continue;
    const pid_t child = fork();
    if (child == 0) {
      begin_listening();
      kCases[i].run();
      unlink(getenv("SIDEMETER_SOCKET"));
      exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    passed += status == 0;
    skipped += WIFEXITED(status) && WEXITSTATUS(status) == kSkipped;
    if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == kSkipped)) {
      failed++;
      printf("failed: %s\n", kCases[i].name);
    }
  }
  printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed > 0;
}
