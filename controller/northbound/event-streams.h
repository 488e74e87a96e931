/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of GET /v1/events: what event-open.c, which begins them, and
 * event-streams.c, which sends what follows, share.  For them alone. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_STREAMS_H
#define CONTROLLER_NORTHBOUND_EVENT_STREAMS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "controller/northbound/event-log.h"
#include "controller/northbound/event-replay.h"
#include "openvswitch/list.h"

struct event;
struct http_stream;
struct nb_principal;

/* Interval of heartbeats, in seconds: both ends, and proxies between them,
 * notice that the other is gone. */
#define EVENT_HEARTBEAT_S 15

struct event_readers {
    struct northbound *nb;
    struct ovs_list readers;    /* Of struct reader. */
    size_t n_readers;
    uint64_t n_overrun;
    uint64_t n_refused;
    struct event *send_events;  /* Sends new events to all streams. */
    bool check;                 /* Accounts or tokens have changed. */
    bool waits;                 /* wake_cb() is called once the commit is
                                 * quiescent. */
    struct event *heartbeat;    /* Timer; pending while there are streams. */
    struct event *expiry;       /* Timer; pending while there may be clients
                                 * with a token that expires. */
};

struct reader {
    struct ovs_list node;
    struct event_readers *all;
    struct http_stream *stream;
    struct event_filter filter;
    struct nb_principal *principal;  /* NULL: unrestricted. */
    uint64_t next;              /* Position of the next event to send. */
    uint64_t end;               /* It ends before this one; 0: it does not. */
    bool by_revision;           /* It is told of revisions alone, whose numbers
                                 * are its ids: the same at each member of a
                                 * cluster. */
    bool past;                  /* Then: of those that the log of events does
                                 * not have, later than */
    uint64_t past_revision;     /* this one; 'next' is found after them. */
    bool scoped;                /* 'principal' has a scope: it is told what
                                 * event-scope.h says, otherwise with ids of
                                 * its own. */
    uint64_t shown_id;          /* Then: the last of those. */
    bool seeks;                 /* Where it begins is looked for: */
    struct event_seek seek;
    bool missed;                /* Then: events were. */
    bool full;                  /* Until the client has read what is queued. */
    bool quiet;                 /* Nothing was sent since the last
                                 * heartbeat. */
};

/* Frees a stream, whose connection is closed or ended. */
void event_reader_destroy(struct reader *);
/* Sends the first event of a stream: "start", or "reset" if events were
 * missed, and the client must read again all that it is interested in.  Of the
 * past, it says if less is kept than was asked for ('cut'), and how much of it
 * is hidden, up to event 'now'. */
void event_reader_send_start(struct reader *, uint64_t now, bool cut);
extern const struct http_stream_ops event_reader_ops;

#endif /* controller/northbound/event-streams.h */
