// Does what tests/clients/README.md says on standard input, a command a line.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sidemeter.h"

enum { kWords = 16, kFamilies = 64, kLabels = 32 };

static struct {
  char* name;
  sidemeter_family* family;
} families[kFamilies];
static size_t family_count;

// "a%2Cb" to "a,b", in place.
static char* decode(char* text) {
  char* out = text;
  for (const char* at = text; *at; out++) {
    if (*at == '%' && strlen(at) >= 3) {
      const char digits[] = {at[1], at[2], '\0'};
      *out = (char)strtol(digits, NULL, 16);
      at += 3;
    } else {
      *out = *at++;
    }
  }
  *out = '\0';
  return text;
}

// "-" and nothing are NULL; commas become blanks.
static char* list(char* word) {
  if (!word || !strcmp(word, "-")) return NULL;
  for (char* at = word; *at; at++) {
    if (*at == ',') *at = ' ';
  }
  return decode(word);
}

static const char* define(char** words) {
  static const char* const kTypes[] = {"counter", "gauge", "histogram",
                                       "summary", "info",  "stateset"};
  double buckets[kWords * kWords];
  sidemeter_definition definition = {.name = words[2], .buckets = buckets};
  while (strcmp(kTypes[definition.type], words[1]) != 0) definition.type++;
  definition.help = words[3] && strcmp(words[3], "-") != 0 ? decode(words[3]) : NULL;
  definition.labels = list(words[4]);
  definition.unit = list(words[5]);
  definition.mode = list(words[7]);
  definition.states = list(words[8]);
  char* bounds = list(words[6]);
  while (bounds && *bounds) buckets[definition.bucket_count++] = strtod(bounds, &bounds);
  decode(words[2]);
  sidemeter_family* family = sidemeter_define(&definition);
  if (!family || family_count == kFamilies) return "error";
  families[family_count].name = strdup(words[2]);
  families[family_count++].family = family;
  return "ok";
}

static sidemeter_family* family_of(const char* name) {
  for (size_t i = 0; i < family_count; i++) {
    if (!strcmp(families[i].name, name)) return families[i].family;
  }
  return NULL;
}

static sidemeter_series* series_of(const char* name, char* labels) {
  const char* values[kLabels + 1] = {NULL};
  size_t count = 0;
  for (char* at = strcmp(labels, "-") ? labels : NULL; at; count++) {
    char* end = strchr(at, ',');
    if (end) *end++ = '\0';
    values[count] = decode(strchr(at, '=') + 1);
    at = end;
  }
  return sidemeter_series_of(family_of(name), values);
}

static void many(const char* name, int count) {
  for (int i = 0; i < count; i++) {
    char value[16];
    snprintf(value, sizeof value, "%d", i);
    sidemeter_inc(sidemeter_labels(family_of(name), value), 1);
  }
}

static long longest_inc_us(sidemeter_series* series, int count) {
  double longest = 0;
  for (int i = 0; i < count; i++) {
    const double start = sidemeter_clock();
    sidemeter_inc(series, 1);
    const double took = sidemeter_clock() - start;
    if (took > longest) longest = took;
  }
  return (long)(longest * 1e6);
}

struct work {
  sidemeter_series* series;
  int count;
};

static void* work(void* given) {
  const struct work* work = given;
  for (int i = 0; i < work->count; i++) sidemeter_inc(work->series, 1);
  return NULL;
}

static void work_in_threads(int count, struct work given) {
  pthread_t threads[64];
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, &given);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static void wait_seconds(double seconds) {
  const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

static const char* fork_and_work(struct work given) {
#ifdef SANITIZED
  wait_seconds(
      0.05);  // the sanitizer's allocator does not survive a fork amid the start of a thread
#endif
  const pid_t child = fork();
  if (child == 0) {
    work(&given);
    exit(sidemeter_flush_and_wait(30) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? "ok" : "the child failed";
}

static void time_nothing(sidemeter_series* series) {
  const double start = sidemeter_clock();
  sidemeter_observe(series, sidemeter_clock() - start);
}

static const char* obey(char** words) {
  static char number[32];
  const char* verb = words[0];
  if (!strcmp(verb, "define")) return define(words);
  if (!strcmp(verb, "inc")) sidemeter_inc(series_of(words[1], words[2]), strtod(words[3], NULL));
  if (!strcmp(verb, "dec")) sidemeter_dec(series_of(words[1], words[2]), strtod(words[3], NULL));
  if (!strcmp(verb, "set")) sidemeter_set(series_of(words[1], words[2]), strtod(words[3], NULL));
  if (!strcmp(verb, "observe"))
    sidemeter_observe(series_of(words[1], words[2]), strtod(words[3], NULL));
  if (!strcmp(verb, "time")) time_nothing(series_of(words[1], words[2]));
  if (!strcmp(verb, "info")) sidemeter_info(series_of(words[1], words[2]));
  if (!strcmp(verb, "state")) sidemeter_state(series_of(words[1], words[2]), decode(words[3]));
  if (!strcmp(verb, "remove")) sidemeter_remove(series_of(words[1], words[2]));
  if (!strcmp(verb, "many")) many(words[1], atoi(words[3]));
  if (!strcmp(verb, "flush")) sidemeter_flush();
  if (!strcmp(verb, "sleep")) wait_seconds(strtod(words[1], NULL));
  if (!strcmp(verb, "wait"))
    return sidemeter_flush_and_wait(strtod(words[1], NULL)) ? "true" : "false";
  if (!strcmp(verb, "fork"))
    return fork_and_work((struct work){series_of(words[2], words[3]), atoi(words[1])});
  if (!strcmp(verb, "threads"))
    work_in_threads(atoi(words[1]), (struct work){series_of(words[3], words[4]), atoi(words[2])});
  if (!strcmp(verb, "dropped")) snprintf(number, sizeof number, "%lu", sidemeter_dropped());
  if (!strcmp(verb, "repeat"))
    snprintf(number, sizeof number, "%ld",
             longest_inc_us(series_of(words[2], words[3]), atoi(words[1])));
  return !strcmp(verb, "dropped") || !strcmp(verb, "repeat") ? number : "ok";
}

int main(void) {
  static char line[1 << 16];
  while (fgets(line, sizeof line, stdin)) {
    char* words[kWords] = {NULL};
    line[strcspn(line, "\n")] = '\0';
    size_t count = 0;
    for (char* at = line; at && count < kWords; count++) {
      words[count] = at;
      at = strchr(at, '\t');
      if (at) *at++ = '\0';
    }
    if (!strcmp(words[0], "exit")) break;
    printf("%s\n", obey(words));
    fflush(stdout);
  }
  for (size_t i = 0; i < family_count; i++) free(families[i].name);
  return 0;
}
