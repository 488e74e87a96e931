/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/events: streams of server-sent events (HTML standard, section 9.2).
 * Each has a position in the log of events, and is sent what follows it as
 * fast as its client reads.  A stream whose position is no longer in the log
 * is closed: the client may resume, and is then told that it has missed
 * events. */

#include <config.h>

#include "controller/northbound/auth.h"
#include "controller/northbound/event-log.h"
#include "controller/northbound/event-past.h"
#include "controller/northbound/event-replay.h"
#include "controller/northbound/event-scope.h"
#include "controller/northbound/event-streams.h"
#include "controller/northbound/replies.h"
#include "controller/schema/schema-struct.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(event_streams);

/* Bytes queued in a stream's connection beyond which it is sent no more. */
#define QUEUED_MAX (64 * 1024)
/* Interval, in seconds, at which clients of streams, and of requests that
 * wait, are checked once one has a token that expires: nothing tells of it. */
#define EXPIRY_S 1

void
event_reader_destroy(struct reader *reader)
{
    ovs_list_remove(&reader->node);
    if (!--reader->all->n_readers) {
        event_del(reader->all->heartbeat);
    }
    for (size_t i = 0; i < EVENT_N_OF; i++) {
        free(reader->filter.of[i]);
    }
    nb_principal_destroy(reader->principal);
    free(reader);
}

/* Sending.  --------------------------------------------------------------- */

/* Writes an event of the stream itself, with the id of the last one before it;
 * 'kept_ms' is since when events are kept, and 'hidden' how many are hidden: 0
 * to leave it out. */
static void
write_state(const struct reader *reader, const char *kind, int64_t kept_ms,
            uint64_t hidden)
{
    const struct event_log *log = reader->all->nb->event_log;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "id: %"PRIu64"\nevent: %s\ndata: ",
                  (reader->by_revision ? event_log_told(log, reader->next)
                   : reader->scoped ? reader->shown_id
                   : reader->next - 1), kind);
    schema_struct_print(
        &nb_event_stream,
        &(const struct nb_event_stream) {
            model_durable_revision(reader->all->nb->model), kept_ms, hidden,
        }, &ds);
    ds_put_cstr(&ds, "\n\n");
    http_stream_write(reader->stream, ds_cstr(&ds), ds.length);
    ds_destroy(&ds);
}

static void
close_overrun(struct reader *reader)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

    VLOG_INFO_RL(&rl, "%s: does not keep up with events and is disconnected",
                 http_stream_who(reader->stream));
    reader->all->n_overrun++;
    http_stream_close(reader->stream);
    event_reader_destroy(reader);
}

/* Ends a stream of the past with an event that says so: what is cut off has
 * none. */
static void
end_stream(struct reader *reader)
{
    write_state(reader, "end", 0, 0);
    http_stream_end(reader->stream);
    event_reader_destroy(reader);
}

static struct event_scope
scope_of(const struct reader *reader)
{
    return (struct event_scope) {
        reader->all->nb, nb_principal_rights(reader->principal),
        nb_principal_account(reader->principal),
    };
}

/* Returns true if the stream is sent the event. */
static bool
matches(const struct event_entry *entry, const void *reader_)
{
    const struct reader *reader = reader_;
    struct event_scope scope;
    char *text;
    bool told;

    if (!reader->scoped) {
        return event_matches(entry, &reader->filter);
    }
    scope = scope_of(reader);
    text = event_scope_text(&scope, entry, &reader->filter);
    told = text != NULL;
    free(text);
    return told;
}

static void
write_text(struct reader *reader, const char *text, size_t size)
{
    http_stream_write(reader->stream, text, size);
    reader->quiet = false;
    reader->full = http_stream_queued(reader->stream) >= QUEUED_MAX;
}

/* Sends an event as it is, but for the id in some streams. */
static void
send_entry(struct reader *reader, const struct event_entry *entry)
{
    if (reader->by_revision) {
        char *id = xasprintf("id: %"PRIu64, entry->revision);

        http_stream_write(reader->stream, id, strlen(id));
        free(id);
    }
    size_t skip = reader->by_revision ? strcspn(entry->text, "\n") : 0;
    write_text(reader, entry->text + skip, entry->size - skip);
}

/* Sends an event to a client with a scope, if it is told of it. */
static void
send_scoped(struct reader *reader, const struct event_entry *entry)
{
    const struct event_scope scope = scope_of(reader);
    char *text = event_scope_text(&scope, entry, &reader->filter);
    char *told;

    if (!text) {
        return;
    }
    reader->shown_id = (reader->by_revision ? entry->revision
                        : entry->scope_id);
    told = xasprintf("id: %"PRIu64"\n%s", reader->shown_id, text);
    write_text(reader, told, strlen(told));
    free(told);
    free(text);
}

