/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides when a member of a cluster becomes its writer.  The cluster's row
 * names the holder of the lease, and has a counter (the beat) that the holder
 * raises.  The lease ends once the beat has stood still for LEASE_MS.  Then
 * another member takes it, by a transaction that fails if the row has changed
 * since.  Each member measures the time by its own monotonic clock.  No I/O
 * and no clock: the caller passes the row and the time.
 *
 * A holder keeps the lease until the row has another one, also while it does
 * not reach the database: each taking changes the row.  Each taking raises the
 * epoch, for which all transactions of a writer wait; so those of a former
 * writer fail. */

#ifndef CONTROLLER_CLUSTER_LEASE_H
#define CONTROLLER_CLUSTER_LEASE_H 1

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds for which the beat stands still until the lease ends: the
 * default.  A holder raises it LEASE_BEATS times in that time.  After a member
 * was without the database it waits LEASE_ANEW times as long: the holder may
 * have been without it, too. */
#define LEASE_MS 1000
#define LEASE_MS_MIN 200
#define LEASE_MS_MAX 60000
#define LEASE_BEATS 4
#define LEASE_ANEW 3
/* Milliseconds from a try to take the lease to the next one. */
#define LEASE_AGAIN_MS 100
/* Transactions under way, at most.  One without a reply is sent again after
 * half a lease: a server forwards it to the leader, and waits for two election
 * timers if that is gone, though another one leads by then.  Each fails if one
 * before it has changed the row. */
#define LEASE_UNANSWERED_MAX 3

/* What the cluster's row says of the lease. */
struct lease_row {
    int64_t epoch;              /* Raised by each taking. */
    int64_t beat;
    char *holder;               /* A member's name; "": none.  Owned, as
                                 * 'successor'. */
    int64_t run;                /* Of the holder's process. */
    char *successor;            /* The member that is to take the lease, which
                                 * was handed over; "": any. */
};

struct lease {
    char *name;                 /* Of this member.  Owned. */
    int64_t run;                /* Of this process. */
    int64_t ms;                 /* As LEASE_MS. */
    bool seen;                  /* 'row' is current. */
    struct lease_row row;       /* Owned. */
    int64_t gone_ms;            /* When the lease ends if 'row' does not
                                 * change. */
    int64_t changed_ms;         /* When 'row' last changed. */
    int64_t sent_ms;            /* When the last transaction was sent. */
    unsigned n_sent;            /* Transactions under way. */
};

void lease_init(struct lease *, const char *name, int64_t run, int64_t ms);
void lease_uninit(struct lease *);

/* The database says 'row' at 'now_ms'.  The row is copied. */
void lease_see(struct lease *, const struct lease_row *, int64_t now_ms);
/* The connection to the database was lost: the row and the outcome of
 * transactions are not known. */
void lease_lose_sight(struct lease *);

/* Returns true if this process holds the lease, as far as is known. */
bool lease_is_held(const struct lease *);
/* Returns true if another process holds the lease, and it has not ended. */
bool lease_is_alive(const struct lease *, int64_t now_ms);

enum lease_action {
    LEASE_WAIT,                 /* Until '*wake_ms', or until the row
                                 * changes. */
    LEASE_BEAT,
    LEASE_TAKE,
};
/* Returns the next action.  'fit': this member could be the writer.  The
 * caller calls lease_begin() when it sends a beat or a taking, and lease_end()
 * once its outcome is known. */
enum lease_action lease_next(const struct lease *, bool fit, int64_t now_ms,
                             int64_t *wake_ms);
/* Returns true if a transaction that gives the lease up may be sent now; else
 * lowers '*wake_ms' to when it may. */
bool lease_may_send(const struct lease *, int64_t now_ms, int64_t *wake_ms);
void lease_begin(struct lease *, int64_t now_ms);
void lease_end(struct lease *);

#endif /* controller/cluster/lease.h */
