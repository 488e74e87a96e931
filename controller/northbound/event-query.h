/* SPDX-License-Identifier: Apache-2.0
 *
 * The parameters of GET /v1/events: which events a stream sends, and after
 * which one it is resumed.  Not for "since", "limit" and "follow"
 * (event-replay.h).
 *
 * For event-streams.c alone. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_QUERY_H
#define CONTROLLER_NORTHBOUND_EVENT_QUERY_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/northbound/event-log.h"

struct event_query {
    struct event_filter filter; /* The caller owns its strings. */
    bool resumes;               /* It is to go on behind an event, */
    uint64_t after;             /* that with this id. */
};

/* Parses them.  Replies 400 and returns false, without strings, if some are
 * invalid. */
bool event_query_parse(struct http_request *, struct event_query *);
/* Returns true if the client has a scope. */
bool event_query_has_scope(const struct http_request *);

#endif /* controller/northbound/event-query.h */
