/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of the cluster share.  cluster.c has the states
 * of a member and its lease, cluster-append.c the writer's appends,
 * cluster-follow.c a standby's batches, cluster-members.c the list of members,
 * cluster-standby.c the relay, cluster-unixctl.c the commands. */

#ifndef CONTROLLER_CLUSTER_CLUSTER_PRIVATE_H
#define CONTROLLER_CLUSTER_CLUSTER_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/cluster-db.h"
#include "controller/cluster/cluster-ops.h"
#include "controller/cluster/cluster.h"
#include "controller/cluster/lease.h"
#include "controller/store/store.h"
#include "openvswitch/list.h"

struct event;

/* An appended batch that most members may not have yet. */
struct appended {
    struct ovs_list node;
    int64_t index, bytes;       /* Bytes as in the view. */
};

/* The states of a member.  cluster_set_state() makes each transition:
 *
 *   FOLLOWS <--> APPLIES         a standby
 *    |    |         |
 *    |    '--> BROKEN <-'        it cannot follow any more
 *    v
 *   WRITES --> HANDS_OVER        the writer
 *
 * and one from each of them to ENDS. */
enum cluster_state {
    CLUSTER_FOLLOWS,            /* It waits for the next batch, and takes the
                                 * lease if that ends. */
    CLUSTER_APPLIES,            /* A batch is being written. */
    CLUSTER_BROKEN,             /* Until its process ends. */
    CLUSTER_WRITES,
    CLUSTER_HANDS_OVER,         /* The lease is being given up. */
    CLUSTER_ENDS,               /* The process is about to end. */
};

/* This process in the list of members (cluster-members.c):
 *
 *   UNLISTED --> WAITS <--> TAKEN
 *       |          |
 *       '----------'--> REGISTERED --> LEAVING --> LEFT
 */
enum cluster_membership {
    MEMBER_UNLISTED,            /* No row of its name was seen. */
    MEMBER_WAITS,               /* The row may be of an earlier process. */
    MEMBER_TAKEN,               /* The row's beat rises: another process has
                                 * this name. */
    MEMBER_REGISTERED,          /* The row is of this process. */
    MEMBER_LEAVING,             /* The row is being cleared, as this process
                                 * ends. */
    MEMBER_LEFT,
};

/* The batch that the writer appends (cluster-append.c):
 *
 *   NONE --> NEW --> SENT <--> DOUBTFUL
 *
 * and from each of them to NONE, once its outcome is known, or it is given
 * up. */
enum cluster_append_state {
    APPEND_NONE,
    APPEND_NEW,                 /* No transaction was sent yet. */
    APPEND_SENT,                /* A transaction is under way. */
    APPEND_DOUBTFUL,            /* A transaction was sent, and its outcome is
                                 * not known. */
};

struct cluster {
    enum cluster_state state;
    enum cluster_membership membership;
    struct loop *loop;
    const struct cluster_options *options;
    const struct store_class *store_class;
    struct store *store;
    struct model *model;
    const struct cluster_callbacks *callbacks;
    void *aux;
    struct store_replicator replicator;

    struct cluster_db *db;
    struct event *timer;        /* Calls cluster_run(). */
    struct lease lease;
    int64_t run;                /* Of this process; random, not 0. */
    struct tls *tls;            /* With other members; or NULL. */
    struct relay *relay;        /* To the writer; or NULL. */

    /* The writer. */
    int64_t epoch;
    char *successor;            /* Takes the lease that is handed over; "":
                                 * any member does. */
    int64_t resign_ms;          /* When the lease is given up next. */
    struct {
        enum cluster_append_state state;
        char *text;             /* Owned. */
        size_t length;
        int64_t index;
        int64_t serial;         /* Differs from that of an abandoned batch of
                                 * the same index. */
        int64_t begin_ms, again_ms;
        store_appended_cb *done;
        void *done_aux;
    } append;
    int64_t serial;             /* Of the newest batch. */
    int64_t lost_ms;            /* When the connection was last lost. */
    int64_t stale_ms;           /* When the view became stale; 0: it is not. */
    struct ovs_list unconfirmed; /* Of struct appended, oldest first. */
    int64_t trimmed, trimmed_bytes; /* The head when batches were last deleted;
                                     * 0: not by this process. */

