/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the cluster share: cluster.c has the life of a member and
 * its lease, cluster-append.c the writer's batches, cluster-follow.c those of
 * others, cluster-members.c the list of members, cluster-standby.c what one
 * that stands by passes on, cluster-unixctl.c the commands. */

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

/* A batch that was appended, and that the majority may not have yet. */
struct appended {
    struct ovs_list node;
    int64_t index, bytes;       /* Bytes as in the view. */
};

struct cluster {
    struct loop *loop;
    const struct cluster_options *options;
    const struct store_class *store_class;
    struct store *store;
    struct model *model;
    const struct cluster_callbacks *callbacks;
    void *aux;
    struct store_replicator replicator;

    struct cluster_db *db;
    struct event *timer;        /* When there is something to do next. */
    struct lease lease;
    int64_t run;                /* Of this process; random, not 0. */
    bool resigning;             /* The process ends: it becomes no writer. */
    bool ending;                /* Called no more. */
    struct tls *tls;            /* With other members; or NULL. */
    struct relay *relay;        /* To the writer; or NULL. */

    /* The writer. */
    bool writer;                /* It is one, */
    int64_t epoch;              /* of this epoch. */
    bool handing_over;          /* The lease is being given up, */
    char *successor;            /* to this member; "": to any. */
    int64_t resign_ms;          /* Not before, since it was tried. */
    struct {
        bool active;            /* A batch is being appended. */
        bool tried;             /* A transaction was sent. */
        bool in_doubt;          /* No transaction is under way; one was, and
                                 * its outcome is not known. */
        char *text;             /* Owned. */
        size_t length;
        int64_t index;
        int64_t serial;         /* Tells it from a batch that was given up. */
        int64_t begin_ms, again_ms;
        store_appended_cb *done;
        void *done_aux;
    } append;
    int64_t serial;             /* Of the newest batch. */
    int64_t lost_ms;            /* When the connection was lost last. */
    int64_t stale_ms;           /* Since when the view is stale; 0: it is
                                 * not. */
    struct ovs_list unconfirmed; /* Of struct appended, oldest first. */
    int64_t trimmed, trimmed_bytes; /* When the head was here; 0: not by this
                                     * process. */

    /* Standing by. */
    int64_t applied;            /* The newest batch that the model has. */
    bool applying;              /* The next one is being written. */
    int64_t retry_ms;           /* When it is tried again; 0: it is not. */
    char *problem;              /* Why it cannot follow; NULL: it can. */
    bool broken;                /* And never will. */
    bool has_unknown;           /* There are rows with fields that this version
                                 * does not know, as was said. */

    /* In the list of members. */
    bool registered;            /* The list has this process, */
    bool reporting;             /* or a transaction is under way. */
    bool listed;                /* It had this process, or an earlier one of
                                 * this member. */
    int64_t missing_ms;         /* Since when it lacks it after all; 0: it does
                                 * not. */
    int64_t seen_beat;          /* Of a row of its name, before that; */
    bool taken;                 /* it moves: it is another process's. */
    int64_t reported, reported_ms; /* What it says, and since when. */
    int64_t disk, disk_ms;      /* cluster_disk_used(), and when; 0: never. */
    char *untold;               /* Members that hosts are not told of, as was
                                 * said. */

    int64_t known_epoch;        /* See cluster_epoch(). */
};

/* The latest epoch that a new cluster may be given the half of. */
#define CLUSTER_EPOCH_MAX ((INT64_C(1) << 33) - 1)
/* Why one cannot be a member. */
#define CLUSTER_TAKEN "another vmnd is a member with this name"

/* Sets why the member cannot follow; NULL: it can. */
void cluster_set_problem(struct cluster *, const char *why);
/* Returns the newest batch that is in this member's file. */
int64_t cluster_stored(const struct cluster *);
/* Returns true if the writer knows more than the view says. */
bool cluster_view_is_stale(const struct cluster *);
/* Returns what the writer says next. */
struct cluster_ops_writer cluster_as_writer(const struct cluster *);
/* Does what is due, and sets the timer for what is due later. */
void cluster_run(struct cluster *);
/* Returns true if the member runs and was heard a moment ago. */
bool cluster_hears(const struct cluster *, const struct cluster_member *);
/* Ends the writer's part. */
void cluster_depose(struct cluster *, const char *why);

/* cluster-standby.c.  ----------------------------------------------------- */

/* Returns true if the member's row, which comes from outside, names it and an
 * ADDRESS:PORT where it listens for others. */
bool cluster_can_reach(const struct cluster_member *);
/* A writer goes on with revisions so much later than those that it knows of:
 * the former one may have shown some since its last word, of what hosts report
 * and is not stored. */
#define REVISION_GAP 1000000

/* cluster-append.c.  ------------------------------------------------------ */

/* Of struct store_replicator. */
void cluster_append(void *cluster, char *text, size_t length,
                    store_appended_cb *, void *aux);
void cluster_fell_behind(void *cluster, const char *why);
/* Finds out what became of the batch in flight, if it can, and when that is to
 * be tried again. */
void cluster_append_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);
/* The connection was lost. */
void cluster_append_lost(struct cluster *);
/* Ends the batch in flight: its outcome will not be known. */
void cluster_append_abandon(struct cluster *, const char *why);
/* Forgets all of it. */
void cluster_append_uninit(struct cluster *);

/* cluster-follow.c.  ------------------------------------------------------ */

/* Applies what is to be applied. */
void cluster_follow_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);

/* cluster-members.c.  ----------------------------------------------------- */

/* Keeps this member's row in the list. */
void cluster_members_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);
/* Returns how full the disk of the server of the database is, in percent; 0:
 * it is not known. */
int64_t cluster_disk_used(struct cluster *, int64_t now_ms);
/* Begins to say in the list that this process ends; 'registered' is false once
 * that is done.  All else ends. */
void cluster_unregister(struct cluster *);
/* Returns the newest batch that a majority of the members has. */
int64_t cluster_members_have(const struct cluster_view *);

/* cluster-standby.c.  ----------------------------------------------------- */

/* Has requests passed on to who is the writer now. */
void cluster_standby_run(struct cluster *);

/* Begins to make this member's state that of a new cluster, whose first epoch
 * is the time, or 'epoch' if that is later: 0 to CLUSTER_EPOCH_MAX / 2.
 * Returns 0, or a positive errno with an error.  'done' is called as by
 * cluster_db_transact(). */
int cluster_found(struct cluster *, int64_t epoch, cluster_db_done_cb *done,
                  void *aux, struct vmn_error *why);

#endif /* controller/cluster/cluster-private.h */
