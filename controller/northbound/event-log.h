/* SPDX-License-Identifier: Apache-2.0
 *
 * Events: what happens, in the order in which it does, as text for those who
 * listen (GET /v1/events).  The newest are kept in one log that all readers
 * share; a reader is a place in it.  So one that is slow costs what waits in
 * its connection, and nobody waits for it.
 *
 * event-sources.c writes, event-streams.c reads.  Not for what is to last:
 * that is the store's log of revisions. */

#ifndef CONTROLLER_NORTHBOUND_EVENT_LOG_H
#define CONTROLLER_NORTHBOUND_EVENT_LOG_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controller/northbound/northbound-private.h"
#include "openvswitch/dynamic-string.h"

enum event_kind {
    EVENT_REVISION,             /* A change became durable. */
    EVENT_INSTALLED,            /* All hosts concerned have acknowledged it. */
    EVENT_HOST,                 /* A host's state is another one. */
    EVENT_BINDING,              /* Where a port is, and whether it works. */
    EVENT_CLAIM,                /* A host's claim of a port was refused. */
    EVENT_DROP,                 /* A packet was dropped. */
    EVENT_LOG,                  /* A rule with a log has decided. */
    EVENT_AUDIT,                /* A host held something else. */
    EVENT_HEALTH,               /* A backend's state is another one. */
    EVENT_SCALE,                /* A balancer's load wants another number of
                                 * backends. */
    EVENT_N_KINDS
};
extern const char *const event_kind_names[EVENT_N_KINDS];

/* What is kept: so many, and so many bytes of them. */
#define EVENTS_MAX 16384
#define EVENTS_BYTES_MAX (8u << 20)
/* Who may listen at a time, in all and of one account. */
#define EVENT_READERS_MAX 1000
#define EVENT_READERS_ACCOUNT_MAX 100

struct event_entry {
    enum event_kind kind;
    bool about_all;             /* There are too many objects to name. */
    struct ds about;            /* Objects: each a byte for its table, and its
                                 * name with its zero. */
    char *text;                 /* As it is sent. */
    size_t size;
};

struct event_log {
    /* Ids begin at the time of the start, in microseconds: so they grow from
     * one process to the next, and one of a former process is known as
     * such. */
    uint64_t first;             /* The first id ever used. */
    uint64_t oldest, next;      /* Ids that are kept: from, to (excluded). */
    size_t n_bytes;
    struct event_entry ring[EVENTS_MAX]; /* By id. */
};

struct event_log *event_log_create(void);
void event_log_destroy(struct event_log *);
const struct event_entry *event_log_get(const struct event_log *, uint64_t id);

/* Appends an event, whose 'data' (the text of a JSON value) and 'about' are
 * taken over.  Makes room by forgetting the oldest. */
void event_log_push(struct event_log *, enum event_kind, struct ds *data,
                    struct ds *about, bool about_all);
/* Appends an object to 'about'; an empty or a null name is none. */
void event_about(struct ds *about, enum vmn_table, const char *name);

/* What a reader wants to be told of.  Strings are owned, or NULL: any. */
enum { EVENT_OF_HOST, EVENT_OF_NETWORK, EVENT_OF_PORT, EVENT_OF_POLICY,
       EVENT_OF_LOADBALANCER, EVENT_N_OF };
struct event_filter {
    unsigned kinds;             /* Bits of enum event_kind. */
    int type;                   /* Revisions that change one of this table; -1:
                                 * all. */
    char *of[EVENT_N_OF];
};
extern const enum vmn_table event_of_tables[EVENT_N_OF];
bool event_matches(const struct event_entry *, const struct event_filter *);

/* event-sources.c: has what happens written to the log. */
struct event_sources;
struct event_sources *event_sources_create(struct northbound *);
void event_sources_destroy(struct event_sources *);
/* Where a reader that has just begun to listen begins: behind all that tells
 * of what is durable. */
uint64_t event_sources_start(const struct event_sources *);

/* event-streams.c */
struct event_readers;
struct event_readers *event_readers_create(struct northbound *);
void event_readers_destroy(struct event_readers *);
/* There is something new in the log. */
void event_readers_wake(struct event_readers *);
/* Some may not be allowed to listen any more. */
void event_readers_recheck(struct event_readers *);
struct event_readers_stats {
    uint64_t n_readers;         /* Now. */
    uint64_t n_cut_off;         /* That did not keep up. */
    uint64_t n_refused;         /* Beyond a limit. */
};
void event_readers_get_stats(const struct event_readers *,
                             struct event_readers_stats *);
http_handler nb_get_events;

#endif /* controller/northbound/event-log.h */
