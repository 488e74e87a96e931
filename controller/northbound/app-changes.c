/* SPDX-License-Identifier: Apache-2.0
 *
 * See app-changes.h.  Processes are looked at by the clock: what ends and is
 * started again in between is one event, whose "ends" says how often. */

#include <config.h>

#include "controller/northbound/app-changes.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/flow/pipeline.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/northbound-private.h"
#include "controller/northbound/replies.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "timeval.h"
#include "util.h"

#define LOOK_MS 250

struct seen {
    const char *state;          /* A literal; NULL: not looked at yet. */
    uint64_t n_ends;
};

struct app_changes {
    struct northbound *nb;
    struct event *timer;
    struct seen seen[PIPELINE_APPS_MAX]; /* By the app's number in the
                                          * pipeline. */
};

static void
push_event(struct northbound *nb, const char *app,
           const struct status_app_worker *worker)
{
    const struct nb_event_app event = {
        .app = app, .time = time_wall_msec(), .state = worker->state,
        .ends = worker->ends, .failure = worker->failure,
        .computed = worker->computed,
    };
    struct ds about = DS_EMPTY_INITIALIZER;

    event_about(&about, VMN_TABLE_APP, app);
    event_push(nb, EVENT_APP, &nb_event_app, &event, &about, false);
}

/* The start of a process with vmnd is no change. */
static bool
has_changed(const struct seen *seen, const struct status_app_worker *worker)
{
    return (seen->state
            ? strcmp(seen->state, worker->state)
              || seen->n_ends != worker->ends
            : worker->ends || strcmp(worker->state, "running"));
}

static void
look(struct app_changes *changes, size_t i, struct arena *arena)
{
    struct northbound *nb = changes->nb;
    const char *app = apphost_pipeline(nb->apphost)->apps[i].class_->name;
    struct seen *seen = &changes->seen[i];
    struct status_app status;

    if (engine_app_status(nb->engine, app, arena, &status) && status.worker) {
        if (has_changed(seen, status.worker)) {
            push_event(nb, app, status.worker);
        }
        seen->state = status.worker->state;
        seen->n_ends = status.worker->ends;
    }
}

static void
look_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *changes_)
{
    struct app_changes *changes = changes_;
    const struct pipeline *pipeline = apphost_pipeline(changes->nb->apphost);
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (pipeline->apps[i].worker || pipeline->apps[i].absent) {
            look(changes, i, &arena);
        }
    }
    arena_uninit(&arena);
}

void
app_changes_watch(struct app_changes *changes)
{
    const struct timeval interval = { .tv_usec = LOOK_MS * 1000 };

    if (!event_pending(changes->timer, EV_TIMEOUT, NULL)) {
        event_add(changes->timer, &interval);
    }
}

struct app_changes *
app_changes_create(struct northbound *nb)
{
    const struct pipeline *pipeline = apphost_pipeline(nb->apphost);
    struct app_changes *changes = xzalloc(sizeof *changes);

    changes->nb = nb;
    changes->timer = event_new(nb->base, -1, EV_PERSIST, look_cb, changes);
    for (size_t i = 0; i < pipeline->n_apps; i++) {
        if (pipeline->apps[i].worker || pipeline->apps[i].absent) {
            app_changes_watch(changes);
        }
    }
    return changes;
}

void
app_changes_destroy(struct app_changes *changes)
{
    if (changes) {
        event_free(changes->timer);
        free(changes);
    }
}