static void
wake_cb(void *all_)
{
    struct event_readers *all = all_;

    all->waits = false;
    event_readers_wake(all);
}

/* Returns the position before which events are sent now.  What a client with a
 * scope is told goes by durable rows: events of a group that is being
 * committed wait until these are. */
static uint64_t
sendable_end(const struct reader *reader)
{
    struct event_readers *all = reader->all;
    uint64_t next = reader->all->nb->event_log->next;
    uint64_t end = (reader->scoped
                    ? event_sources_start(all->nb->event_sources) : next);

    if (end < next && !all->waits && !commit_is_quiescent(all->nb->commit)) {
        all->waits = true;
        commit_when_quiescent(all->nb->commit, wake_cb, all);
    }
    return reader->end ? MIN(reader->end, end) : end;
}

/* Returns how many events from the reader's position up to 'end' are hidden
 * from it as background. */
static uint64_t
count_hidden(const struct reader *reader, uint64_t end)
{
    const struct event_log *log = reader->all->nb->event_log;
    uint64_t n = 0;

    for (uint64_t id = reader->next; id < end && !reader->scoped; id++) {
        n += event_is_hidden(event_log_get(log, id), &reader->filter);
    }
    return n;
}

void
event_reader_send_start(struct reader *reader, uint64_t now, bool cut)
{
    if (reader->scoped) {
        reader->shown_id = event_log_scope_id(reader->all->nb->event_log,
                                              reader->next);
    }
    write_state(reader, reader->missed ? "reset" : "start",
                cut ? event_log_kept_ms(reader->all->nb->event_log) : 0,
                count_hidden(reader, now));
}

/* Looks for where the stream begins, until the turn is over.  Returns false if
 * that is not found yet. */
static bool
seek_start(struct reader *reader)
{
    const struct northbound *nb = reader->all->nb;
    uint64_t now = reader->next;

    while (!event_replay_step(&reader->seek, nb->event_log, matches,
                              reader)) {
        if (nb->loop && loop_turn_is_over(nb->loop)) {
            return false;
        }
    }
    reader->seeks = false;
    reader->next = reader->seek.first;
    event_reader_send_start(reader, now, reader->seek.cut);
    return true;
}

/* An event_past_cb. */
static void
past_cb(void *reader_, const struct event_entry *entry)
{
    struct reader *reader = reader_;

    if (reader->scoped) {
        send_scoped(reader, entry);
    } else if (event_matches(entry, &reader->filter)) {
        send_entry(reader, entry);
    }
}

/* Sends what the store's log has, until the turn is over or the queue is full.
 * Returns true once that is all; else it goes on later, or has destroyed the
 * stream. */
static bool
send_past(struct reader *reader)
{
    static const struct timeval at_once = { 0, 0 };
    const struct northbound *nb = reader->all->nb;

    /* Since it was looked at last the log may have been trimmed. */
    if (!event_past_is_kept(nb, reader->past_revision)) {
        close_overrun(reader);
        return false;
    }
    while (reader->past && !reader->full) {
        bool done;

        if (event_past_step(nb, &reader->past_revision, past_cb, reader,
                            &done)
            || (done && !event_log_find(nb->event_log,
                                        MAX(reader->past_revision,
                                            nb->event_log->floor),
                                        model_durable_revision(nb->model),
                                        &reader->next))) {
            http_stream_close(reader->stream);
            event_reader_destroy(reader);
            return false;
        }
        reader->past = !done;
        if (reader->past && nb->loop && loop_turn_is_over(nb->loop)) {
            event_add(reader->all->send_events, &at_once);
            return false;
        }
    }
    return !reader->past;
}

/* Sends the stream the events that it has not been sent, as far as the queue
 * has room.  May destroy the stream. */
static void
send_events(struct reader *reader)
{
    static const struct timeval at_once = { 0, 0 };
    const struct event_log *log = reader->all->nb->event_log;
    uint64_t end;

    if (reader->seeks && !seek_start(reader)) {
        event_add(reader->all->send_events, &at_once);
        return;
    }
    if (reader->past && !send_past(reader)) {
        return;
    }
    if (reader->next < log->oldest) {
        close_overrun(reader);
        return;
    }
    end = sendable_end(reader);
    while (reader->next < end && !reader->full) {
        const struct event_entry *entry = event_log_get(log, reader->next++);

        if (reader->scoped) {
            send_scoped(reader, entry);
            /* That takes some time, also for what it is not told of. */
            if (reader->all->nb->loop
                && loop_turn_is_over(reader->all->nb->loop)) {
                event_add(reader->all->send_events, &at_once);
                return;
            }
        } else if (event_matches(entry, &reader->filter)) {
            send_entry(reader, entry);
        }
    }
    if (reader->end && reader->next >= reader->end) {
        end_stream(reader);
    }
}

