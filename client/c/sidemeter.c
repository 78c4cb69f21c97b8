// The table of series, and the thread that sends what they owe. sidemeter.h tells what is promised.
//
// Three locks, taken in this order:
//   writer   the socket, the buffer, the sweep over the table: by who flushes, never while it waits
//   table    families and places: for a look-up
//   held     one series: for an addition
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
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
enum { kLabels = 32, kBuckets = 128, kStates = 128, kHandles = 4096 };
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
#define MODES "last sum min max mostrecent all livesum livemin livemax livemostrecent liveall"

// What a series owes the agent: an amount or counts to add; a value, its content or its state.
enum { kNothing, kAdd, kSet };

struct text {
  char* bytes;
  size_t length, room;
  int failed;  // memory ran out, and something is missing
};

struct sidemeter_family {
  sidemeter_family* next;
  sidemeter_type type;
  int gathers;                   // a gauge in whose mode the agent keeps a value of each process
  char *name, *labels, *states;  // the last two: words with blanks between them
  struct text declaration;
  size_t label_count, state_count, bucket_count;
  double buckets[kBuckets];
  unsigned long declared;  // in this session
};

struct sidemeter_series {
  unsigned char held;
  int owes, repeats;  // repeats: owes its value to each new session
  sidemeter_type type;
  sidemeter_family* family;
  double sum;             // to be added
  double own;             // a gauge's value in this process; where a state stands in `states`
  unsigned long* counts;  // of a histogram one a bucket and +Inf, of a summary one
  char* text;             // http_requests_total{code="200"}; NULL: a free place
  size_t hash;
  unsigned long bound;     // to its place as a handle, in this session
  sidemeter_series* next;  // of this hash, or the next free place
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER, table = PTHREAD_MUTEX_INITIALIZER;
static sidemeter_family* families;
static sidemeter_series places[SIDEMETER_MAX_SERIES], *heads[SIDEMETER_MAX_SERIES], *spare;
static size_t place_count;
static unsigned long dropped;
static int running;  // the thread
static __thread char refusal[512];

// The writer's. `missed`: a session was lost, and is wanted back.
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int connection = -1, missed;
static unsigned long session, sweeps, token, applied, reported;
static struct text buffer, removals;
static size_t sent, cursor, reply_length;
static char reply[32];
static double retry_at, backoff = 0.1;

// --- Texts ---

static void append(struct text* out, const char* format, ...) {
  while (!out->failed) {  // once, and again when there is room
    char* end = out->bytes ? out->bytes + out->length : NULL;
    va_list values;
    va_start(values, format);
    const size_t length = (size_t)vsnprintf(end, out->room - out->length, format, values);
    va_end(values);
    if (out->length + length < out->room) {
      out->length += length;
      return;
    }
    const size_t room = 2 * (out->length + length + 32);
    char* grown = realloc(out->bytes, room);
    if (grown) out->bytes = grown, out->room = room;
    out->failed = !grown;
  }
}

// As strtod reads it in the C locale, whatever stands for the point in this program's.
static void append_number(struct text* out, double value) {
  static const char kOthers[] = "+-0123456789einfa";
  char digits[40] = "";
  if (value > -1e15 && value < 1e15 && value == (double)(long long)value)
    snprintf(digits, sizeof digits, "%lld", (long long)value);
  for (int precision = 15; precision <= 17 && strtod(digits, NULL) != value; precision++)
    snprintf(digits, sizeof digits, "%.*g", precision, value);
  const size_t whole = strspn(digits, kOthers), point = strcspn(digits + whole, kOthers);
  append(out, "%.*s%s%s", (int)whole, digits, point ? "." : "", digits + whole + point);
}

static void append_escaped(struct text* out, const char* words, const char* escaped) {
  for (; *words; words++)
    append(out, "%s%c", strchr(escaped, *words) ? "\\" : "", *words == '\n' ? 'n' : *words);
}

// Words have blanks between them.
static const char* first(const char* words, size_t* length) {
  words += strspn(words, " ");
  *length = strcspn(words, " ");
  return words;
}

// Where `word` stands first among the words, or NULL.
static const char* find(const char* words, const char* word, size_t length) {
  for (size_t own; *(words = first(words, &own)); words += own)
    if (own == length && !memcmp(words, word, length)) return words;
  return NULL;
}

static int is_name(const char* name, size_t length, const char* characters) {
  return length > 0 && length <= kNameBytes && strspn(name, characters) >= length &&
         !strchr("0123456789", *name);
}

// --- The process ---

double sidemeter_clock(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

unsigned long sidemeter_dropped(void) { return __atomic_load_n(&dropped, __ATOMIC_RELAXED); }

// Who holds the series may have been preempted and want this processor: sleeps, after a while.
static void hold(sidemeter_series* series) {
  const struct timespec moment = {0, 20000};
  for (int turn = 0; __atomic_test_and_set(&series->held, __ATOMIC_ACQUIRE); turn++)
    if (turn >= 100) nanosleep(&moment, NULL);
}

static void release(sidemeter_series* series) { __atomic_clear(&series->held, __ATOMIC_RELEASE); }

static void forget(sidemeter_series* series) {
  series->owes = series->repeats = 0, series->sum = series->own = 0;
  memset(series->counts, 0, (series->family->bucket_count + 1) * sizeof *series->counts);
}

static void lock_all(void) {
  pthread_mutex_lock(&writer);
  pthread_mutex_lock(&table);
}

static void unlock_all(void) {
  pthread_mutex_unlock(&table);
  pthread_mutex_unlock(&writer);
}

// Families and series stay; the socket and what is owed are the parent's.
static void begin_child(void) {
  if (connection >= 0) close(connection);
  connection = -1, missed = 0, retry_at = 0, backoff = 0.1;
  buffer.length = removals.length = sent = cursor = 0;
  dropped = reported = 0, running = 0;
  for (sidemeter_series* series = places; series < places + place_count; series++) {
    if (!series->owes && !series->repeats && !series->held) continue;  // its page stays shared
    forget(series);
    release(series);
  }
  unlock_all();
}

static void begin(void) {
  const char* path = getenv("SIDEMETER_SOCKET");
  if (!path || !*path) path = "/run/sidemeter/sidemeter.sock";
  if (strlen(path) < sizeof address.sun_path) strcpy(address.sun_path, path);
  pthread_atfork(lock_all, unlock_all, begin_child);
  atexit(sidemeter_close);
}

// --- Families ---

static int refuse(const char* wanted, const char* got) {
  snprintf(refusal, sizeof refusal, "%s, got \"%.200s\"", wanted, got ? got : "");
  errno = EINVAL;
  return 0;
}

const char* sidemeter_error(void) { return refusal; }

// Words that stand once and are no name in `added`; names where `characters` says of which.
static int check_words(const char* words, const char* characters, const char* added, size_t most,
                       size_t* count) {
  size_t length;
  for (const char* at = words; *(at = first(at, &length)); at += length) {
    if (strcspn(at, "\t\r\n") < length || find(words, at, length) != at || ++*count > most)
      return refuse("at most 32 labels, or 128 states, are words and stand once", at);
    if (!characters) continue;
    if (!is_name(at, length, characters) || !strncmp(at, "__", 2) || find(added, at, length))
      return refuse("a label matches [a-zA-Z_][a-zA-Z0-9_]*, is not __…, nor the agent's", at);
  }
  return 1;
}

// What the agent would refuse (PROTOCOL.md, Declarations and Limits) is told to the developer here.
static int check(sidemeter_family* family, const sidemeter_definition* given) {
  const char *name = family->name, *help = given->help, *unit = given->unit, *mode = given->mode;
  const int each = mode && find("all liveall", mode, strlen(mode));
  const char* added[] = {"", each ? "pid" : "", "le", "quantile", "", name};
  if (!is_name(name, strlen(name), WORD ":") || !strncmp(name, "sidemeter_", 10))
    return refuse("a name matches [a-zA-Z_:][a-zA-Z0-9_:]* and begins not with sidemeter_", name);
  if (help && strlen(help) > kHelpBytes) return refuse("help has at most 4096 bytes", help);
  if (unit && (given->type >= SIDEMETER_INFO || !*unit || unit[strspn(unit, WORD)]))
    return refuse("a unit matches [a-zA-Z0-9_]+, and info and stateset have none", unit);
  if (mode && (given->type != SIDEMETER_GAUGE || !find(MODES, mode, strlen(mode))))
    return refuse("a gauge's mode is last, or [live] sum, min, max, mostrecent, all", mode);
  if (given->bucket_count > (given->type == SIDEMETER_HISTOGRAM ? kBuckets : 0))
    return refuse("a histogram, and nothing else, has at most 128 buckets", name);
  for (size_t i = 0; i < given->bucket_count; i++)
    if (!(given->buckets[i] < INFINITY &&
          given->buckets[i] > (i ? given->buckets[i - 1] : -INFINITY)))
      return refuse("buckets are finite and rise strictly", name);
  if (*family->states ? given->type != SIDEMETER_STATESET : given->type == SIDEMETER_STATESET)
    return refuse("a stateset, and nothing else, has states", family->states);
  return strlen(family->states) <= kSeriesBytes &&
         check_words(family->states, NULL, "", kStates, &family->state_count) &&
         check_words(family->labels, WORD, added[given->type], kLabels, &family->label_count);
}

static int describe(sidemeter_family* family, const sidemeter_definition* given) {
  static const char* const kTypes[] = {"counter", "gauge", "histogram",
                                       "summary", "info",  "stateset"};
  static const double kBounds[] = {.005, .01, .025, .05, .075, .1,  .25,
                                   .5,   .75, 1,    2.5, 5,    7.5, 10};
  struct text* out = &family->declaration;
  family->type = given->type;
  family->name = strdup(given->name ? given->name : "");
  family->labels = strdup(given->labels ? given->labels : "");
  family->states = strdup(given->states ? given->states : "");
  if (!family->name || !family->labels || !family->states || !check(family, given)) return 0;
  family->gathers = given->mode && strcmp(given->mode, "last");
  family->bucket_count = given->bucket_count;
  if (given->type == SIDEMETER_HISTOGRAM && !given->bucket_count)
    family->bucket_count = sizeof kBounds / sizeof *kBounds;
  memcpy(family->buckets, given->bucket_count ? given->buckets : kBounds,
         family->bucket_count * sizeof *kBounds);
  append(out, "# TYPE %s %s\n", family->name, kTypes[given->type]);
  if (given->unit) append(out, "# UNIT %s %s\n", family->name, given->unit);
  if (given->mode) append(out, "# MODE %s %s\n", family->name, given->mode);
  if (*family->states) append(out, "# STATES %s %s\n", family->name, family->states);
  append(out, "# HELP %s ", family->name);
  append_escaped(out, given->help ? given->help : "", "\\\n");
  append(out, family->bucket_count ? "\n# BUCKETS %s" : "", family->name);
  for (size_t i = 0; i < family->bucket_count; i++)
    append(out, " "), append_number(out, family->buckets[i]);
  append(out, "\n");
  return !out->failed;
}

sidemeter_family* sidemeter_define(const sidemeter_definition* given) {
  pthread_once(&once, begin);
  sidemeter_family *made = calloc(1, sizeof *made), *found = NULL, **end = &families;
  refuse("memory for a family", "");
  if (made && describe(made, given)) {
    pthread_mutex_lock(&table);
    while (*end && strcmp((*end)->name, made->name)) end = &(*end)->next;
    found = *end ? *end : (*end = made);
    pthread_mutex_unlock(&table);
    if (found == made) return made;
    if (strcmp(found->declaration.bytes, made->declaration.bytes) ||
        strcmp(found->labels, made->labels))
      found = NULL, refuse("a family stays as it was defined first", made->name);
  }
  if (made) free(made->name), free(made->labels), free(made->states), free(made->declaration.bytes);
  free(made);
  return found;
}

// --- Series ---

static int spell(const sidemeter_family* family, const char* const* values, struct text* out) {
  const char* label = family->labels;
  size_t count = 0;
  append(out, "%s", family->name);
  for (size_t length; values && values[count]; count++, label += length) {
    if (count == family->label_count || strlen(values[count]) > kValueBytes) return 0;
    label = first(label, &length);
    append(out, "%c%.*s=\"", count ? ',' : '{', (int)length, label);
    append_escaped(out, values[count], "\\\"\n");
    append(out, "\"");
  }
  append(out, count ? "}" : "");
  return count == family->label_count && out->length <= kSeriesBytes && !out->failed;
}

// A new series in a free place, or NULL. The table is locked.
static sidemeter_series* add(sidemeter_family* family, char* text, size_t hash) {
  sidemeter_series *series = spare, **head = &heads[hash % SIDEMETER_MAX_SERIES];
  if (!series && place_count < SIDEMETER_MAX_SERIES) series = &places[place_count];
  unsigned long* counts = series ? calloc(family->bucket_count + 1, sizeof *counts) : NULL;
  if (!counts) return NULL;
  hold(series);
  if (series == spare) spare = series->next;
  free(series->counts);
  series->counts = counts, series->family = family, series->type = family->type;
  series->text = text, series->hash = hash, series->next = *head, *head = series;
  forget(series);
  release(series);
  if (series == &places[place_count])
    __atomic_store_n(&place_count, place_count + 1, __ATOMIC_RELEASE);
  return series;
}

sidemeter_series* sidemeter_series_of(sidemeter_family* family, const char* const* values) {
  struct text text = {0};
  sidemeter_series* series = NULL;
  size_t hash = 2166136261u;  // FNV-1a
  if (family && spell(family, values, &text)) {
    for (const char* at = text.bytes; *at; at++) hash = (hash ^ (unsigned char)*at) * 16777619u;
    pthread_mutex_lock(&table);
    series = heads[hash % SIDEMETER_MAX_SERIES];
    while (series && strcmp(series->text, text.bytes)) series = series->next;
    if (!series && (series = add(family, text.bytes, hash)) != NULL) text.bytes = NULL;
    pthread_mutex_unlock(&table);
  }
  free(text.bytes);
  return series;
}

// --- Events ---

static void* run(void* nothing);

static void start(void) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_mutex_lock(&writer);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (!running && !pthread_create(&thread, NULL, run, NULL))
    __atomic_store_n(&running, !pthread_detach(thread), __ATOMIC_RELAXED);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_mutex_unlock(&writer);
}

// Holds a series of one of these types; drops the event of another.
static int take(sidemeter_series* series, unsigned types) {
  if (series) hold(series);
  if (series && types >> series->type & 1) return 1;
  if (series) release(series);
  __atomic_fetch_add(&dropped, 1, __ATOMIC_RELAXED);
  return 0;
}

// Releases it again. Nothing: the event was wrong.
static void give(sidemeter_series* series, int what) {
  const int first_event = !series->owes;
  if (what) series->owes = what;
  release(series);
  if (!what) take(NULL, 0);
  if (first_event && !__atomic_load_n(&running, __ATOMIC_RELAXED)) start();
}

static void put(sidemeter_series* series, sidemeter_type type, double value) {
  if (!take(series, 1u << type)) return;
  series->own = value, series->sum = 0, series->repeats = 1;
  give(series, kSet);
}

void sidemeter_inc(sidemeter_series* series, double amount) {
  if (!take(series, 1u << SIDEMETER_COUNTER | 1u << SIDEMETER_GAUGE)) return;
  const int gathers = series->family->gathers, whole = gathers || series->owes == kSet;
  const double sum = series->sum + amount;
  const int wrong = series->type == SIDEMETER_COUNTER && !(amount >= 0 && sum < INFINITY);
  if (!wrong && !whole) series->sum = sum;
  if (!wrong) series->own += amount, series->repeats |= gathers;
  give(series, wrong ? kNothing : whole ? kSet : kAdd);
}

void sidemeter_dec(sidemeter_series* series, double amount) { sidemeter_inc(series, -amount); }

void sidemeter_set(sidemeter_series* series, double value) { put(series, SIDEMETER_GAUGE, value); }

void sidemeter_info(sidemeter_series* series) { put(series, SIDEMETER_INFO, 1); }

void sidemeter_state(sidemeter_series* series, const char* state) {
  const char* states = series ? series->family->states : "";
  const char* found = find(states, state, strlen(state));
  put(found ? series : NULL, SIDEMETER_STATESET, found ? (double)(found - states) : 0);
}

void sidemeter_observe(sidemeter_series* series, double value) {
  if (!take(series, 1u << SIDEMETER_HISTOGRAM | 1u << SIDEMETER_SUMMARY)) return;
  const double sum = series->sum + value, *bounds = series->family->buckets;
  size_t low = 0, high = series->family->bucket_count;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (bounds[middle] < value)
      low = middle + 1;
    else
      high = middle;
  }
  const int wrong = sum != sum;  // NaN, or infinities that cancel each other
  if (!wrong) series->sum = sum, series->counts[low]++;
  give(series, wrong ? kNothing : kAdd);
}

