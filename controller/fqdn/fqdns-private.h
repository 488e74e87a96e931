/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that files of this room share.  Not for other files. */

#ifndef CONTROLLER_FQDN_FQDNS_PRIVATE_H
#define CONTROLLER_FQDN_FQDNS_PRIVATE_H 1

#include <jansson.h>

#include "controller/fqdn/fqdn-addresses.h"
#include "controller/fqdn/fqdns.h"
#include "controller/timer-heap.h"
#include "openvswitch/shash.h"
#include "proto/resolver/resolver.h"
#include "sset.h"

struct vmn_port;

enum { IPV4, IPV6, N_FAMILIES };

/* Questions in the order in which they are asked. */
struct queue {
    struct timer_heap heap;     /* Of 'ask' of families. */
    size_t n_asking, n_max;     /* Questions that are open. */
};
enum { ANSWERED, FAILING, LEARNED, LEARNED_FAILING, N_QUEUES };

/* What is known of a name's addresses of one family. */
struct family {
    struct name *name;
    struct timer ask;
    struct queue *queue;        /* Where 'ask' is, or the open question. */
    bool asking;                /* There is one. */
    struct wildcard *charged;   /* Of whose questions that is one, or NULL. */
    bool answered;              /* 'result' is known. */
    enum resolver_result result; /* Of the last answer, not of failures. */
    unsigned n_failures;        /* In a row. */
    int64_t ask_ms;             /* When to ask; of time_msec(). */
};

struct name {
    struct fqdns *fqdns;
    char *text;                 /* Owned. */
    bool learned;               /* A guest has asked for it: it has no row of
                                 * its own, but is in those of wildcards. */
    size_t n_policies;          /* 0: it goes with its last answer.  Of one
                                 * that was learned: the wildcards. */
    struct fqdn_addresses addresses;
    struct family families[N_FAMILIES];
    struct timer leave;         /* When an address does. */
    int64_t answered_ms;        /* Wall clock; 0: never. */
    char *why;                  /* Of the last failure; owned, or NULL. */

    /* Of one that was learned, in time_msec(). */
    int64_t asked_ms;           /* When a guest has, last. */
    int64_t ttl_ms;             /* The longest that an answer was one. */
    struct timer forget;        /* Some time after that. */
    char *owner;                /* Number of the owner of the last querying
                                 * port; owned.  NULL: no query since the row
                                 * was loaded. */
    bool pending;               /* It has had no address yet. */
    bool restored;              /* It is of a row, and servers have not said
                                 * what it is since. */
    bool waits;                 /* A guest may be waiting for the addresses. */
};

/* A name with a wildcard that policies have. */
struct wildcard {
    char *text;                 /* Owned. */
    struct sset policies;       /* That have it. */
    struct shash names;         /* Of struct name: those learned that are of
                                 * it, VALUE_FQDN_NAMES_MAX at the most
                                 * besides the pending ones. */
    size_t n_pending;           /* Of these. */
    size_t n_asking;            /* Open questions for names of it. */
    int64_t full_until_ms;      /* So long it is said that there was no room
                                 * for one. */
    struct fqdn_addresses kept; /* What its row said at the start, until all of
                                 * its names have been answered. */
    struct timer leave;         /* When one of these, or 'full_until_ms', is
                                 * over. */
};

struct fqdns {
    struct model *model;
    struct commit *commit;
    struct resolver *resolver;
    struct fqdn_times times;
    struct fqdn_rows *rows;     /* Owned. */
    struct event *timer;
    struct queue queues[N_QUEUES];
    struct timer_heap leaving;  /* Of 'leave' of names. */
    struct shash names;         /* Of struct name, but for those learned. */
    struct shash learned;       /* Of these. */
    size_t n_learned, n_pending; /* Of these that wildcards have: those that
                                  * have had an address, and others. */
    struct timer_heap forgetting; /* Of 'forget' of these. */
    struct shash wildcards;     /* Of struct wildcard. */
    struct timer_heap keeping;  /* Of 'leave' of wildcards. */
    struct shash policies;      /* Of struct sset: names of each. */
    bool refused;               /* There was no room for a name. */
    bool begun;
};

/* fqdns.c */
/* Creates a name in 'names', which nobody uses yet. */
struct name *fqdns_name_create(struct fqdns *, struct shash *names,
                               const char *text);
void fqdns_name_free(struct name *);
/* Removes a name that nobody uses any more, unless an answer is to come. */
void fqdns_drop(struct name *);
/* Has a name that has come into use be asked for. */
void fqdns_ask_soon(struct name *, int64_t now_ms);
void fqdns_set_timers(struct name *);
/* Returns true if the questions for all of its addresses have been answered,
 * or not, at least once. */
bool fqdns_was_asked(const struct name *);
/* Returns true if servers have said what its addresses are, or that it has
 * none; with 'or_failing' also if they have not, some times in a row. */
bool fqdns_was_answered(const struct name *, bool or_failing);

/* fqdn-asker.c */
struct fqdn_asker {
    const struct fqdns *f;
    const struct vmn_port *port;
    size_t n_left;              /* Groups that may be looked at yet. */
    struct sset without;        /* Those that the port is not in. */
};
/* Both are borrowed. */
void fqdn_asker_init(struct fqdn_asker *, const struct fqdns *,
                     const struct vmn_port *);
void fqdn_asker_uninit(struct fqdn_asker *);
/* Returns true if a policy with the wildcard applies to the port. */
bool fqdn_asker_has(struct fqdn_asker *, const struct wildcard *);

/* fqdn-learned.c */
void learned_init(struct fqdns *);
void learned_uninit(struct fqdns *);
/* Take up, and drop, a wildcard of a policy. */
void learned_use(struct fqdns *, const char *text, const char *policy);
void learned_unuse(struct fqdns *, const char *text, const char *policy);
/* The guest of a port has asked for 'name'. */
void learned_take_question(struct fqdns *, const struct vmn_port *,
                           const char *name);
/* Returns true if one more question may be open for the family, and notes that
 * one is; learned_end_question() notes that it is not any more. */
bool learned_begin_question(struct family *);
void learned_end_question(struct family *);
/* What is known of the addresses of a learned name has changed. */
void learned_changed(struct name *);
/* An answer has come, or none: 'is_another' if the name has other addresses
 * by it.  One that has none is not kept. */
void learned_take_answer(struct name *, bool is_another);
/* Does what is due, and says when the next is: INT64_MAX for nothing. */
void learned_expire(struct fqdns *, int64_t now_ms);
int64_t learned_due(const struct fqdns *);

/* fqdn-learned-rows.c */
/* As fqdn_rows_cb(), for wildcards. */
bool learned_desired(struct fqdns *, const char *text, json_t **spec);
bool learned_get(const struct fqdns *, const char *text, struct fqdns_name *);

#endif /* controller/fqdn/fqdns-private.h */
