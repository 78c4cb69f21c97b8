// The table of series, and the thread that sends what they owe. sidemeter.h tells what is promised.
// Three locks, taken in this order: `writer` around the socket, the buffer and the sweep over the
// table, never while it waits; `table` for a look-up; that of a series for an addition.
#define _POSIX_C_SOURCE 200809L
#include "sidemeter.h"
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
// PROTOCOL.md, Limits. A series leaves room in its record, of 64 KiB, for what follows it.
enum { kNameBytes = 512, kHelpBytes = 4096, kValueBytes = 2048, kSeriesBytes = 60000 };
enum { kLabels = 32, kBuckets = 128, kHandles = 4096 };
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
#define MODES "last sum min max mostrecent all livesum livemin livemax livemostrecent liveall"

// What a series owes the agent: an amount or counts to add; or its value, its content, its state.
enum { kNothing, kAdd, kSet };

struct text {
  char *bytes;
  size_t length, room;
  int failed;  // memory ran out, and something is missing
};

struct sidemeter_family {
  sidemeter_family *next;
  sidemeter_type type;
  int gathers;                     // a gauge whose mode keeps a value of each process
  struct text declaration, shape;  // shape: http_requests_total{code="\1"}; a value goes to each \1
  const char *states;              // words, at the end of the declaration
  double buckets[kBuckets];
  size_t bucket_count;
  unsigned long declared;  // in this session
};

