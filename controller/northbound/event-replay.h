/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of events that begin in the past, and may end with the present; see
 * event-replay.c.  For controller/northbound alone. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_REPLAY_H
#define CONTROLLER_NORTHBOUND_EVENT_REPLAY_H 1

#include "controller/northbound/event-log.h"

/* How much of the past a stream is to show. */
struct event_replay {
    bool wanted;                /* Any of it. */
    bool ends;                  /* It ends with the present. */
    bool bounded;               /* One of the next two is given. */
    int64_t since_ms;           /* Not what is older; INT64_MIN: all. */
    uint64_t since;             /* The event of this revision and what came
                                 * behind; 0: all. */
    uint64_t limit;             /* Only the newest so many; 0: all. */
};

/* Parses the parameters "since", "limit" and "follow".  Replies 400 and
 * returns false if they are invalid. */
bool nb_query_replay(struct http_request *, const struct northbound *,
                     struct event_replay *);

/* A search for where a stream begins: for a client with a scope each event
 * takes some time, and there are EVENTS_MAX. */
struct event_seek {
    uint64_t first;             /* Id of the first event to send, so far. */
    bool cut;                   /* Older ones were asked for that are not
                                 * kept. */
    uint64_t next;              /* Those from this one on were looked at. */
    uint64_t left;              /* Of the limit; 0: there is none. */
};
/* Begins a search among the events up to 'end' (excluded). */
void event_replay_seek(struct event_seek *, const struct event_log *,
                       const struct event_replay *, uint64_t end);
/* Looks at one more.  Returns true once 'first' and 'cut' are found.
 * 'matches' says which are sent. */
bool event_replay_step(struct event_seek *, const struct event_log *,
                       bool (*matches)(const struct event_entry *,
                                       const void *aux),
                       const void *aux);

#endif /* controller/northbound/event-replay.h */