void sidemeter_observe_since(sidemeter_series *series, double start) {
  sidemeter_observe(series, sidemeter_clock() - start);
}

void sidemeter_remove(sidemeter_series* series) {
  if (!series) return;
  lock_all();
  sidemeter_series** at = &heads[series->hash % SIDEMETER_MAX_SERIES];
  while (*at && *at != series) at = &(*at)->next;
  if (*at) {
    if (removals.length < SIDEMETER_MAX_BUFFER) append(&removals, "x %s\n", series->text);
    *at = series->next, series->next = spare, spare = series;
    free(series->text);
    series->text = NULL, series->bound = 0;
    hold(series);
    forget(series);
    release(series);
  }
  unlock_all();
  if (!running) start();
}

// --- The socket. The writer's lock is held ---

static void end_session(void) {
  close(connection);
  connection = -1, missed = 1;
  while (sent > 0 && buffer.bytes[sent - 1] != '\n') sent--;  // the record that was cut goes again
  if (sent > 0) memmove(buffer.bytes, buffer.bytes + sent, buffer.length - sent);
  buffer.length -= sent, sent = 0;
}

static void bind_handle(sidemeter_series* series) {
  append(&buffer, "@%zu %c %s\n", (size_t)(series - places), "cgmm"[series->type], series -> text);
  series->bound = session;
}

