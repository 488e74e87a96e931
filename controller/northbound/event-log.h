/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of GET /v1/events, as text, in the order in which they happen.  The
 * newest are kept in one ring buffer that all streams share; a stream has a
 * position in it.  So a slow client costs no more than what is queued in its
 * connection, and delays nobody.
 *
 * A member of a cluster has two of them: its own, of what it sees by itself;
 * and one that is common to all members, of what the writer tells, with the
 * same ids everywhere (event-common.h).
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

/* What else a log has, in a cluster: a gap, whose streams are told "reset";
 * and an event of a kind that this version does not know, which takes an id
 * and is told to nobody. */
enum { EVENT_LOG_GAP = EVENT_N_KINDS, EVENT_LOG_UNKNOWN };

struct event_entry {
    int kind;                   /* enum event_kind, or one of those. */
    bool about_all;             /* It concerns too many objects to name: it
                                 * matches each filter. */
    struct ds about;            /* The objects that it concerns: of each a byte
                                 * with its table, and its name with the
                                 * terminating null. */
    bool background;            /* A drop that happens where all is well. */
    char *text;                 /* As it is sent. */
    size_t size;
    int64_t time_ms;            /* When it was appended; in the common log, by
                                 * the writer. */
    int64_t seen_ms;            /* When it was appended to this log, of
                                 * time_msec(), which nobody sets. */
    int64_t made_ms;            /* When that happened: of a revision, as its
                                 * author's process says, whose clock may be
                                 * another one. */
    uint64_t revision;          /* The newest revision then. */
    int64_t *created;           /* Which objects those are: of each in 'about'
                                 * when it was created, as its row says; 0: it
                                 * has no durable one.  NULL: not known. */
    size_t created_size;        /* In bytes. */
};

/* Since when some kinds of events are told. */
struct event_span {
    uint64_t first;             /* From this position on; */
    int64_t started_ms;         /* when that was. */
    uint64_t before;            /* The newest revision before the first
                                 * event. */
};

/* Ids of the events from a position on, up to the next segment: each is one
 * more than the one before. */
struct event_segment {
    uint64_t first;             /* Position, */
    uint64_t id;                /* and its id. */
};
#define EVENT_SEGMENTS_MAX 64

struct event_log {
    /* Positions begin at the time of the start, in microseconds.  So do ids:
     * they grow over restarts, and those of a former process can be
     * recognized.  A member of a cluster adds a number that is drawn by lot:
     * those of other members are then told from its own, since two of them are
     * not the same.  In the common log each writer has a segment. */
    struct event_segment segments[EVENT_SEGMENTS_MAX]; /* Oldest first. */
    size_t n_segments;
    struct event_scope_ids *scope_ids; /* Owned. */
    uint64_t oldest, next;      /* Positions that are kept: from, to
                                 * (excluded). */
    uint64_t shown;             /* Of the common log: those before are not
                                 * newer than the copy of the state. */
    size_t n_bytes;
    struct event_span standby;  /* Of 'event_standby_kinds', */
    struct event_span all;      /* and of all kinds: of a member of a cluster
                                 * since it is the writer. */
    uint64_t floor;             /* All events of later revisions are kept. */
    uint64_t revision;          /* The newest one. */
    struct event_entry ring[EVENTS_MAX]; /* Indexed by the position
                                          * modulo EVENTS_MAX. */
};

/* The kinds, as bits, that all members of a cluster tell of, whether they
 * stand by or not: revisions in the same order and with the same ids, as all
 * have the same log of them; and what hosts do, as each member sees that
 * itself, with ids of its own. */
extern const unsigned event_standby_kinds;

/* 'durable' is the newest revision that is; 'is_member': of a cluster. */
struct event_log *event_log_create(uint64_t durable, bool is_member);
void event_log_destroy(struct event_log *);
/* Returns the id of the event at a position, which need not be kept or have
 * come yet. */
uint64_t event_log_id(const struct event_log *, uint64_t at);
/* Has the next event have this id, and those behind it the next ones.  To make
 * room for another segment the oldest events may be discarded. */
void event_log_set_id(struct event_log *, uint64_t id);
/* Sets '*next' to the position behind the event with this id, or behind what
 * is before the first one of a segment.  Returns false if it is not kept. */
bool event_log_find_id(const struct event_log *, uint64_t id, uint64_t *next);
/* The same of an id that clients with a scope are told. */
bool event_log_find_scope_id(const struct event_log *, uint64_t id,
                             uint64_t *next);
