/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of GET /v1/events, as text, in the order in which they happen.  The
 * newest are kept in one ring buffer that all streams share; a stream has a
 * position in it.  So a slow client costs no more than what is queued in its
 * connection, and delays nobody.
 *
 * Of a cluster's members the writer alone has one: it begins when the member
 * becomes the writer.
 *
 * event-sources.c and event-states.c append events, event-streams.c sends
 * them.  Not for what must be durable: that is the store's log of
 * revisions. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_LOG_H
#define CONTROLLER_NORTHBOUND_EVENT_LOG_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/northbound/northbound-private.h"
#include "controller/schema/event-kinds.h"
#include "openvswitch/dynamic-string.h"

/* Limits of the log: events, and bytes of them. */
#define EVENTS_MAX 16384
#define EVENTS_BYTES_MAX (8u << 20)
/* Limits of event streams: in all, and of one account. */
#define EVENT_READERS_MAX 1000
#define EVENT_READERS_ACCOUNT_MAX 100

struct event_entry {
    enum event_kind kind;
    bool about_all;             /* It concerns too many objects to name: it
                                 * matches each filter. */
    struct ds about;            /* The objects that it concerns: of each a byte
                                 * with its table, and its name with the
                                 * terminating null. */
    bool background;            /* A drop that happens where all is well. */
    char *text;                 /* As it is sent. */
    size_t size;
    int64_t time_ms;            /* When it was appended. */
    uint64_t scope_id;          /* See event_log_scope_id(). */
    int64_t made_ms;            /* When that happened; of a revision, as the
                                 * log has it. */
    uint64_t revision;          /* The newest revision then. */
    int64_t *created;           /* Which objects those are: of each in 'about'
                                 * when it was created, as its row says; 0: it
                                 * has no durable one.  NULL: not known. */
    size_t created_size;        /* In bytes. */
};

struct event_log {
    /* Positions begin at the time of the start, in microseconds, and are the
     * ids of events: they grow over restarts, and those of a former process
     * can be recognized. */
    uint64_t first;             /* The first one, */
    int64_t started_ms;         /* when that was, */
    uint64_t before;            /* and the newest revision before. */
    uint64_t oldest, next;      /* Positions that are kept: from, to
                                 * (excluded). */
    uint64_t discarded;         /* 'scope_id' of the newest event that is not
                                 * kept, or the start. */
    unsigned lot;               /* See event_log_scope_id(). */
    size_t n_bytes;
    uint64_t floor;             /* All events of later revisions are kept. */
    uint64_t revision;          /* The newest one. */
    struct event_entry ring[EVENTS_MAX]; /* Indexed by the position
                                          * modulo EVENTS_MAX. */
};

/* 'durable' is the newest revision that is. */
struct event_log *event_log_create(uint64_t durable);
void event_log_destroy(struct event_log *);
const struct event_entry *event_log_get(const struct event_log *, uint64_t at);
/* Returns since when all events are kept, in milliseconds since the epoch. */
int64_t event_log_kept_ms(const struct event_log *);
/* Sets '*next' to the position behind the event with this id, or behind what
 * is before the first one.  Returns false if what follows is not kept. */
bool event_log_find_id(const struct event_log *, uint64_t id, uint64_t *next);
/* Returns the id, for an account with a scope, of what is before position
 * 'at'.  It says when that was, and so not how many events of others there
 * are; the last bits are drawn by lot, so that those of another process, whose
 * clock may be wrong, are not found here.  Less than 2^53 until the year 2041,
 * so that JavaScript has it exactly. */
uint64_t event_log_scope_id(const struct event_log *, uint64_t at);
/* As event_log_find_id(), of such an id. */
bool event_log_find_scope_id(const struct event_log *, uint64_t id,
                             uint64_t *next);
/* Returns the newest revision that events before position 'at' tell of. */
uint64_t event_log_told(const struct event_log *, uint64_t at);
/* Sets '*at' to the position behind the events of 'revision', all that follow
 * it being kept.  Returns false if they are not, or if there is no such
 * revision; 'durable' as above. */
