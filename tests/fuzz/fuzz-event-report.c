/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what another member of a cluster tells and asks of events
 * (controller/northbound/event-report.h).  What is taken can be told again,
 * and no event is more than one: clients would take a line of its text for
 * another one. */

#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-audits.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/event-report.h"
#include "controller/northbound/replies.h"
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
check_lines(const struct event_log *log)
{
    for (uint64_t at = log->oldest; at < log->next; at++) {
        const struct event_entry *entry = event_log_get(log, at);
        const char *end = strstr(entry->text, "\n\n");

        check(entry->kind >= EVENT_N_KINDS
              || (end && end == entry->text + entry->size - 2));
        check(!strchr(entry->text, '\r'));
    }
}

/* Returns a log with the event of revision 1. */
static struct event_log *
create_own(void)
{
    struct event_log *own = event_log_create(0, true);
    struct ds data = DS_EMPTY_INITIALIZER, about = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&data, "{}");
    own->revision = 1;
    event_log_push(own, EVENT_REVISION, &data, &about, false, false);
    return own;
}

static void
try_answer(const void *data, size_t size)
{
    struct event_report_place place = { .next = 0 };
    struct event_log *log = event_log_create(0, true);
    struct event_log *again = event_log_create(0, true);
    struct event_log *own = create_own();
    struct event_report_taken taken = { .more = false };
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!event_report_take(log, own, false, data, size, &taken)) {
        own->revision = UINT64_MAX;
        if (taken.rest) {
            event_report_go_on(log, own, &taken);
        }
        check(!taken.rest);
        place.next = log->oldest;
        event_report_print(log, &place, &ds);
        check(!event_report_take(again, NULL, false, ds.string, ds.length,
                                 &taken));
        check(again->next - again->oldest == log->next - log->oldest
              || taken.more);
        check_lines(again);
    }
    check(!taken.rest);
    event_log_destroy(own);
    check_lines(log);
    ds_destroy(&ds);
    event_log_destroy(log);
    event_log_destroy(again);
}

static void
tell(struct northbound *nb OVS_UNUSED, const struct nb_event_audit *event)
{
    check(event->host && *event->host && event->time >= 0);
}

static void
try_question(const void *data, size_t size)
{
    struct event_report_place place;
    struct event_log *told = NULL, *log = event_log_create(0, true);
    bool gap;

    event_audits_take(log, data, size, tell, NULL);
    event_log_destroy(log);

    if (!event_report_told(data, size, &told, &gap) && told) {
        check_lines(told);
        event_report_find(told, told->oldest, 0, data, size, &place);
    }
    event_log_destroy(told);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy that ends where the input does. */
    uint8_t *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    try_answer(copy, size);
    try_question(copy, size);
    free(copy);
    return 0;
}