/* Returns true if the id may be of an event that is still to come: of the
 * newest segment, and not far behind its last one. */
bool event_log_expects(const struct event_log *, uint64_t id);
/* Returns the position before which all events of revisions are of durable
 * ones, 'durable' being the newest. */
uint64_t event_log_shown(struct event_log *, uint64_t durable);
const struct event_entry *event_log_get(const struct event_log *, uint64_t at);
/* This member of a cluster is the writer now; 'durable' as above. */
void event_log_lead(struct event_log *, uint64_t durable);
/* Returns since when it tells of all of these kinds. */
const struct event_span *event_log_span(const struct event_log *,
                                        unsigned kinds);
/* Returns the first position from which on all events of these are kept. */
uint64_t event_log_begin(const struct event_log *, unsigned kinds);
/* Returns since when all events of these kinds are kept, in milliseconds since
 * the epoch. */
int64_t event_log_kept_ms(const struct event_log *, unsigned kinds);
/* Returns true if 'id', which may be one for clients with a scope, is of an
 * event, or before the first one, after which all events of these kinds are
 * kept, and sets '*next' to the position behind it. */
bool event_log_knows(const struct event_log *, bool scoped, uint64_t id,
                     unsigned kinds, uint64_t *next);
/* Returns the newest revision that events before position 'at' tell of. */
uint64_t event_log_told(const struct event_log *, uint64_t at);
/* Sets '*at' to the position behind the events of 'revision', all that follow
 * it being kept.  Returns false if they are not, or if there is no such
 * revision; 'durable' as above. */
bool event_log_find(const struct event_log *, uint64_t revision,
                    uint64_t durable, uint64_t *at);

/* Appends an event.  Takes ownership of 'data' (the text of a JSON value) and
 * 'about'.  Discards the oldest events to make room. */
void event_log_push(struct event_log *, int kind, struct ds *data,
                    struct ds *about, bool about_all, bool background);
/* Returns the event of a revision; NULL: it is not kept, or has not come. */
const struct event_entry *event_log_find_revision(const struct event_log *,
                                                  uint64_t revision);
/* Appends a copy of an event of another log, of enum event_kind, with when it
 * was appended there. */
void event_log_push_copy(struct event_log *, const struct event_entry *);
/* Appends a gap: events are missing that others may have been told.  It has
 * the id 'id'; the next event has the one behind it. */
void event_log_push_gap(struct event_log *, uint64_t id);
/* Says of the newest event which 'n' objects it is about; takes ownership of
 * 'created'. */
void event_log_set_created(struct event_log *, int64_t *created, size_t n);
/* Says of the newest event when it happened; and when it was appended, by the
 * writer of a cluster. */
void event_log_set_made(struct event_log *, int64_t made_ms);
void event_log_set_time(struct event_log *, int64_t time_ms);
/* Has a log without events begin as another one: with this id, kept since
 * then, and with the events of all revisions that are later than 'floor'. */
void event_log_begin_as(struct event_log *, uint64_t id, int64_t kept_ms,
                        uint64_t floor);
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
/* Has the events of all kinds appended from now on. */
void event_sources_lead(struct event_sources *);
/* Returns the position of a new stream: behind all events of revisions that
 * are durable. */
uint64_t event_sources_start(const struct event_sources *);
/* Appends 'event', which 'shown' describes, and wakes the streams.  Takes
 * ownership of 'about'. */
void event_push(struct northbound *, enum event_kind,
                const struct schema_struct *shown, const void *event,
                struct ds *about, bool about_all);

/* Tells of an audit. */
void event_sources_tell_audit(struct northbound *,
                              const struct nb_event_audit *);

/* event-states.c: and when the state of a host or a port differs. */
struct event_states;
struct event_states *event_states_create(struct northbound *);
/* Takes what the cluster's log says of hosts and ports for what was told last,
 * and has events appended where it is otherwise here. */
void event_states_compare(struct event_states *);
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
/* Closes the streams of events that are common to the cluster: this member
 * cannot tell them any more, and the writer does. */
void event_readers_end_common(struct event_readers *);
struct event_readers_stats {
    uint64_t n_readers;         /* Open now. */
    uint64_t n_overrun;         /* Closed since they did not keep up. */
    uint64_t n_refused;         /* Rejected at a limit. */
};
void event_readers_get_stats(const struct event_readers *,
                             struct event_readers_stats *);
http_handler nb_get_events;

#endif /* controller/northbound/event-log.h */
