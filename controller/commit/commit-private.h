/* SPDX-License-Identifier: Apache-2.0
 *
 * The insides of the commit, shared by its .c files alone: commit.c has its
 * life and the order of a turn, commit-queue.c what waits and is answered,
 * commit-group.c how a group is made, written and undone, commit-quiescence.c
 * who waits for a moment between two groups. */

#ifndef CONTROLLER_COMMIT_COMMIT_PRIVATE_H
#define CONTROLLER_COMMIT_COMMIT_PRIVATE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/commit/batching.h"
#include "controller/commit/commit.h"
#include "openvswitch/list.h"

struct event;
struct fiber;

/* A group takes no more requests once it has so many, so that it stays
 * short. */
#define COMMIT_GROUP_MAX 512
/* Before what was loaded is given to the store again, at first. */
#define COMMIT_RETRY_MIN_MS 100

/* A request that waits, is being written, or is to be answered. */
struct pending {
    struct ovs_list node;
    struct model_request request;
    commit_done_cb *done;
    void *aux;
    bool ok;
    uint64_t revision;
    struct vmn_errors errors;
    struct plan *plan;          /* If it was planned only. */
    void (*inspect)(void *aux); /* Of a dry run, or NULL. */
};

struct commit {
    struct event_base *base;
    struct model *model;
    struct engine *engine;
    const struct store_class *store_class;
    struct store *store;
    struct fiber *fiber;        /* Does all below, from run(). */
    struct batching batching;   /* When the next group may begin, */
    struct event *later;        /* which this waits for. */
    bool behind;                /* Most hosts owe answers. */
    uint64_t n_groups, n_requests; /* Begun, and in them. */
    uint64_t n_revisions;       /* Stored. */
    struct histogram stored;
    struct ovs_list queue;      /* Of struct pending. */
    size_t n_queue;
    size_t n_single;            /* The first of them get a group each. */
    struct ovs_list plans;      /* Of struct pending. */
    size_t n_plans;
    struct ovs_list refused;    /* Overflow of the queue, to be answered. */
    struct ovs_list group;      /* Being written. */
    bool started;
    bool internal;              /* An internal commit is not durable yet: of
                                 * what was loaded, or of units that were
                                 * computed again. */
    struct event *retry;        /* Gives that to the store again ... */
    int retry_ms;               /* ... after so long, next time. */
    bool held;                  /* Until commit_begin(), */
    void (*load)(void *aux);    /* which may say what loads first. */
    void *load_aux;
    bool stopped;
    bool busy;                  /* Model and engine are not as is durable. */
    bool writing;
    bool written;               /* The store has answered ... */
    int write_error;            /* ... with this, or 0 ... */
    char *write_error_text;     /* ... for this reason, or NULL. */
    struct commit_group info;
    struct activity *activity;
    char *store_error;          /* Of the newest write, or NULL. */
    struct ovs_list quiescent_cbs;
    commit_sink_cb *sink;
    void *sink_aux;
    struct {
        commit_sink_cb *cb;
        void *aux;
    } watchers[COMMIT_WATCHERS_MAX];
    size_t n_watchers;
};

/* Has the fiber do what there is to do, soon. */
void commit_schedule(struct commit *);

/* commit-queue.c.  -------------------------------------------------------- */

/* Returns true unless all that was asked for was so already. */
bool commit_request_changed(const struct model_request *);
/* Has the request fail as unavailable, with this sentence. */
void commit_refuse(struct pending *, const char *text);
/* Answers all requests of a list, which is empty then. */
void commit_reply_all(struct commit *, struct ovs_list *);
/* Returns true if what is in the queue is to begin now; else has the fiber
 * scheduled when it is. */
bool commit_is_due(struct commit *);
/* Makes the plan that waits longest, at a quiescent moment. */
void commit_run_plan(struct commit *);

/* commit-group.c.  -------------------------------------------------------- */

/* Compiles the state as it was loaded. */
void commit_compile_loaded(struct commit *);
/* Makes a group of what waits in the queue. */
void commit_run_group(struct commit *);
/* Gives the group to the store, for the first time or again. */
void commit_write_group(struct commit *);
/* Goes on with the group once the store has answered. */
void commit_handle_store_reply(struct commit *);
/* Computes units again that had failed for want of an ID, if IDs have become
 * free. */
void commit_retry_exhausted(struct commit *);

/* commit-quiescence.c.  --------------------------------------------------- */

/* Calls those who wait for a quiescent moment, which this is. */
void commit_call_quiescent(struct commit *);
/* Forgets them. */
void commit_drop_quiescent(struct commit *);

#endif /* controller/commit/commit-private.h */
