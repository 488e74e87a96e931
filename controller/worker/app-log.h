/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of an app: the last lines that it has written (vmn_log(), print() of
 * a script), in a ring of bounded size, at a bounded rate.  Not for what vmnd
 * itself logs of an app. */

#ifndef CONTROLLER_WORKER_APP_LOG_H
#define CONTROLLER_WORKER_APP_LOG_H 1

#include <stddef.h>
#include <stdint.h>

#include "openvswitch/token-bucket.h"
#include "vmn/app.h"

/* Lines that are kept of an app. */
#define APP_LOG_LINES 256
/* Lines a second, and at once. */
#define APP_LOG_RATE 20
#define APP_LOG_BURST 200
/* Length of the name of the computation. */
#define APP_LOG_WHAT_LEN 320

struct app_log_line {
    int64_t time_ms;            /* Since 1970. */
    char *what;                 /* Name of the unit, query or handler. */
    char *text;
};

struct app_log {
    struct app_log_line lines[APP_LOG_LINES]; /* A ring. */
    uint64_t n;                 /* Lines added so far. */
    uint64_t n_dropped;         /* Lines dropped by the rate limit. */
    struct token_bucket bucket;
};

void app_log_init(struct app_log *);
void app_log_uninit(struct app_log *);

/* Adds a line, or counts it as dropped. */
void app_log_add(struct app_log *, const char *what, const char *text);

/* Returns the number of lines that are kept, and one of them, the oldest
 * first. */
size_t app_log_count(const struct app_log *);
const struct app_log_line *app_log_get(const struct app_log *, size_t i);

/* Returns a copy of at most 'max' characters of a text of an app, for people:
 * characters that are no printable ASCII become '?'. */
char *app_text_clean(const char *text, size_t max);

#endif /* controller/worker/app-log.h */
