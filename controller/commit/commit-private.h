/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the .c files of the commit share: commit.c has its life
 * cycle and the order of an iteration, commit-queue.c the queue and the
 * replies, commit-group.c creates, writes and rolls back groups,
 * commit-follow.c the batches of another member of a cluster,
 * commit-quiescence.c has the waits for a quiescent state. */

#ifndef CONTROLLER_COMMIT_COMMIT_PRIVATE_H
#define CONTROLLER_COMMIT_COMMIT_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/commit/batching.h"
#include "controller/commit/commit.h"
#include "controller/commit/gathering.h"
#include "openvswitch/list.h"

struct event;
struct fiber;

/* A group takes no more requests once it has this many of them, or this many
 * operations, so that it stays short. */
#define COMMIT_GROUP_MAX 512
#define COMMIT_GROUP_OPS_MAX 2000
/* Initial delay before the loaded state is written again. */
#define COMMIT_RETRY_MIN_MS 100

/* A request that is queued, being written, or about to complete. */
struct pending {
    struct ovs_list node;
    struct model_request request;
    commit_done_cb *done;
    void *aux;
    bool client;                /* Its caller waits for the answer. */
    bool ok;
    int64_t until_ms;           /* time_msec() until which it waits for apps
                                 * that check it; 0: it has not waited. */
    size_t n_checked;           /* Of the request, before it was put off. */
    bool planned;               /* It is a plan or a dry run. */
    uint64_t revision;
    struct vmn_errors errors;
    struct plan *plan;          /* The result of a dry run; or NULL. */
    void (*inspect)(void *aux); /* Of a dry run, or NULL. */
};

/* The state of the model and of the engine.  commit_set_state() makes each
 * transition:
 *
 *   HELD <--> LOADED --> COMPILING          the first compile
 *   QUIESCENT <--> TRYING                   a plan or a dry run
 *   QUIESCENT --> COMPILING --> WRITING     a group
 *                     '--> QUIESCENT        nothing to write, or rolled back
 *   QUIESCENT --> WRITING --> BROKEN        a batch, compiled meanwhile
 *   WRITING --> WRITTEN --> QUIESCENT       durable, or rolled back
 *                  '--> RETRYING --> WRITING
 *                                           an internal group that failed
 *
 * Requests, and what waits for a quiescent state, are looked at in QUIESCENT
 * alone. */
enum commit_state {
    COMMIT_LOADED,              /* The first compile has not begun. */
    COMMIT_HELD,                /* The same, until commit_begin(). */
    COMMIT_QUIESCENT,           /* Both have the durable state. */
    COMMIT_TRYING,              /* A plan or a dry run is applied. */
    COMMIT_COMPILING,           /* A group is applied. */
    COMMIT_WRITING,             /* The store writes the group. */
    COMMIT_WRITTEN,             /* It has, or has failed: 'write_error'. */
    COMMIT_RETRYING,            /* An internal group waits to be written
                                 * again. */
    COMMIT_BROKEN,              /* A batch did not fit. */
};

/* Whether requests are taken, and groups begin. */
enum commit_intake {
    COMMIT_OPEN,
    COMMIT_STOPPED,             /* No group begins any more. */
    COMMIT_CLOSED,              /* And requests are dropped. */
};

/* What vmnd is to a cluster. */
enum commit_role {
    COMMIT_ALONE,
    COMMIT_FOLLOWS,             /* Another member commits. */
    COMMIT_LEADS,               /* A write is one of a cluster's. */
};

/* A batch of another member's. */
struct followed_batch {
    char *text;                 /* Owned; NULL: there is none. */
    int64_t index;
    store_done_cb *done;
    void *aux;
};