bool event_log_find(const struct event_log *, uint64_t revision,
                    uint64_t durable, uint64_t *at);

/* Appends an event.  Takes ownership of 'data' (the text of a JSON value) and
 * 'about'.  Discards the oldest events to make room. */
void event_log_push(struct event_log *, enum event_kind, struct ds *data,
                    struct ds *about, bool about_all, bool background);
/* Says of the newest event which 'n' objects it is about; takes ownership of
 * 'created'. */
void event_log_set_created(struct event_log *, int64_t *created, size_t n);
/* Says of the newest event when it happened. */
void event_log_set_made(struct event_log *, int64_t made_ms);
/* Notes the newest revision, before the event that tells of it is appended;
 * 'durable' is the newest that was durable before. */
void event_log_note_revision(struct event_log *, uint64_t revision,
                             uint64_t durable);
/* Returns an event as it is sent, which the caller frees. */
char *event_text(enum event_kind, uint64_t id, const struct ds *data);
/* Appends an object to 'about', unless 'name' is NULL or empty. */
void event_about(struct ds *about, enum vmn_table, const char *name);

/* Appends the objects that a revision changed to 'about': 'changes' is its
 * summary, as the changes of the log's entry lack objects that define who may
 * use the API; of a past revision, what there is.  Returns true if they are
 * not all known, or too many to name.  Sets '*authenticates' if some of them
 * define who that is. */
bool event_about_changes(const struct northbound *, const char *changes,
                         struct ds *about, bool *authenticates);

/* Which events a stream sends.  Strings are owned; NULL matches all. */
enum { EVENT_OF_HOST, EVENT_OF_NETWORK, EVENT_OF_PORT, EVENT_OF_POLICY,
       EVENT_OF_LOADBALANCER, EVENT_N_OF };
struct event_filter {
    unsigned kinds;             /* Bits of enum event_kind. */
    int type;                   /* Revisions that change an object of this
                                 * table; -1: all revisions. */
    char *of[EVENT_N_OF];
    bool background;            /* Drops of that, too. */
};
extern const enum vmn_table event_of_tables[EVENT_N_OF];
bool event_matches(const struct event_entry *, const struct event_filter *);
/* Returns true if the event would match, were it not background. */
bool event_is_hidden(const struct event_entry *, const struct event_filter *);

/* event-sources.c: appends an event to the log when something happens, */
struct event_sources;
struct event_sources *event_sources_create(struct northbound *);
void event_sources_destroy(struct event_sources *);
/* Returns the position of a new stream: behind all events of revisions that
 * are durable. */
uint64_t event_sources_start(const struct event_sources *);
/* Appends 'event', which 'shown' describes, and wakes the streams.  Takes
 * ownership of 'about'. */
void event_push(struct northbound *, enum event_kind,
                const struct schema_struct *shown, const void *event,
                struct ds *about, bool about_all);

/* event-states.c: and when the state of a host or a port differs. */
struct event_states;
struct event_states *event_states_create(struct northbound *);
void event_states_destroy(struct event_states *);

/* event-streams.c */
struct event_readers;
struct event_readers *event_readers_create(struct northbound *);
void event_readers_destroy(struct event_readers *);
/* Sends new events to all streams, in the next iteration of the loop. */
void event_readers_wake(struct event_readers *);
/* Closes, in the next iteration, streams whose clients are no longer
 * authenticated, and ends their other requests that wait. */
void event_readers_recheck(struct event_readers *);
/* Must be called when a client is authenticated by a token that expires: its
 * stream, or its request that waits, ends with it.  'all' may be NULL. */
void event_readers_expect_expiry(struct event_readers *all);
struct event_readers_stats {
    uint64_t n_readers;         /* Open now. */
    uint64_t n_overrun;         /* Closed since they did not keep up. */
    uint64_t n_refused;         /* Rejected at a limit. */
};
void event_readers_get_stats(const struct event_readers *,
                             struct event_readers_stats *);
http_handler nb_get_events;

#endif /* controller/northbound/event-log.h */