static void declare(sidemeter_family* family) {
  append(&buffer, "%s", family->declaration.bytes);
  family->declared = session;
}

// What the session before did not take goes behind the declarations and bindings it stands on.
static void begin_session(void) {
  const struct text rest = buffer;
  const size_t count = __atomic_load_n(&place_count, __ATOMIC_ACQUIRE);
  buffer = (struct text){0};
  session++, cursor = reply_length = 0;
  append(&buffer, "hello v=1 pid=%ld client=c/%s\n", (long)getpid(), SIDEMETER_VERSION);
  pthread_mutex_lock(&table);
  for (sidemeter_family* family = families; family; family = family->next) declare(family);
  pthread_mutex_unlock(&table);
  for (sidemeter_series* series = places; series < places + count; series++) {
    hold(series);
    if (series->repeats) series->owes = kSet, series->sum = 0;
    release(series);
    if (rest.length && series->bound == session - 1) bind_handle(series);
  }
  if (rest.length) append(&buffer, "%.*s", (int)rest.length, rest.bytes);
  free(rest.bytes);
}

static void find_agent(void) {
  const double now = sidemeter_clock();
  if (now < retry_at) return;
  retry_at = now + backoff;
  backoff = backoff < 2.5 ? 2 * backoff : 5;
  connection = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection < 0) return;
  if (!connect(connection, (struct sockaddr*)&address, sizeof address))
    begin_session();
  else
    close(connection), connection = -1;
}