static bool
is_valid(const void *principal, void *nb)
{
    return nb_principal_is_valid(nb, principal);
}

/* Closes streams whose clients would no longer be authenticated, and ends
 * other requests of theirs that wait. */
static void
check_principals(struct event_readers *all)
{
    struct reader *reader, *next;
    size_t n_waiting;

    n_waiting = http_server_end_invalid(
        all->nb->http, is_valid, all->nb, "The account or the token of this "
        "request was deleted or changed, or the token has expired, while it "
        "waited; a change that it asked for may have been made");

    LIST_FOR_EACH_SAFE (reader, next, node, &all->readers) {
        if (reader->principal
            && !nb_principal_is_valid(all->nb, reader->principal)) {
            http_stream_close(reader->stream);
            event_reader_destroy(reader);
        }
    }
    /* A token may have been given an expiry. */
    if (n_waiting || all->n_readers) {
        event_readers_expect_expiry(all);
    }
}

static void
send_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *all_)
{
    static const struct timeval at_once = { 0, 0 };
    struct event_readers *all = all_;
    size_t n;

    /* Changes of accounts are in force once the commit is quiescent. */
    if (all->check && commit_is_quiescent(all->nb->commit)) {
        all->check = false;
        check_principals(all);
    } else if (all->check) {
        event_add(all->send_events, &at_once);
    }
    n = all->n_readers;
    /* Round robin: a stream that was served goes to the end of the list. */
    for (; n; n--) {
        struct reader *reader = CONTAINER_OF(
            ovs_list_pop_front(&all->readers), struct reader, node);

        ovs_list_push_back(&all->readers, &reader->node);
        send_events(reader);
        if (n > 1 && all->nb->loop && loop_turn_is_over(all->nb->loop)) {
            event_add(all->send_events, &at_once);
            break;
        }
    }
}

void
event_readers_wake(struct event_readers *all)
{
    if (all->n_readers) {
        event_active(all->send_events, EV_TIMEOUT, 1);
    }
}

void
event_readers_recheck(struct event_readers *all)
{
    all->check = true;
    event_active(all->send_events, EV_TIMEOUT, 1);
}

void
event_readers_expect_expiry(struct event_readers *all)
{
    static const struct timeval expiry = { EXPIRY_S, 0 };

    if (all && !event_pending(all->expiry, EV_TIMEOUT, NULL)) {
        event_add(all->expiry, &expiry);
    }
}

static void
expiry_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *all_)
{
    struct event_readers *all = all_;

    check_principals(all);
}

static void
heartbeat_cb(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED, void *all_)
{
    struct event_readers *all = all_;
    struct reader *reader;

    LIST_FOR_EACH (reader, node, &all->readers) {
        if (reader->quiet && !reader->full) {
            http_stream_write(reader->stream, ":\n\n", 3);
        }
        reader->quiet = true;
    }
}

static void
drained_cb(void *reader_)
{
    struct reader *reader = reader_;

    if (reader->full) {
        reader->full = false;
        event_readers_wake(reader->all);
    }
}

static void
closed_cb(void *reader_, bool stuck)
{
    struct reader *reader = reader_;

    reader->all->n_overrun += stuck;
    event_reader_destroy(reader);
}

const struct http_stream_ops event_reader_ops = { drained_cb, closed_cb };

/* Creation and destruction.  ---------------------------------------------- */

struct event_readers *
event_readers_create(struct northbound *nb)
{
    struct event_readers *all = xzalloc(sizeof *all);

    all->nb = nb;
    ovs_list_init(&all->readers);
    all->send_events = event_new(nb->base, -1, 0, send_cb, all);
    all->heartbeat = event_new(nb->base, -1, EV_PERSIST, heartbeat_cb, all);
    all->expiry = event_new(nb->base, -1, 0, expiry_cb, all);
    return all;
}

void
event_readers_destroy(struct event_readers *all)
{
    if (all) {
        while (!ovs_list_is_empty(&all->readers)) {
            struct reader *reader = CONTAINER_OF(
                ovs_list_front(&all->readers), struct reader, node);

            http_stream_close(reader->stream);
            event_reader_destroy(reader);
        }
        if (all->waits) {
            commit_cancel_when_quiescent(all->nb->commit, wake_cb, all);
        }
        event_free(all->send_events);
        event_free(all->heartbeat);
        event_free(all->expiry);
        free(all);
    }
}

void
event_readers_get_stats(const struct event_readers *all,
                        struct event_readers_stats *stats)
{
    *stats = (struct event_readers_stats) {
        .n_readers = all->n_readers, .n_overrun = all->n_overrun,
        .n_refused = all->n_refused,
    };
}
