/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of an app; see app-log.h. */

#include <config.h>

#include "controller/worker/app-log.h"

#include <stdlib.h>
#include <string.h>

#include "timeval.h"
#include "util.h"

/* Tokens of a line: a bucket gains its rate each millisecond. */
#define LINE_TOKENS 1000

void
app_log_init(struct app_log *log)
{
    memset(log, 0, sizeof *log);
    token_bucket_init(&log->bucket, APP_LOG_RATE,
                      APP_LOG_BURST * LINE_TOKENS);
}

static void
line_uninit(struct app_log_line *line)
{
    free(line->what);
    free(line->text);
}

void
app_log_uninit(struct app_log *log)
{
    for (size_t i = 0; i < APP_LOG_LINES; i++) {
        line_uninit(&log->lines[i]);
    }
}

void
app_log_add(struct app_log *log, const char *what, const char *text)
{
    struct app_log_line *line;

    if (!token_bucket_withdraw(&log->bucket, LINE_TOKENS)) {
        log->n_dropped++;
        return;
    }
    line = &log->lines[log->n++ % APP_LOG_LINES];
    line_uninit(line);
    line->time_ms = time_wall_msec();
    line->what = app_text_clean(what, APP_LOG_WHAT_LEN);
    line->text = app_text_clean(text, VMN_LOG_LEN);
}

size_t
app_log_count(const struct app_log *log)
{
    return MIN(log->n, APP_LOG_LINES);
}

const struct app_log_line *
app_log_get(const struct app_log *log, size_t i)
{
    uint64_t first = log->n - app_log_count(log);

    return &log->lines[(first + i) % APP_LOG_LINES];
}

char *
app_text_clean(const char *text, size_t max)
{
    char *clean = xmemdup0(text, strnlen(text, max));

    for (char *p = clean; *p; p++) {
        *p = *p >= ' ' && *p <= '~' ? *p : '?';
    }
    return clean;
}