static void read_replies(void) {
  char bytes[512];
  ssize_t got;
  while ((got = recv(connection, bytes, sizeof bytes, 0)) > 0) {
    backoff = 0.1;
    for (ssize_t i = 0; i < got; i++) {
      if (reply_length < sizeof reply - 1) reply[reply_length++] = bytes[i];
      if (bytes[i] != '\n') continue;
      if (!strncmp(reply, "ok ", 3)) applied = strtoul(reply + 3, NULL, 10);
      reply_length = 0;
    }
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) end_session();
}

// Whether the kernel has taken all of the buffer.
static int send_buffer(void) {
  while (connection >= 0 && sent < buffer.length) {
    const ssize_t took = send(connection, buffer.bytes + sent, buffer.length - sent, MSG_NOSIGNAL);
    if (took >= 0)
      sent += (size_t)took;
    else if (errno == EAGAIN)
      return 0;
    else if (errno != EINTR)
      end_session();
  }
  if (connection >= 0) buffer.length = sent = 0;
  return connection >= 0;
}

// An amount that is to be added to a gauge has its sign before it: += or -=.
static void write_series(sidemeter_series* series) {
  static unsigned long counts[kBuckets + 1];
  const size_t start = buffer.length, handle = (size_t)(series - places);
  hold(series);
  sidemeter_family* family = series->family;
  const int owes = series->owes, adds = owes == kAdd && family->type == SIDEMETER_GAUGE;
  const double own = series->own, value = owes == kSet ? own
                                          : adds       ? fabs(series->sum)
                                                       : series->sum;
  const char* sign = !adds ? "" : series->sum < 0 ? "-=" : "+=";
  const size_t bytes = (family->bucket_count + 1) * sizeof *counts;
  memcpy(counts, series->counts, bytes);
  memset(series->counts, 0, bytes);
  series->owes = kNothing, series->sum = 0;
  release(series);
  if (!owes || !series->text) return;
  if (family->declared != session) declare(family);
  if (family->type == SIDEMETER_INFO) {
    append(&buffer, "i %s\n", series->text);
  } else if (family->type == SIDEMETER_STATESET) {
    const char* state = family->states + (size_t)own;
    append(&buffer, "e %s %.*s\n", series->text, (int)strcspn(state, " "), state);
  } else {
    if (handle < kHandles && series->bound != session) bind_handle(series);
    if (handle < kHandles)
      append(&buffer, "@%zu %s", handle, sign);
    else
      append(&buffer, "%c %s %s", "cgmm"[family->type], series -> text, sign);
    append_number(&buffer, value);
    for (size_t i = 0; family->type > SIDEMETER_GAUGE && i <= family->bucket_count; i++)
      append(&buffer, " %lu", counts[i]);
    append(&buffer, "\n");
  }
  if (!buffer.failed) return;
  buffer.failed = 0, buffer.length = start, series->bound = 0;
  take(NULL, 0);
}

