/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/events: which streams there may be, and where each begins in the log
 * of events.  Not for what it is sent then (event-streams.c). */

#include <config.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/event-past.h"
#include "controller/northbound/event-query.h"
#include "controller/northbound/event-streams.h"
#include "util.h"

/* Begins a stream, once it is found where: see event_reader_send_start(). */
static void
begin(struct reader *reader, const struct event_replay *past, bool missed)
{
    uint64_t now = event_sources_start(reader->all->nb->event_sources);

    reader->next = now;
    reader->missed = missed;
    if (past->ends) {
        reader->end = now;
    }
    if (past->wanted) {
        reader->seeks = true;
        event_replay_seek(&reader->seek, reader->all->nb->event_log, past,
                          now);
    } else {
        event_reader_send_start(reader, now, false);
    }
}

/* Has a new stream go on behind event 'after'.  Returns false if that, or what
 * followed it, is not kept. */
static bool
resume(struct reader *reader, uint64_t after, const struct event_replay *past)
{
    const struct northbound *nb = reader->all->nb;
    const struct event_log *log = nb->event_log;

    if (reader->by_revision) {
        if (!event_log_find(log, after, model_durable_revision(nb->model),
                            &reader->next)) {
            reader->past = event_past_covers(nb, after);
            reader->past_revision = after;
            if (!reader->past) {
                return false;
            }
        }
    } else {
        if (!(reader->scoped
              ? event_log_find_scope_id(log, after, &reader->next)
              : event_log_find_id(log, after, &reader->next))) {
            return false;
        }
        reader->shown_id = after;
    }
    reader->end = past->ends ? log->next : 0;
    return true;
}

/* Returns the number of streams of the account. */
static size_t
count_readers(const struct event_readers *all,
              const struct nb_principal *principal)
{
    const struct reader *reader;
    size_t n = 0;

    LIST_FOR_EACH (reader, node, &all->readers) {
        n += (reader->principal
              && !strcmp(nb_principal_account(reader->principal),
                         nb_principal_account(principal)));
    }
    return n;
}

/* Returns true if the limits allow another stream; else replies. */
static bool
has_room(struct event_readers *all, struct http_request *req)
{
    const struct nb_principal *principal = http_request_identity(req);

    if (all->n_readers >= EVENT_READERS_MAX) {
        http_reply_header(req, "Retry-After", "5");
        http_reply_problem(req, 503, "busy", NULL, "%d clients are subscribed "
                           "to events already", EVENT_READERS_MAX);
    } else if (principal && (count_readers(all, principal)
                             >= EVENT_READERS_ACCOUNT_MAX)) {
        http_reply_header(req, "Retry-After", "5");
        http_reply_problem(req, 429, "throttled", NULL,
                           "%d clients of account \"%s\" are subscribed to "
                           "events already",
                           EVENT_READERS_ACCOUNT_MAX,
                           nb_principal_account(principal));
    } else {
        return true;
    }
    all->n_refused++;
    return false;
}

void
nb_get_events(struct http_request *req, void *nb_)
{
    struct northbound *nb = nb_;
    struct event_readers *all = nb->event_readers;
    struct event_replay past;
    struct event_query query;
    bool resumed;

    if (!nb_query_replay(req, nb, &past) || !has_room(all, req)
        || !event_query_parse(req, &query)) {
        return;
    }

    struct reader *reader = xzalloc(sizeof *reader);
    reader->all = all;
    reader->filter = query.filter;
    reader->principal = nb_principal_create(req);
    reader->scoped = event_query_has_scope(req);
    reader->by_revision = query.filter.kinds == 1u << EVENT_REVISION;
    ovs_list_push_back(&all->readers, &reader->node);
    if (!all->n_readers++) {
        static const struct timeval tv = { EVENT_HEARTBEAT_S, 0 };

        event_add(all->heartbeat, &tv);
    }
    reader->stream = http_reply_stream(req, 200, "text/event-stream",
                                       &event_reader_ops, reader);
    if (!reader->stream) {
        event_reader_destroy(reader);
        return;
    }
    resumed = query.resumes && resume(reader, query.after, &past);
    if (!resumed) {
        begin(reader, &past, query.resumes);
    }
    if (resumed || reader->seeks) {
        /* So that a client that waits for the head gets it. */
        http_stream_write(reader->stream, ":\n\n", 3);
    }
    event_readers_wake(all);
}
