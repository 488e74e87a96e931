/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what another member of a cluster says of probes, and what it
 * asks (controller/health/probe-report.h).  What is read can be written, and
 * is the same when it is read again. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/health/probe-report.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

struct copy {
    struct probe_report report;
    struct probe_report_out *out;
};

static void
report_cb(void *copy_, const struct probe_report *report,
          const struct sset *hosts)
{
    struct copy *copy = copy_;
    const char *host;

    copy->report = *report;
    check(sset_count(hosts) <= PROBE_REPORT_HOSTS_MAX);
    SSET_FOR_EACH (host, hosts) {
        probe_report_put_host(copy->out, host);
    }
}

static void
backend_cb(void *copy_, const struct probe_report_backend *b)
{
    struct copy *copy = copy_;

    check(b->n && b->n <= (b->ok ? b->n_ok : b->n_failed));
    probe_report_put_backend(copy->out, b);
}

static const struct probe_report_ops ops = { report_cb, backend_cb };

/* Returns what was read of it, written again, or NULL. */
static char *
try_report(const void *data, size_t size)
{
    struct copy copy = { .out = probe_report_begin() };
    const char *fault = probe_report_read(data, size, &ops, &copy);
    char *text = probe_report_end(copy.out, &copy.report);

    if (fault) {
        free(text);
        return NULL;
    }
    return text;
}

static void
try_ask(const void *data, size_t size)
{
    struct probe_ask ask, again;

    if (!probe_ask_read(data, size, &ask)) {
        char *text = probe_ask_print(&ask);

        check(!probe_ask_read(text, strlen(text), &again));
        check(ask.epoch == again.epoch && ask.run == again.run
              && ask.after == again.after);
        free(text);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *once = try_report(data, size);

    if (once) {
        char *twice = try_report(once, strlen(once));

        check(twice && strlen(once) == strlen(twice));
        free(twice);
    }
    free(once);
    try_ask(data, size);
    return 0;
}
