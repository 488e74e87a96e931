/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of revisions by the store's log; see event-past.h. */

#include <config.h>

#include "controller/northbound/event-past.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/event-log.h"
#include "controller/schema/schema-log.h"
#include "controller/schema/schema-struct.h"
#include "util.h"

/* Entries that are read between two looks at the clock. */
#define STEP 16

bool
event_past_covers(const struct northbound *nb, uint64_t revision)
{
    /* What a restore took back was told, too. */
    return (revision < nb->event_log->floor
            && !nb->store_class->taken_back(nb->store, revision)
            && event_past_is_kept(nb, revision));
}

bool
event_past_is_kept(const struct northbound *nb, uint64_t revision)
{
    struct vmn_error why = VMN_ERROR_INIT;
    size_t n = 0;
    int error;

    error = nb->store_class->count_logs(nb->store, revision,
                                        EVENT_PAST_MAX + 1, &n, &why);
    vmn_error_uninit(&why);
    return !error && n <= EVENT_PAST_MAX;
}

struct past {
    const struct northbound *nb;
    event_past_cb *cb;
    void *aux;
    uint64_t last;              /* The newest revision that was read. */
    size_t n;                   /* How many were. */
};

static void
entry_cb(void *past_, const struct schema_log_entry *shown)
{
    struct past *past = past_;
    struct event_entry entry = {
        .kind = EVENT_REVISION, .about = DS_EMPTY_INITIALIZER,
        .time_ms = shown->time, .made_ms = shown->time,
        .revision = shown->revision,
    };
    struct ds data = DS_EMPTY_INITIALIZER;
    bool authenticates;

    past->n++;
    past->last = shown->revision;
    if (shown->revision > past->nb->event_log->floor) {
        return;                 /* The ring buffer has it. */
    }
    schema_struct_print(&schema_log_entry_shown, shown, &data);
    entry.text = event_text(entry.kind, shown->revision, &data);
    entry.size = strlen(entry.text);
    entry.about_all = event_about_changes(past->nb, shown->changes,
                                          &entry.about, &authenticates);
    past->cb(past->aux, &entry);
    ds_destroy(&entry.about);
    ds_destroy(&data);
    free(entry.text);
}

int
event_past_step(const struct northbound *nb, uint64_t *revision,
                event_past_cb *cb, void *aux, bool *done)
{
    struct past past = {
        .nb = nb, .cb = cb, .aux = aux, .last = *revision,
    };
    struct vmn_error why = VMN_ERROR_INIT;
    int error = nb->store_class->each_log(nb->store, *revision, STEP,
                                          entry_cb, &past, &why);

    vmn_error_uninit(&why);
    *revision = MIN(past.last, nb->event_log->floor);
    *done = past.n < STEP || past.last >= nb->event_log->floor;
    return error;
}
