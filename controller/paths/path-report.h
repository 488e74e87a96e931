/* SPDX-License-Identifier: Apache-2.0
 *
 * What a member of a cluster tells the writer of the probes of paths that it
 * sends, and what the writer asks for: as JSON.  No I/O and no state: what is
 * read comes from another process and is checked here for its form; whether it
 * fits what there is, is checked by who takes it (path-members.c).
 *
 * A report is a piece of a log of results, each with a number, so it may be
 * asked for again, and lost, without harm. */

#ifndef CONTROLLER_PATHS_PATH_REPORT_H
#define CONTROLLER_PATHS_PATH_REPORT_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Results of a report. */
#define PATH_REPORT_RESULTS_MAX 4096
/* What took longer took so long, in microseconds. */
#define PATH_RESULT_MAX_US (600 * 1000 * 1000)
/* What is older is not told. */
#define PATH_RESULT_AGE_MAX_MS (30 * 1000)

/* Suspects of a question. */
#define PATH_SUSPECTS_MAX 16
/* The longest that one is said to be one, in milliseconds. */
#define PATH_SUSPECT_AGE_MAX_MS (600 * 1000)

/* Asking.  ---------------------------------------------------------------- */

/* A host whose paths are to be probed first. */
struct path_suspect {
    uint32_t host;              /* Its number; not 0. */
    uint32_t age_ms;            /* For how long it is one. */
};

struct path_ask {
    uint64_t epoch;             /* Of the writer. */
    uint64_t run;               /* Of the report before; 0: there was none. */
    uint64_t after;             /* Its 'seq'. */
    size_t n_suspects;
    struct path_suspect suspects[PATH_SUSPECTS_MAX];
};

/* Returns it as JSON, which the caller frees. */
char *path_ask_print(const struct path_ask *);
/* Returns NULL with '*ask' filled in, or what is wrong, a constant.  Who does
 * not know of suspects names none, and passes over those that are named. */
const char *path_ask_read(const void *text, size_t size, struct path_ask *);

/* Telling.  --------------------------------------------------------------- */

/* What came of a probe of the path of two hosts, by their numbers.  'peer' is
 * 0: the first one has had a turn. */
struct path_result {
    uint32_t host, peer;
    int32_t value;              /* How long it took, in microseconds, at most
                                 * PATH_RESULT_MAX_US; of a turn, how long
                                 * references take at the least.  Or one of
                                 * those below. */
    uint32_t age_ms;            /* How long before the report it was found, at
                                 * most PATH_RESULT_AGE_MAX_MS. */
};
#define PATH_RESULT_LOST -1
#define PATH_RESULT_LARGE -2    /* A full-sized probe was answered, */
#define PATH_RESULT_LARGE_LOST -3 /* or lost, and the small one was not. */

struct path_report {
    uint64_t run;               /* Of the member's process; not 0. */
    uint64_t seq;               /* Of the last result that there is. */
    bool more;                  /* There is more already. */
    size_t n;                   /* At most PATH_REPORT_RESULTS_MAX. */
    struct path_result *results; /* In their order. */
};

/* Returns it as JSON, which the caller frees. */
char *path_report_print(const struct path_report *);
/* Returns NULL with '*report' filled in, whose 'results' the caller frees; or
 * what is wrong, a constant.  What it does not know in a report it ignores. */
const char *path_report_read(const void *text, size_t size,
                             struct path_report *);

#endif /* controller/paths/path-report.h */
