/* SPDX-License-Identifier: Apache-2.0
 *
 * Where in the log of events a stream begins that is to show the past, and
 * whether it ends with the present: the parameters "since", "limit" and
 * "follow" of GET /v1/events.  Not for sending (event-streams.c). */

#include <config.h>

#include "controller/northbound/event-replay.h"

#include <inttypes.h>
#include <string.h>

#include "controller/northbound/northbound-private.h"
#include "controller/schema/value.h"
#include "util.h"

/* Parses "since": a time, or the number of a revision. */
static bool
query_since(struct http_request *req, const struct northbound *nb,
            struct event_replay *past)
{
    const char *text = http_request_query(req, "since");
    uint64_t newest = model_durable_revision(nb->model);

    past->since_ms = INT64_MIN;
    past->since = 0;
    if (!text) {
        return true;
    }
    past->bounded = true;
    if (nb_parse_number(text, &past->since)) {
        return past->since <= newest && past->since
               ? true : nb_query_reject(
                   req, "since", "must be a time, or a revision from 1 to the "
                   "newest, %"PRIu64, newest);
    }
    if (value_check_time(text, NULL)) {
        return nb_query_reject(req, "since", "must be a time such as "
                               "2027-01-31T12:00:00Z, or a revision, not "
                               "\"%s\"", text);
    }
    past->since_ms = value_parse_time(text) * 1000;
    return true;
}

bool
nb_query_replay(struct http_request *req, const struct northbound *nb,
                struct event_replay *past)
{
    bool follow = true;

    *past = (struct event_replay) { .wanted = false };
    if (!query_since(req, nb, past)
        || !nb_query_limit(req, EVENTS_MAX, 0, &past->limit)
        || (http_request_query(req, "follow")
            && !nb_query_bool(req, "follow", &follow))) {
        return false;
    }
    past->ends = !follow;
    past->wanted = past->bounded || past->limit || past->ends;
    return true;
}

/* Returns true if the entry is not older than what is asked for. */
static bool
is_since(const struct event_entry *entry, const struct event_replay *past)
{
    return (entry->time_ms >= past->since_ms
            && entry->revision >= past->since);
}

/* Returns true if 'first', where the stream begins, may be behind an event
 * that is not kept. */
static bool
is_cut(const struct event_log *log, const struct event_replay *past,
       uint64_t first)
{
    const struct event_entry *entry;

    if (past->since_ms != INT64_MIN) {
        return past->since_ms < event_log_kept_ms(log);
    }
    if (!past->since || first != log->oldest) {
        return false;
    }
    if (first == log->first) {
        return past->since <= log->before || first == log->next;
    }
    entry = event_log_get(log, first);
    return entry->kind != EVENT_REVISION || entry->revision != past->since;
}

void
event_replay_seek(struct event_seek *seek, const struct event_log *log,
                  const struct event_replay *past, uint64_t end)
{
    *seek = (struct event_seek) { .next = end, .left = past->limit };
    seek->first = log->oldest;
    while (seek->first < end
           && !is_since(event_log_get(log, seek->first), past)) {
        seek->first++;
    }
    seek->cut = is_cut(log, past, seek->first);
}

bool
event_replay_step(struct event_seek *seek, const struct event_log *log,
                  bool (*matches)(const struct event_entry *,
                                  const void *aux),
                  const void *aux)
{
    if (seek->first < log->oldest) {
        seek->first = log->oldest; /* Meanwhile it was too much to keep. */
        seek->cut = true;
    }
    if (!seek->left || seek->next <= seek->first) {
        return true;
    }
    seek->left -= matches(event_log_get(log, --seek->next), aux);
    if (!seek->left) {
        seek->first = seek->next;
        seek->cut = false;
        return true;
    }
    return false;
}