struct commit {
    enum commit_state state;
    enum commit_intake intake;
    enum commit_role role;
    struct event_base *base;
    struct model *model;
    struct engine *engine;
    const struct store_class *store_class;
    struct store *store;
    struct fiber *fiber;        /* Runs everything below, by run(). */
    struct batching batching;   /* When the next group may begin, */
    struct gathering gathering; /* by hosts, and by clients; */
    struct event *later;        /* which this waits for. */
    int64_t waiting_us;         /* When that wait began; 0: there is none. */
    uint64_t n_waits, waited_us; /* Groups that waited, and how long. */
    int64_t submitted_us;       /* When the group was given to the store. */
    bool behind;                /* Most hosts have outstanding replies. */
    uint64_t n_groups, n_requests; /* Started groups, and their requests. */
    uint64_t n_revisions;       /* Stored. */
    struct histogram stored;
    struct ovs_list queue;      /* Of struct pending. */
    size_t n_queue;
    size_t n_queue_ops;         /* Their operations. */
    size_t n_queue_clients;     /* Those of them whose caller waits. */
    size_t n_single;            /* The first ones get a group each. */
    struct ovs_list put_off;    /* Of struct pending: apps that check them are
                                 * late. */
    bool queue_again;           /* Queue these again, */
    struct event *again;        /* which this sets at the latest. */
    size_t n_waiting;           /* Requests with 'until_ms'. */
    struct ovs_list plans;      /* Of struct pending. */
    size_t n_plans;
    struct ovs_list refused;    /* Overflow of the queue, to be failed. */
    struct ovs_list group;      /* Being written. */
    struct followed_batch batch; /* Of the role COMMIT_FOLLOWS, the batch that
                                  * is next, or being written. */
    struct event *retry;        /* Writes an internal group again */
    int retry_ms;               /* after this delay. */
    struct event *times;        /* Expires when a time that units wait for has
                                 * passed. */
    bool recompute;             /* The engine is to run. */
    void (*load)(void *aux);    /* commit_begin(): sets what is loaded. */
    void *load_aux;
    int write_error;            /* Of COMMIT_WRITTEN: an errno, or 0; */
    char *write_error_text;     /* and the reason, or NULL. */
    struct commit_group info;
    struct activity *activity;
    char *store_error;          /* Of the newest write, or NULL. */
    struct ovs_list quiescent_cbs;
    commit_sink_cb *sink;
    void *sink_aux;
    bool (*follow)(void *aux);  /* commit_set_follow(); or NULL. */
    void *follow_aux;
    void (*note)(void *aux, struct model_request *); /* commit_set_note(); or
                                                      * NULL. */
    void *note_aux;
    bool unnoted;               /* What it said could not be applied: the next
                                 * group tries again, */
    bool noted_again;           /* as this one has done: to be tried once more
                                 * if it is rolled back. */
    struct {
        commit_sink_cb *cb;
        void *aux;
    } watchers[COMMIT_WATCHERS_MAX];
    size_t n_watchers;
};

/* Schedules the fiber. */
void commit_schedule(struct commit *);
/* Makes the transition. */
void commit_set_state(struct commit *, enum commit_state);

/* commit-queue.c.  -------------------------------------------------------- */

/* Returns true if the request has changed anything. */
bool commit_request_changed(const struct model_request *);
/* Fails the request with this error. */
void commit_refuse(struct pending *, enum vmn_error_code, const char *text);
/* Completes all requests of a list, which is empty then. */
void commit_reply_all(struct commit *, struct ovs_list *);
/* Returns true if the request, which has failed, is put off, since an app that
 * looks at its objects is late. */
bool commit_put_off(struct commit *, struct pending *);
/* Queues all requests that were put off, if that is due. */
void commit_queue_again(struct commit *);
/* Adds a request to the end of the queue.  Takes one out of it, wherever it
 * is. */
void commit_enqueue(struct commit *, struct pending *);
void commit_dequeue(struct commit *, struct pending *);
/* Returns true if a group of the queued requests must begin now; else
 * schedules the fiber for when it must. */
bool commit_is_due(struct commit *);
/* Ends the wait of a group that begins, or that nothing is left of. */
void commit_end_wait(struct commit *, bool begins);
/* Makes the plan that has waited longest.  The state must be quiescent. */
void commit_run_plan(struct commit *);

/* commit-group.c.  -------------------------------------------------------- */

/* Compiles the loaded state. */
void commit_compile_loaded(struct commit *);
/* Has the engine's apps follow the rows, before it computes.  Returns true if
 * some have changed. */
bool commit_follow_rows(struct commit *);
/* Makes a group of the queued requests. */
void commit_run_group(struct commit *);
/* Writes the group to the store, for the first time or again. */
void commit_write_group(struct commit *);
/* Continues with the group once the store has completed the write. */
void commit_handle_store_reply(struct commit *);
/* Computes units again that had found no free ID, or no worker, or a time in
 * the future, if that is otherwise by now. */
void commit_compute_again(struct commit *);

/* Notes what became of the write: a store_done_cb. */
void commit_stored(void *commit, int error, const struct vmn_error *);

/* commit-follow.c.  ------------------------------------------------------- */

/* Applies and compiles the batch, and starts to write it. */
void commit_run_batch(struct commit *);
/* Notes whether the batch, which is written, has revisions of people. */
void commit_note_people(struct commit *);
/* Frees the batch, and says what became of it. */
void commit_end_batch(struct commit *, int error, const struct vmn_error *);

/* commit-quiescence.c.  --------------------------------------------------- */

/* Calls those who wait for a quiescent state, which it is now. */
void commit_call_quiescent(struct commit *);
/* Drops these waits. */
void commit_drop_quiescent(struct commit *);

#endif /* controller/commit/commit-private.h */
