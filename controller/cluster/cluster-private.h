/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the cluster share: cluster.c has the life of a member and
 * its lease, cluster-append.c the writer's batches, cluster-follow.c those of
 * others, cluster-members.c the list of members, cluster-managers.c who
 * manages which host, cluster-questions.c what the writer asks these,
 * cluster-standby.c what one that stands by passes on,
 * cluster-unixctl.c the commands. */

#ifndef CONTROLLER_CLUSTER_CLUSTER_PRIVATE_H
#define CONTROLLER_CLUSTER_CLUSTER_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/cluster-db.h"
#include "controller/cluster/cluster-ops.h"
#include "controller/cluster/cluster-shares.h"
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

/* How often the newest batch is noted, at most, while one may be lacked. */
#define CLUSTER_SEEN_MAX 34

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
    struct shash peers;         /* Relays to other members, by name. */
    struct relay_caller *caller; /* What it asks them itself, or NULL; */
    struct shash askings;       /* as the writer: struct asking of
                                 * cluster-questions.c, by "QUESTION
                                 * NAME". */

    struct {                    /* Of cluster-events.c. */
        bool busy;              /* A question is under way, */
        int64_t asked_ms;       /* since then. */
        int64_t told_ms;        /* When the last one was that has an answer. */
        int64_t again_ms;       /* Not before. */
        char *of;               /* The writer that is asked.  Owned. */
        int64_t epoch;          /* Its epoch, */
        int64_t since_ms;       /* since then. */
        int64_t heard_ms;       /* When a writer was heard last. */
        bool failed;            /* The last one has, as was said, */
        int64_t failed_ms;      /* and all since then. */
    } events;

    /* The writer. */
    bool writer;                /* It is one, */
    int64_t epoch;              /* of this epoch. */
    bool handing_over;          /* The lease is being given up, */
    char *successor;            /* to this member; "": to any. */
    bool telling;               /* Others may not have heard all yet. */
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
    int64_t beat, beat_epoch;   /* The writer's last, */
    int64_t beat_ms;            /* and when it was seen. */
    int64_t beats_ms;           /* Since when they come without a pause. */
    int64_t heard_ms;           /* When one was seen that was not old. */
    int64_t known_ms;           /* When there was a writer that was heard. */
    bool caught_up;             /* All that there was when the database was
                                 * seen again is applied. */
    int64_t overdue;            /* The newest batch that was seen longer ago
                                 * than a copy that is current may lack it;
                                 * then those since then, at some times. */
    size_t n_seen;
    struct { int64_t batch, ms; } seen[CLUSTER_SEEN_MAX];
    uint64_t shown;             /* The newest revision that clients of this
                                 * member were shown by the writer, */
    int64_t shown_ms;           /* at this time. */
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
    int64_t reported_weight;
    int64_t disk, disk_ms;      /* cluster_disk_used(), and when; 0: never. */
    char *untold;               /* Members that hosts are not told of, as was
                                 * said. */

    /* Who manages which host. */
    struct shares shares;       /* As last known, */
    uint64_t generation;        /* of this one, or of a later epoch. */
    int64_t generation_head;    /* The newest batch when it was seen first. */
    struct {                    /* As the writer, which publishes them. */
        struct shares_policy policy;
        uint32_t members;       /* hash_members() when it was asked last. */
        bool busy;              /* A transaction is under way. */
        uint64_t tried;         /* The largest generation that was sent. */
        bool allowed;           /* See cluster_share_hosts(). */
        int64_t again_ms;       /* Not before. */
        bool is_last;           /* Generations of this epoch are used up. */
    } sharing;
};

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
/* Ends the writer's part. */
void cluster_depose(struct cluster *, const char *why);

/* cluster-standby.c.  ----------------------------------------------------- */

/* Returns true if the member's row, which comes from outside, names it and an
 * ADDRESS:PORT where it listens for others. */
bool cluster_can_reach(const struct cluster_member *);
/* Of struct relay_options. */
/* A writer goes on with revisions so much later than those that it knows of:
 * the former one may have shown some since its last word, of what hosts report
 * and is not stored. */
#define REVISION_GAP 1000000
void cluster_note_shown(void *cluster, uint64_t revision);
uint64_t cluster_own_revision(void *cluster);

/* cluster-peers.c.  ------------------------------------------------------- */

/* Replies 503 to what other members have not answered. */
void cluster_close_peers(struct cluster *);

/* cluster-questions.c.  --------------------------------------------------- */

/* Bytes of an answer. */
#define CLUSTER_ANSWER_MAX (4608 * 1024)
/* How long asking may take, in milliseconds, if nothing waits for it. */
#define CLUSTER_REPLY_MS 5000
/* As the writer, asks the members that are to be asked. */
void cluster_questions_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);
/* There is a listener of other members. */
void cluster_questions_open(struct cluster *);
void cluster_questions_close(struct cluster *);

/* cluster-events.c.  ------------------------------------------------------ */

/* While it stands by, asks the writer, which it can reach, for its events;
 * NULL: there is none.  'heard': there is a writer that is heard. */
void cluster_events_run(struct cluster *, const struct cluster_member *writer,
                        bool heard, int64_t now_ms, int64_t *wake_ms);

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

/* cluster-managers.c.  ---------------------------------------------------- */

/* Follows what the database says of shares. */
void cluster_managers_see(struct cluster *);
/* As the writer, publishes the shares that should be. */
void cluster_managers_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);

/* cluster-standby.c.  ----------------------------------------------------- */

/* Has requests passed on to who is the writer now, and its events asked
 * for. */
void cluster_standby_run(struct cluster *, int64_t now_ms, int64_t *wake_ms);

/* Begins to make this member's state that of a new cluster, whose first epoch
 * is the time, or 'epoch' if that is later: 0 to SHARES_EPOCH_MAX / 2.
 * Returns 0, or a positive errno with an error.  'done' is called as by
 * cluster_db_transact(). */
int cluster_found(struct cluster *, int64_t epoch, cluster_db_done_cb *done,
                  void *aux, struct vmn_error *why);

#endif /* controller/cluster/cluster-private.h */