    /* A standby. */
    int64_t applied;            /* The newest batch that the model has. */
    int64_t retry_ms;           /* When a batch that could not be written is
                                 * tried again; 0: there is none. */
    char *problem;              /* Why it cannot follow; NULL: it can. */
    bool has_unknown;           /* Rows have fields that this version does not
                                 * know, which was logged. */

    /* In the list of members. */
    bool reporting;             /* A transaction is under way. */
    int64_t missing_ms;         /* When its row vanished, or became another
                                 * process's; 0: it has its row. */
    int64_t seen_beat;          /* Of the row, while MEMBER_WAITS. */
    int64_t reported, reported_ms; /* The newest batch that its row shows, and
                                    * when it was written. */
    int64_t disk, disk_ms;      /* cluster_disk_used(), and when; 0: never. */
    char *untold;               /* Members without an address for hosts that
                                 * dial, which was logged. */

    int64_t known_epoch;        /* See cluster_epoch(). */
};

/* The latest epoch.  A new cluster begins at half of it, at most. */
#define CLUSTER_EPOCH_MAX ((INT64_C(1) << 33) - 1)
/* The first revision of a new writer is later by this than the newest that it
 * knows: the former writer may have shown revisions that are not stored, of
 * reports of hosts, since its last beat. */
#define REVISION_GAP 1000000
/* Why a process cannot be a member. */
#define CLUSTER_TAKEN "another vmnd is a member with this name"

/* Makes the transition. */
void cluster_set_state(struct cluster *, enum cluster_state);
static inline bool
cluster_is_writer(const struct cluster *c)
{
    return c->state == CLUSTER_WRITES || c->state == CLUSTER_HANDS_OVER;
}
/* Begins to hand over to member 'successor'; "": to any. */
void cluster_begin_hand_over(struct cluster *, const char *successor);
/* Sets why the member cannot follow; NULL: it can. */
void cluster_set_problem(struct cluster *, const char *why);
/* Returns the newest batch that is in this member's file. */
int64_t cluster_stored(const struct cluster *);
/* Returns true if this is the writer, and the view is older than its own
 * transactions. */
bool cluster_view_is_stale(const struct cluster *);
/* Returns the writer's next values of the lease's row. */
struct cluster_ops_writer cluster_as_writer(const struct cluster *);
/* Does all that is due, and sets the timer for the rest. */
void cluster_run(struct cluster *);
/* Returns true if the member runs and was heard a moment ago. */
bool cluster_hears(const struct cluster *, const struct cluster_member *);
/* Has the writer be one no more, for this reason. */
void cluster_depose(struct cluster *, const char *why);
/* Begins to make this member's state that of a new cluster, whose first epoch
 * is the time of day, or 'epoch' if that is later: 0 to CLUSTER_EPOCH_MAX / 2.
 * Returns 0, or a positive errno with an error.  'done' is called as by
 * cluster_db_transact(). */
int cluster_found(struct cluster *, int64_t epoch, cluster_db_done_cb *done,
                  void *aux, struct vmn_error *why);

/* cluster-append.c.  ------------------------------------------------------ */

/* Of struct store_replicator. */
void cluster_append(void *cluster, char *text, size_t length,
                    store_appended_cb *, void *aux);
void cluster_fell_behind(void *cluster, const char *why);
/* Sends the batch if it was not sent, and finds out its outcome. */
void cluster_append_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);
/* The connection to the database was lost. */
void cluster_append_lost(struct cluster *);
/* Gives the batch up: its outcome will not be known. */
void cluster_append_abandon(struct cluster *, const char *why);
void cluster_append_uninit(struct cluster *);

/* cluster-follow.c.  ------------------------------------------------------ */

/* Applies the next batch, if there is one. */
void cluster_follow_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);

/* cluster-members.c.  ----------------------------------------------------- */

/* Keeps this member's row in the list. */
void cluster_members_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);
/* Returns how full the disk of the server of the database is, in percent; 0:
 * it is not known. */
int64_t cluster_disk_used(struct cluster *, int64_t now_ms);
/* Ends the member, and begins to clear its row in the list. */
void cluster_unregister(struct cluster *);
/* Returns the newest batch that most members have. */
int64_t cluster_members_have(const struct cluster_view *);

/* cluster-standby.c.  ----------------------------------------------------- */

/* Relays requests to the present writer. */
void cluster_standby_run(struct cluster *);

#endif /* controller/cluster/cluster-private.h */