// Answers whether the sweep has come to its end.
static int write_table(void) {
  const size_t count = __atomic_load_n(&place_count, __ATOMIC_ACQUIRE);
  if (removals.length) append(&buffer, "%s", removals.bytes);
  removals.length = 0;
  while (cursor < count && buffer.length < SIDEMETER_MAX_BUFFER) write_series(&places[cursor++]);
  if (cursor < count) return 0;
  const unsigned long now = sidemeter_dropped();
  if (now > reported)
    append(&buffer, "c sidemeter_client_dropped_total{client=\"c\"} %lu\n", now - reported);
  reported = now, cursor = 0, sweeps++;
  return 1;
}

static int owes_anything(void) {
  const size_t count = __atomic_load_n(&place_count, __ATOMIC_ACQUIRE);
  for (size_t i = 0; i < count; i++)
    if (places[i].owes) return 1;
  return 0;
}

// Sends the buffer and the rest of a sweep, as far as the kernel takes them.
static void advance(int needed) {
  if (connection >= 0) read_replies();
  if (connection < 0 && (needed || missed || owes_anything())) find_agent();
  for (int swept = 0; send_buffer() && !swept;) swept = write_table();
}

static void* run(void* nothing) {
  for (;;) {
    poll(NULL, 0, SIDEMETER_INTERVAL_MS);
    pthread_mutex_lock(&writer);
    advance(0);
    pthread_mutex_unlock(&writer);
  }
  return nothing;
}

