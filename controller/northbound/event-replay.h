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

/* Returns the id of the first event to send of those up to 'end' (excluded),
 * and sets '*cut' to whether older ones were asked for that are not kept.
 * 'matches' says which are sent. */
uint64_t event_replay_start(const struct event_log *,
                            const struct event_replay *,
                            bool (*matches)(const struct event_entry *,
                                            const void *aux),
                            const void *aux, uint64_t end, bool *cut);

/* Returns since when all events are kept, in milliseconds since the epoch. */
int64_t event_log_kept_ms(const struct event_log *);

#endif /* controller/northbound/event-replay.h */
