/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides when a member of a cluster becomes its writer.  The cluster's row
 * says which member holds the lease, and has a count (the beat) that the
 * holder raises.  Who sees it stand still for a second or so takes the lease,
 * by a transaction that fails if the row is not as it was seen.  So clocks
 * need not agree, and only differences of one's own monotonic clock matter.
 * No I/O and no clock: a function of what is seen and of the time that is
 * given.
 *
 * A holder keeps the lease until the row says that it has not: nobody can take
 * it without the database, and with it the row changes.  What a deposed holder
 * still sends to the database fails by its epoch. */

#ifndef CONTROLLER_CLUSTER_LEASE_H
#define CONTROLLER_CLUSTER_LEASE_H 1

#include <stdbool.h>
#include <stdint.h>

/* A holder's beat that stands still for so many milliseconds shows that it is
 * gone: the default.  There are LEASE_BEATS of them in that time.  When the
 * database is seen anew it is LEASE_ANEW times as long, since it may have been
 * away for the holder, too, which finds it again a little later. */
#define LEASE_MS 1000
#define LEASE_MS_MIN 200
#define LEASE_MS_MAX 60000
#define LEASE_BEATS 4
#define LEASE_ANEW 3
/* Milliseconds from a try to take the lease to the next one. */
#define LEASE_AGAIN_MS 100
/* A beat, a taking or a giving up that has no answer is sent again after a
 * half of the time that the lease has, so many at a time: a server passes what
 * it gets on to the one that leads, and waits for two election timers if that
 * is gone without a word, though another leads by then.  Each fails if another
 * one before it has changed the row. */
#define LEASE_UNANSWERED_MAX 3

/* What the cluster's row says of the lease. */
struct lease_row {
    int64_t epoch;              /* Raised by each taking. */
    int64_t beat;
    char *holder;               /* A member's name; "": nobody.  Owned by who
                                 * has the row. */
    int64_t run;                /* Of the holder's process. */
    char *successor;            /* Who is to take the lease that was handed
                                 * over; "": anybody. */
};

struct lease {
    char *name;                 /* Of this member.  Owned. */
    int64_t run;                /* Of this process. */
    int64_t ms;                 /* As LEASE_MS. */
    bool seen;                  /* 'row' is what the database says now. */
    struct lease_row row;       /* Owned. */
    int64_t gone_ms;            /* When its holder will be gone, if it does
                                 * not change. */
    int64_t sent_ms;            /* When the last transaction was sent. */
    unsigned n_sent;            /* Of them, under way. */
};

void lease_init(struct lease *, const char *name, int64_t run, int64_t ms);
void lease_uninit(struct lease *);

/* The database says 'row' at 'now_ms'.  The row is copied. */
void lease_see(struct lease *, const struct lease_row *, int64_t now_ms);
/* The connection to the database was lost: what it says is not known, nor
 * what has become of a beat or a taking. */
void lease_lose_sight(struct lease *);

/* Returns true if this process holds the lease, as far as is known. */
bool lease_is_held(const struct lease *);

enum lease_action {
    LEASE_WAIT,                 /* Until '*wake_ms', or until more is seen. */
    LEASE_BEAT,
    LEASE_TAKE,
};
/* Returns what is to be done.  'fit': this member could be the writer.  For a
 * beat or a taking calls lease_begin() when it is sent, and lease_end() when
 * its outcome is known. */
enum lease_action lease_next(const struct lease *, bool fit, int64_t now_ms,
                             int64_t *wake_ms);
/* Returns true if a giving up may be sent, as lease_next() does of the others;
 * or has '*wake_ms' be no later than when it may. */
bool lease_may_send(const struct lease *, int64_t now_ms, int64_t *wake_ms);
void lease_begin(struct lease *, int64_t now_ms);
void lease_end(struct lease *);

#endif /* controller/cluster/lease.h */