struct sidemeter_series {
  unsigned char held;
  int owes, repeats;  // repeats: owes it to each new session
  sidemeter_type type;
  sidemeter_family *family;
  double sum;              // to be added
  double own;              // a gauge's value in this process; where a state stands in `states`
  unsigned long *counts;   // of a histogram one a bucket and +Inf, of a summary one
  char *text;              // http_requests_total{code="200"}; NULL: a free place
  unsigned long bound;     // to the handle that is its place's number, in this session
  sidemeter_series *next;  // of this hash, or the next free place
  size_t hash;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER, table = PTHREAD_MUTEX_INITIALIZER;
static sidemeter_family *families;
static sidemeter_series places[SIDEMETER_MAX_SERIES], *heads[SIDEMETER_MAX_SERIES], *spare;
static size_t place_count;
static unsigned long dropped, threads, running;  // running: the number of the thread, 0: none
static __thread char refusal[512];

// The writer's.
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct text buffer, removals;
static int connection = -1;
static unsigned long session, sweeps, token, applied, reported;
static size_t sent, cursor, reply_length;
static char reply[32];
static double retry_at, backoff = 0.1;

static void append(struct text *out, const char *format, ...) {
  while (!out->failed) {  // once, and again when there is room
    const size_t room = out->room - out->length;
    va_list values;
    va_start(values, format);
    const size_t length =
        (size_t)vsnprintf(room ? out->bytes + out->length : NULL, room, format, values);
    va_end(values);
    out->length += length < room ? length : 0;
    if (length < room) return;
    out->room = 2 * (out->length + length + 32);
    char *grown = realloc(out->bytes, out->room);
    out->failed = !grown;
    if (grown) out->bytes = grown;
  }
}
// As strtod reads it in the C locale, whatever stands for the point in this program's.
static void append_number(struct text *out, double value) {
  static const char kOthers[] = "+-0123456789einfa";
  char digits[40] = "";
  for (int precision = 15; precision <= 17 && (!*digits || strtod(digits, NULL) != value); precision++)
    snprintf(digits, sizeof digits, "%.*g", precision, value);
  const size_t whole = strspn(digits, kOthers), point = strcspn(digits + whole, kOthers);
  append(out, "%.*s%s%s", (int)whole, digits, point ? "." : "", digits + whole + point);
}
static void append_escaped(struct text *out, const char *words, const char *escaped) {
  for (size_t plain;; words += plain + 1) {
    append(out, "%.*s", (int)(plain = strcspn(words, escaped)), words);
    if (!words[plain]) return;
    append(out, "\\%c", words[plain] == '\n' ? 'n' : words[plain]);
  }
}
// The first of words with blanks between them; an LF stands behind the last.
static const char *first(const char *words, size_t *length) {
  words += strspn(words, " \n");
  *length = strcspn(words, " \n");
  return words;
}
// Where a word stands first among the words, or NULL.
static const char *find(const char *words, const char *word, size_t length) {
  for (size_t own; *(words = first(words, &own)); words += own)
    if (own == length && !memcmp(words, word, length)) return words;
  return NULL;
}
static int is_name(const char *name, size_t length, const char *characters) {
  return length > 0 && length <= kNameBytes && strspn(name, characters) >= length &&
         !strchr("0123456789", *name);
}

// Who holds a series may have been preempted and want this processor: sleeps, after a while.
static void hold(sidemeter_series *series) {
  for (int turn = 0; __atomic_test_and_set(&series->held, __ATOMIC_ACQUIRE); turn++)
    if (turn >= 100) poll(NULL, 0, 1);
}
static void release(sidemeter_series *series) { __atomic_clear(&series->held, __ATOMIC_RELEASE); }
static void forget(sidemeter_series *series) {
  series->owes = series->repeats = 0, series->sum = series->own = 0;
  memset(series->counts, 0, (series->family->bucket_count + 1) * sizeof *series->counts);
}
static void lock_all(void) { pthread_mutex_lock(&writer), pthread_mutex_lock(&table); }
static void unlock_all(void) { pthread_mutex_unlock(&table), pthread_mutex_unlock(&writer); }
// After fork. Families and series stay; the socket and what is owed are the parent's.
static void begin_child(void) {
  if (connection >= 0) close(connection);
  connection = -1, retry_at = 0, backoff = 0.1;
  buffer.length = removals.length = sent = cursor = 0, dropped = reported = running = 0;
  for (sidemeter_series *series = places; series < places + place_count; series++)
    if (series->owes || series->repeats || series->held) forget(series), release(series);
  unlock_all();
}

static void begin(void) {
  const char *path = getenv("SIDEMETER_SOCKET");
  if (!path || !*path) path = "/run/sidemeter/sidemeter.sock";
  if (strlen(path) < sizeof address.sun_path) strcpy(address.sun_path, path);
  pthread_atfork(lock_all, unlock_all, begin_child);
  atexit(sidemeter_close);
}
const char *sidemeter_error(void) { return refusal; }
static int refuse(const char *wanted, const char *got) {
  return snprintf(refusal, sizeof refusal, "%s, got \"%.200s\"", wanted, got), 0;
}

// What the agent would refuse (PROTOCOL.md, Declarations and Limits) is told to the developer here.
static int describe(sidemeter_family *family, const sidemeter_definition *given) {
  static const char *const kTypes[] = {"counter", "gauge", "histogram", "summary", "info", "stateset"};
  static const double kBounds[] = {.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10};
  const char *name = given->name ? given->name : "", *states = given->states ? given->states : "";
  const char *labels = given->labels ? given->labels : "", *mode = given->mode ? given->mode : "";
  const char *added[] = {"", find("all liveall", mode, strlen(mode)) ? "pid" : "", "le", "quantile", "", name};
  const char *unit = given->unit, *help = given->help;
  const double *bounds = given->bucket_count ? given->buckets : kBounds;
  const sidemeter_type type = given->type;
  struct text *out = &family->declaration, *shape = &family->shape;
  size_t count = given->bucket_count ? given->bucket_count : sizeof kBounds / sizeof *kBounds, length;
  if (type > SIDEMETER_STATESET || !is_name(name, strlen(name), WORD ":") || !strncmp(name, "sidemeter_", 10))
    return refuse("a name matches [a-zA-Z_:][a-zA-Z0-9_:]* and begins not with sidemeter_", name);
  if (help && strlen(help) > kHelpBytes) return refuse("help has at most 4096 bytes", help);
  if (unit && (type >= SIDEMETER_INFO || !*unit || unit[strspn(unit, WORD)]))
    return refuse("a unit matches [a-zA-Z0-9_]+, and info and stateset have none", unit);
  if (*mode && (type != SIDEMETER_GAUGE || !find(MODES, mode, strlen(mode))))
    return refuse("a mode is a gauge's, one of " MODES, mode);
  if (given->bucket_count > (type == SIDEMETER_HISTOGRAM ? kBuckets : 0))
    return refuse("a histogram, and nothing else, has at most 128 buckets", name);
  if (!*states != (type != SIDEMETER_STATESET) || strpbrk(states, "\t\r\n"))
    return refuse("a stateset, and nothing else, has states with blanks between them", states);
  append(out, "# TYPE %s %s\n", name, kTypes[type]);
  if (unit) append(out, "# UNIT %s %s\n", name, unit);
  if (*mode) append(out, "# MODE %s %s\n", name, mode);
  if (help) append(out, "# HELP %s ", name), append_escaped(out, help, "\\\n"), append(out, "\n");
  family->bucket_count = type == SIDEMETER_HISTOGRAM ? count : 0;
  if (family->bucket_count) append(out, "# BUCKETS %s", name);
  for (size_t i = 0; i < family->bucket_count; i++) {
    if (!(bounds[i] < INFINITY && bounds[i] > (i ? bounds[i - 1] : -INFINITY)))
      return refuse("buckets are finite and rise strictly", name);
    append(out, " "), append_number(out, family->buckets[i] = bounds[i]);
  }
  append(out, family->bucket_count ? "\n" : *states ? "# STATES %s " : "", name);
  const size_t states_at = out->length;
  append(out, *states ? "%s\n" : "", states);
  append(shape, "%s", name), count = 0;
  for (const char *at = labels; *(at = first(at, &length)); at += length, count++) {
    if (!is_name(at, length, WORD) || !strncmp(at, "__", 2) || find(added[type], at, length))
      return refuse("a label matches [a-zA-Z_][a-zA-Z0-9_]*, not __, nor the agent's own", at);
    if (find(labels, at, length) != at || count == kLabels) return refuse("at most 32 labels, each once", at);
    append(shape, "%c%.*s=\"\1\"", count ? ',' : '{', (int)length, at);
  }
  append(shape, count ? "}" : "");
  if (out->failed || shape->failed) return refuse("memory for a family", "nothing");
  family->states = out->bytes + states_at;
  family->type = type;
  family->gathers = *mode && strcmp(mode, "last");
  return 1;
}

sidemeter_family *sidemeter_define(const sidemeter_definition *given) {
  pthread_once(&once, begin);
  sidemeter_family *made = calloc(1, sizeof *made), *found = NULL, **at = &families;
  if (made && describe(made, given)) {
    const size_t head = strlen("# TYPE  ") + strlen(given->name);
    pthread_mutex_lock(&table);
    while (*at && strncmp((*at)->declaration.bytes, made->declaration.bytes, head)) at = &(*at)->next;
    found = *at ? *at : (*at = made);
    pthread_mutex_unlock(&table);
    if (found == made) return made;
    if (strcmp(found->declaration.bytes, made->declaration.bytes) || strcmp(found->shape.bytes, made->shape.bytes))
      found = NULL, refuse("a family stays as it was defined first", given->name);
  }
  if (made) free(made->declaration.bytes), free(made->shape.bytes), free(made);
  return found;
}

static int spell(const char *shape, const char *const *values, struct text *out) {
  for (; *shape; shape++) {
    const size_t length = strcspn(shape, "\1");
    append(out, "%.*s", (int)length, shape);
    if (!*(shape += length)) break;
    if (!values || !*values || strlen(*values) > kValueBytes) return 0;
    append_escaped(out, *values++, "\\\"\n");
  }
  return (!values || !*values) && out->length <= kSeriesBytes && !out->failed;
}

sidemeter_series *sidemeter_series_of(sidemeter_family *family, const char *const *values) {
  struct text text = {0};
  if (!family || !spell(family->shape.bytes, values, &text)) return free(text.bytes), NULL;
  size_t hash = 2166136261u;  // FNV-1a
  for (const char *at = text.bytes; *at; at++) hash = (hash ^ (unsigned char)*at) * 16777619u;
  pthread_mutex_lock(&table);
  sidemeter_series **head = &heads[hash % SIDEMETER_MAX_SERIES], *series = *head;
  while (series && strcmp(series->text, text.bytes)) series = series->next;
  sidemeter_series *const end = place_count < SIDEMETER_MAX_SERIES ? &places[place_count] : NULL;
  sidemeter_series *const place = series ? NULL : spare ? spare : end;
  unsigned long *counts = place ? calloc(family->bucket_count + 1, sizeof *counts) : NULL;
  if (counts) {
    series = place;
    hold(series);
    free(series->counts);
    if (series == spare) spare = series->next;
    series->counts = counts, series->family = family, series->type = family->type;
    series->text = text.bytes, series->hash = hash, series->next = *head, *head = series;
    forget(series);
    release(series);
    if (series == end) __atomic_fetch_add(&place_count, 1, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&table);
  if (!counts) free(text.bytes);
  return series;
}

static void *run(void *number);
static void start(void) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_mutex_lock(&writer);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (!running && !pthread_create(&thread, NULL, run, (void *)(threads + 1)))
    __atomic_store_n(&running, ++threads, __ATOMIC_RELAXED), pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_mutex_unlock(&writer);
}
static void drop(void) { __atomic_fetch_add(&dropped, 1, __ATOMIC_RELAXED); }
unsigned long sidemeter_dropped(void) { return __atomic_load_n(&dropped, __ATOMIC_RELAXED); }

// Holds a series of one of these types; drops the event of another.
static int take(sidemeter_series *series, unsigned types) {
  if (series) hold(series);
  if (series && types >> series->type & 1) return 1;
  if (series) release(series);
  return drop(), 0;
}
// Releases it again. Nothing: the event was wrong.
static void give(sidemeter_series *series, int what) {
  const int is_first = !series->owes;
  if (what) series->owes = what;
  else drop();
  release(series);
  if (is_first && !__atomic_load_n(&running, __ATOMIC_RELAXED)) start();
}
static void put(sidemeter_series *series, sidemeter_type type, double value) {
  if (!take(series, 1u << type)) return;
  series->own = value, series->sum = 0, series->repeats = 1;
  give(series, kSet);
}
void sidemeter_set(sidemeter_series *series, double value) { put(series, SIDEMETER_GAUGE, value); }
void sidemeter_info(sidemeter_series *series) { put(series, SIDEMETER_INFO, 1); }
void sidemeter_state(sidemeter_series *series, const char *state) {
  const char *states = series && series->type == SIDEMETER_STATESET ? series->family->states : "";
  const char *found = find(states, state, strlen(state));
  put(found ? series : NULL, SIDEMETER_STATESET, found ? (double)(found - states) : 0);
}
void sidemeter_dec(sidemeter_series *series, double amount) { sidemeter_inc(series, -amount); }
void sidemeter_inc(sidemeter_series *series, double amount) {
  if (!take(series, 1u << SIDEMETER_COUNTER | 1u << SIDEMETER_GAUGE)) return;
  const int gathers = series->family->gathers, whole = gathers || series->owes == kSet;
  const double sum = series->sum + amount;
  const int wrong = series->type == SIDEMETER_COUNTER && !(amount >= 0 && sum < INFINITY);
  if (!wrong && !whole) series->sum = sum;
  if (!wrong) series->own += amount, series->repeats |= gathers;
  give(series, wrong ? kNothing : whole ? kSet : kAdd);
}
double sidemeter_clock(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
void sidemeter_observe(sidemeter_series *series, double value) {
  if (!take(series, 1u << SIDEMETER_HISTOGRAM | 1u << SIDEMETER_SUMMARY)) return;
  const double sum = series->sum + value, *bounds = series->family->buckets;
  const int wrong = sum != sum;  // NaN, or infinities that cancel each other
  size_t bucket = 0;
  while (bucket < series->family->bucket_count && bounds[bucket] < value) bucket++;
  if (!wrong) series->sum = sum, series->counts[bucket]++;
  give(series, wrong ? kNothing : kAdd);
}

void sidemeter_remove(sidemeter_series *series) {
  if (!series) return;
  lock_all();
  sidemeter_series **at = &heads[series->hash % SIDEMETER_MAX_SERIES];
  while (*at && *at != series) at = &(*at)->next;
  if (*at) {
    if (removals.length < SIDEMETER_MAX_BUFFER) append(&removals, "x %s\n", series->text);
    hold(series);
    forget(series);
    free(series->text);
    *at = series->next, series->next = spare, spare = series, series->text = NULL, series->bound = 0;
    release(series);
  }
  unlock_all();
  start();
}

// What follows is the writer's. The record that was cut, and all behind it, goes in the next session.
static void end_session(void) {
  close(connection);
  connection = -1;
  while (sent > 0 && buffer.bytes[sent - 1] != '\n') sent--;
  if (sent > 0) memmove(buffer.bytes, buffer.bytes + sent, buffer.length - sent + 1);
  buffer.length -= sent, sent = 0;
}
static void bind_handle(sidemeter_series *series) {
  append(&buffer, "@%d %c %s\n", (int)(series - places), "cgmmie"[series->type], series->text);
  series->bound = session;
}
// What the session before did not take goes behind the declarations and bindings it stands on.
static void begin_session(void) {
  const struct text rest = buffer;
  buffer = (struct text){0};
  session++, cursor = reply_length = 0;
  append(&buffer, "hello v=1 pid=%ld client=c/%s\n", (long)getpid(), SIDEMETER_VERSION);
  pthread_mutex_lock(&table);
  for (sidemeter_family *family = families; family; family = family->next)
    append(&buffer, "%s", family->declaration.bytes), family->declared = session;
  for (sidemeter_series *series = places; series < places + place_count; series++) {
    hold(series);
    if (series->repeats) series->owes = kSet, series->sum = 0;
    release(series);
  }
  pthread_mutex_unlock(&table);
  for (const char *line = rest.length ? rest.bytes : ""; *line; line = strchr(line, '\n') + 1) {
    sidemeter_series *series = *line == '@' ? &places[atoi(line + 1)] : NULL;
    if (series && series->bound == session - 1) bind_handle(series);
  }
  append(&buffer, "%s", rest.length ? rest.bytes : "");
  free(rest.bytes);
}

// Whether there is a session. Connects at most every 100 ms, and less often while nothing answers.
static int reach(void) {
  const double now = sidemeter_clock();
  char bytes[512];
  ssize_t got;
  while (connection >= 0 && (got = recv(connection, bytes, sizeof bytes, 0)) > 0) {
    backoff = 0.1;
    for (ssize_t i = 0; i < got; i++) {
      if (reply_length < sizeof reply - 1) reply[reply_length++] = bytes[i];
      if (bytes[i] != '\n') continue;
      if (!strncmp(reply, "ok ", 3)) applied = strtoul(reply + 3, NULL, 10);
      reply_length = 0;
    }
  }
  if (connection >= 0 && (got == 0 || (errno != EAGAIN && errno != EINTR))) end_session();
  if (connection >= 0 || now < retry_at) return connection >= 0;
  retry_at = now + backoff;
  backoff = backoff < 2.5 ? 2 * backoff : 5;
  connection = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (!connect(connection, (struct sockaddr *)&address, sizeof address)) begin_session();
  else close(connection), connection = -1;
  return connection >= 0;
}
// Whether the kernel has taken all of the buffer.
static int send_buffer(void) {
  if (buffer.failed) drop(), buffer.failed = 0, buffer.length = sent = 0, end_session();
  while (connection >= 0 && sent < buffer.length) {
    const ssize_t took = send(connection, buffer.bytes + sent, buffer.length - sent, MSG_NOSIGNAL);
    if (took >= 0) sent += (size_t)took;
    else if (errno == EAGAIN) return 0;
    else if (errno != EINTR) end_session();
  }
  if (connection >= 0) buffer.length = sent = 0;
  return connection >= 0;
}

static void write_series(sidemeter_series *series) {
  static unsigned long counts[kBuckets + 1];
  hold(series);
  sidemeter_family *family = series->family;
  const sidemeter_type type = series->type;
  const int owes = series->text ? series->owes : kNothing;
  const double own = series->own, sum = series->sum;
  const size_t count = owes ? family->bucket_count + 1 : 0, bytes = count * sizeof *counts;
  if (owes) memcpy(counts, series->counts, bytes), memset(series->counts, 0, bytes);
  series->owes = kNothing, series->sum = 0;
  release(series);
  if (!owes) return;
  if (family->declared != session) append(&buffer, "%s", family->declaration.bytes);
  family->declared = session;
  const int handle = (int)(series - places);
  if (handle < kHandles && series->bound != session) bind_handle(series);
  if (handle < kHandles) append(&buffer, "@%d", handle);
  else append(&buffer, "%c %s", "cgmmie"[type], series->text);
  const char *state = family->states + (type == SIDEMETER_STATESET ? (size_t)own : 0);
  append(&buffer, type == SIDEMETER_GAUGE && owes == kAdd ? " +=" : " ");
  if (type < SIDEMETER_INFO) append_number(&buffer, owes == kSet ? own : sum);
  else append(&buffer, "%.*s", (int)strcspn(state, " \n"), state);
  for (size_t i = 0; (type == SIDEMETER_HISTOGRAM || type == SIDEMETER_SUMMARY) && i < count; i++)
    append(&buffer, " %lu", counts[i]);
  append(&buffer, "\n");
}
// The buffer and the rest of a sweep, as far as the kernel takes them.
static void push(void) {
  for (int swept = 0; send_buffer() && !swept;) {
    const size_t count = __atomic_load_n(&place_count, __ATOMIC_ACQUIRE);
    append(&buffer, "%.*s", (int)removals.length, removals.length ? removals.bytes : "");
    removals.length = 0, removals.failed = 0;
    while (cursor < count && buffer.length < SIDEMETER_MAX_BUFFER) write_series(&places[cursor++]);
    if (cursor < count) continue;
    const unsigned long now = sidemeter_dropped(), more = now - reported;
    if (more) append(&buffer, "c sidemeter_client_dropped_total{client=\"c\"} %lu\n", more);
    reported = now, cursor = 0, sweeps++, swept = 1;
  }
}

// Until all that is owed now is sent, or applied by the agent; or `seconds` are over; or, for the
// thread of this number (0: another's), until it is to end.
static int settle(double seconds, int applies, unsigned long number) {
  const double end = sidemeter_clock() + seconds;
  unsigned long within = 0, wanted = 0, mine = 0;  // mine: a token, sent within a session
  int settled = 0;
  pthread_once(&once, begin);
  pthread_mutex_lock(&writer);
  if (seconds > 0 && !applies) retry_at = 0;
  while (!number || number == running) {
    const int reached = reach();
    if (within != session) within = session, wanted = sweeps + 1 + (cursor > 0), mine = 0;
    if (reached) push();
    if (reached && applies && !mine && sweeps >= wanted)
      append(&buffer, "sync %lu\n", mine = ++token), send_buffer();
    settled = applies ? mine && applied >= mine : sweeps >= wanted && !buffer.length;
    if (settled || sidemeter_clock() >= end || (!reached && !applies)) break;
    struct pollfd ready = {connection, (short)(buffer.length ? POLLIN | POLLOUT : POLLIN), 0};
    pthread_mutex_unlock(&writer);
    poll(&ready, 1, 10);
    pthread_mutex_lock(&writer);
  }
  pthread_mutex_unlock(&writer);
  return settled;
}
static void *run(void *number) {
  do poll(NULL, 0, SIDEMETER_INTERVAL_MS), settle(0, 0, (unsigned long)number);
  while ((unsigned long)number == __atomic_load_n(&running, __ATOMIC_RELAXED));
  return NULL;
}

void sidemeter_flush(void) { settle(0, 0, 0); }
int sidemeter_flush_and_wait(double seconds) { return settle(seconds, 1, 0); }
void sidemeter_close(void) {
  if (__atomic_load_n(&running, __ATOMIC_RELAXED)) settle(0.1, 0, 0);
  pthread_mutex_lock(&writer);
  if (connection >= 0) end_session();
  __atomic_store_n(&running, 0, __ATOMIC_RELAXED);
  pthread_mutex_unlock(&writer);
}
