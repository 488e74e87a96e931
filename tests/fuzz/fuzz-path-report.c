/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what another member of a cluster says of probes of paths, and
 * what it asks (controller/paths/path-report.h).  What is read can be written,
 * and is the same when it is read again. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/paths/path-report.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static void
check_same(const struct path_report *a, const struct path_report *b)
{
    check(a->run == b->run && a->seq == b->seq && a->more == b->more
          && a->n == b->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct path_result *x = &a->results[i], *y = &b->results[i];

        check(x->host == y->host && x->peer == y->peer
              && x->value == y->value && x->age_ms == y->age_ms);
    }
}

static void
try_report(const void *data, size_t size)
{
    struct path_report report, again;
    char *text;

    if (path_report_read(data, size, &report)) {
        return;
    }
    check(report.run && report.n <= PATH_REPORT_RESULTS_MAX);
    text = path_report_print(&report);
    check(!path_report_read(text, strlen(text), &again));
    check_same(&report, &again);
    free(again.results);
    free(report.results);
    free(text);
}

static void
try_ask(const void *data, size_t size)
{
    struct path_ask ask, again;

    if (!path_ask_read(data, size, &ask)) {
        char *text = path_ask_print(&ask);

        check(!path_ask_read(text, strlen(text), &again));
        check(ask.epoch == again.epoch && ask.run == again.run
              && ask.after == again.after
              && ask.n_suspects == again.n_suspects);
        for (size_t i = 0; i < ask.n_suspects; i++) {
            check(ask.suspects[i].host
                  && ask.suspects[i].host == again.suspects[i].host
                  && ask.suspects[i].age_ms == again.suspects[i].age_ms);
        }
        free(text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_report(data, size);
    try_ask(data, size);
    return 0;
}