// Until all that is owed now was sent, or applied too; or `seconds` are over.
static int settle(double seconds, int apply) {
  const double end = sidemeter_clock() + seconds;
  unsigned long in_session = 0, wanted_sweep = 0, wanted_token = 0;
  int settled = 0;
  pthread_once(&once, begin);
  pthread_mutex_lock(&writer);
  for (int turn = 0;; turn++) {
    if (turn == 0 || in_session != session)
      in_session = session, wanted_sweep = sweeps + 1 + (cursor > 0), wanted_token = 0;
    advance(apply);
    const int swept = in_session == session && sweeps >= wanted_sweep && connection >= 0;
    if (swept && apply && !wanted_token) {
      append(&buffer, "sync %lu\n", wanted_token = ++token);
      send_buffer();
    }
    settled = apply ? wanted_token && applied >= wanted_token : swept && !buffer.length;
    const double left = end - sidemeter_clock();
    if (settled || left <= 0 || (connection < 0 && !apply)) break;
    struct pollfd ready = {connection, (short)(buffer.length ? POLLIN | POLLOUT : POLLIN), 0};
    pthread_mutex_unlock(&writer);
    poll(&ready, 1, left < 0.01 ? 1 : 10);
    pthread_mutex_lock(&writer);
  }
  pthread_mutex_unlock(&writer);
  return settled;
}

int sidemeter_flush_and_wait(double seconds) { return settle(seconds, 1); }

void sidemeter_flush(void) {
  if (pthread_mutex_trylock(&writer)) return;
  advance(0);
  pthread_mutex_unlock(&writer);
}

void sidemeter_close(void) {
  retry_at = 0;
  settle(0.1, 0);
  pthread_mutex_lock(&writer);
  if (connection >= 0) end_session();
  missed = 0;
  pthread_mutex_unlock(&writer);
}
