/* SPDX-License-Identifier: Apache-2.0
 *
 * While it stands by, a member asks the writer for its events, one question
 * after the other, which the writer answers once there are any, or after a
 * second.  It does so by the connections on which members pass requests on.  A
 * writer of a version that does not know the question is asked less often, and
 * has clients' streams passed on to it.  Not for what is asked and answered,
 * which is bytes here (controller/northbound). */

#include <config.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster-private.h"
#include "openvswitch/vlog.h"
#include "proto/http/http.h"
#include "proto/loop/loop.h"
#include "proto/relay/relay-call.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_events);

/* From question to question, so that there are few when events are many;
 * unless the answer has not had room for all. */
#define ASK_MS 20
/* After one that had no answer; and that was not known. */
#define FAILED_MS 250
#define UNKNOWN_MS 10000
/* A writer that is heard and has not answered for so long is lost: clients are
 * to notice, too. */
#define LOST_MS 10000
/* The writer may have been heard for so long, besides a lease, after the last
 * question that it has answered: that waits for a second.  And for so long
 * after the first one that failed: what is heard of it comes by the
 * database. */
#define HELD_MS 2000
#define BEAT_MS 1000

/* Returns what is wrong with the answer, which the caller frees; NULL:
 * nothing. */
static char *
take(struct cluster *c, int status, const void *body, size_t size,
     const char *fault, bool *more)
{
    const char *wrong;

    *more = false;
    if (!status) {
        return xstrdup(fault);
    } else if (status != 200) {
        return xasprintf("it answers with status %d", status);
    }
    wrong = c->callbacks->take_events(c->aux, body, size, more);
    return wrong ? xstrdup(wrong) : NULL;
}

/* Returns true if the writer is well, but for its answers. */
static bool
is_lost(const struct cluster *c, int64_t now_ms)
{
    return (now_ms - c->heard_ms <= c->options->lease_ms
            && now_ms - MAX(c->events.told_ms, c->events.since_ms) > LOST_MS);
}

static void
answered(void *c_, int status, const void *body, size_t size,
         const char *fault)
{
    struct cluster *c = c_;
    int64_t now_ms = loop_now_ms(c->loop);
    bool lacks = status == 404 || status == 405;
    char *wrong = NULL;
    bool more = false;

    c->events.busy = false;
    /* As the writer it may still lack what the former one has told. */
    if (!c->ending) {
        wrong = take(c, status, body, size, fault, &more);
    }
    if (wrong) {
        VLOG(c->events.failed ? VLL_DBG : VLL_INFO,
             "the writer, \"%s\", does not tell its events%s: %s",
             c->events.of, lacks ? ", as it is of an older version" : "",
             wrong);
        c->events.again_ms = now_ms + (lacks ? UNKNOWN_MS : FAILED_MS);
        c->events.failed_ms = (c->events.failed ? c->events.failed_ms
                               : now_ms);
        if (!c->writer && (lacks || is_lost(c, now_ms))) {
            c->callbacks->lack_events(c->aux);
        }
    } else {
        c->events.again_ms = more ? now_ms : MAX(now_ms, c->events.asked_ms
                                                         + ASK_MS);
        c->events.told_ms = c->events.asked_ms;
    }
    c->events.failed = wrong != NULL;
    free(wrong);
    event_active(c->timer, EV_TIMEOUT, 1);
}

static void
ask(struct cluster *c, const struct cluster_member *writer, int64_t now_ms)
{
    char *json = c->callbacks->ask_events(c->aux, c->events.epoch);

    if (json) {
        c->events.busy = true;
        c->events.asked_ms = now_ms;
        relay_call_post(c->caller, writer->name, writer->listen,
                        CLUSTER_EVENTS_PATH, json, CLUSTER_REPLY_MS, answered,
                        c);
        free(json);
    } else {
        /* What the last answer tells of is waited for, which is soon there; or
         * this member is about to be the writer. */
        c->events.again_ms = now_ms + ASK_MS;
    }
}

/* Notes who the writer is.  The one before may not answer any more: it is not
 * waited for. */
static void
note_writer(struct cluster *c, const struct cluster_member *writer,
            int64_t now_ms)
{
    int64_t epoch = cluster_db_view(c->db)->lease.epoch;

    if (nullable_string_is_equal(c->events.of, writer->name)
        && c->events.epoch == epoch) {
        return;
    }
    if (c->events.busy) {
        relay_call_cancel(c->caller, answered, c);
        c->events.busy = false;
    }
    free(c->events.of);
    c->events.of = xstrdup(writer->name);
    c->events.epoch = epoch;
    c->events.since_ms = now_ms;
    c->events.again_ms = 0;
    c->events.failed = false;
}

void
cluster_events_run(struct cluster *c, const struct cluster_member *writer,
                   bool heard, int64_t now_ms, int64_t *wake_ms)
{
    if (c->writer || c->ending || c->resigning || !c->caller) {
        return;
    }
    if (heard) {
        c->events.heard_ms = c->heard_ms;
        if (!writer) {
            /* It has no address at which it could be asked. */
            c->callbacks->lack_events(c->aux);
        }
    }
    if (!writer) {
        return;
    }
    note_writer(c, writer, now_ms);
    if (c->events.busy) {
        return;
    }
    if (now_ms >= c->events.again_ms) {
        ask(c, writer, now_ms);
    }
    if (!c->events.busy) {
        *wake_ms = MIN(*wake_ms, c->events.again_ms);
    }
}

bool
cluster_has_events(const struct cluster *c)
{
    int64_t told_ms = c->events.told_ms, heard_ms = c->events.heard_ms;
    bool has_told = told_ms >= c->events.since_ms; /* The last writer. */

    return (told_ms
            && heard_ms - told_ms <= c->options->lease_ms + HELD_MS
            && (has_told || heard_ms - c->events.since_ms <= BEAT_MS)
            && !(c->events.failed
                 && heard_ms - c->events.failed_ms > BEAT_MS));
}
