/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what another member of a cluster says of counters, and what it
 * asks (controller/fabric/counters/counter-report.h).  What is read can be
 * written, and is the same when it is read again. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fabric/counters/counter-report.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool right)
{
    if (!right) {
        abort();
    }
}

static bool
host_cb(void *again, const struct counter_report *report OVS_UNUSED,
        const struct counter_report_host *host)
{
    counter_report_put_host(again, host);
    return true;
}

static void
flow_cb(void *again, const struct counter_report_flow *flow)
{
    counter_report_put_flow(again, flow);
}

static void
end_cb(void *again OVS_UNUSED,
       const struct counter_report_host *host OVS_UNUSED)
{
}

static const struct counter_report_ops ops = { host_cb, flow_cb, end_cb };

static void
try_report(const void *data, size_t size)
{
    struct counter_report report;
    struct ofpbuf again, twice;

    ofpbuf_init(&again, 0);
    ofpbuf_init(&twice, 0);
    counter_report_begin(&again);
    counter_report_begin(&twice);
    if (!counter_report_read(data, size, &report, &ops, &again)) {
        counter_report_end(&again, &report);
        check(again.size == size);
        check(!counter_report_read(again.data, again.size, &report, &ops,
                                   &twice));
        counter_report_end(&twice, &report);
        check(twice.size == size && !memcmp(twice.data, again.data, size));
    } else {
        check(again.size == twice.size);
    }
    ofpbuf_uninit(&again);
    ofpbuf_uninit(&twice);
}

static void
try_ask(const void *data, size_t size)
{
    struct counter_ask ask, again;
    char *text;

    counter_ask_init(&ask);
    counter_ask_init(&again);
    if (!counter_ask_read(data, size, &ask)) {
        text = counter_ask_print(&ask);
        check(!counter_ask_read(text, strlen(text), &again));
        check(ask.run == again.run && ask.after == again.after
              && sset_equals(&ask.often, &again.often)
              && sset_equals(&ask.whole, &again.whole));
        free(text);
    }
    counter_ask_uninit(&ask);
    counter_ask_uninit(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy that ends where the input does. */
    uint8_t *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    try_report(copy, size);
    try_ask(copy, size);
    free(copy);
    return 0;
}
