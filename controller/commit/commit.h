/* SPDX-License-Identifier: Apache-2.0
 *
 * Commits changes of the state: every one goes through here, an operator's
 * request and a host's report alike.
 *
 * Requests queue up while a group is being written.  Once the writer is done,
 * all that wait are applied (each as a revision of its own), compiled once,
 * and written as the next group with one fsync.  When the group is durable,
 * its flows go to the sink, and then its requests are answered.  When the
 * store refuses it, the model goes back, and all its requests fail; what an
 * internal commit has (what was loaded at the start, and units that are tried
 * again since IDs have become free) is written again until it is durable, and
 * all else waits or fails until then.  So it does when a host would exceed the
 * engine's limit; the group's requests are then tried one by one, and the one
 * that exceeds it is refused.
 *
 * Plans wait in a queue of their own.  Between two groups one is applied,
 * compiled, described and undone, and nobody else sees it. */

#ifndef CONTROLLER_COMMIT_COMMIT_H
#define CONTROLLER_COMMIT_COMMIT_H 1


#include "controller/engine/engine.h"
#include "controller/histogram.h"
#include "controller/model/model.h"
#include "controller/store/store.h"

struct activity;
struct commit;
struct plan;

struct commit_result {
    bool ok;
    bool changed;               /* False: the state was so already. */
    uint64_t revision;          /* New, or that of the unchanged objects. */
    struct model_request *request; /* With each op's outcome. */
    struct vmn_errors *errors;  /* If !ok. */
    const struct plan *plan;    /* Of commit_plan(); or NULL. */
};
typedef void commit_done_cb(void *aux, const struct commit_result *);

/* One group that became durable.  The first one after the start has no
 * revision (first_revision > last_revision): it is the compiled state as it
 * was loaded.  Nor has one in which units that had failed for want of an ID
 * are computed again (engine_take_freed_ids()). */
struct commit_group {
    uint64_t first_revision;    /* Revisions in it: first to last. */
    uint64_t last_revision;
    int64_t time_ms;
    int64_t begin_us;           /* time_usec() when its making began. */
    const struct engine_delta *delta;
    bool of_people;             /* Some of them are (store_retention). */
};
/* Receives durable groups: the fabric. */
typedef void commit_sink_cb(void *aux, const struct commit_group *);

/* Yields to the event loop if the time slice is over.  For the sink, for what
 * is called at a quiescent moment and for what loads at the start; elsewhere
 * it does nothing. */
void commit_yield(struct commit *);
/* As put_receipt() and get_receipt() of struct store_class; where the store
 * has none, none is kept. */
void commit_put_receipt(struct commit *, const struct store_receipt *);
int commit_get_receipt(const struct commit *, uint64_t revision, bool body,
                       struct store_receipt *);
/* Calls fiber_set_max_yields(), for tests. */
void commit_set_max_yields(struct commit *, unsigned n);

struct commit *commit_create(struct event_base *, struct model *,
                             struct engine *, const struct store_class *,
                             struct store *);
/* Waits for the write that is under way, and fails what has not begun.  From
 * then on requests are dropped, without a call of 'done': those who would be
 * called are about to be destroyed. */
void commit_stop(struct commit *);
/* Stops first, if that is still to be done. */
void commit_destroy(struct commit *);
void commit_set_sink(struct commit *, commit_sink_cb *, void *aux);
/* Has the callback called with each group after the sink: the model's pending
 * rows and revisions (model_get_pending()) are those of the group.  It may
 * call commit_yield().  There are at most COMMIT_WATCHERS_MAX. */
#define COMMIT_WATCHERS_MAX 8
void commit_add_watch(struct commit *, commit_sink_cb *, void *aux);
void commit_remove_watch(struct commit *, commit_sink_cb *, void *aux);

/* Puts off the first group, and all others with it, until commit_begin(), so
 * that what is learned meanwhile can be loaded into the model as a part of the
 * state that is compiled first.  Returns false if it has begun already. */
bool commit_hold(struct commit *);
/* Ends commit_hold().  'load' is called before anything is compiled, and may
 * call commit_yield(); NULL: there is nothing to load. */
void commit_begin(struct commit *, void (*load)(void *aux), void *aux);

/* Queues 'request'; takes over its contents and leaves it empty.  'done' is
 * called from the loop, never from inside this call, or may be NULL.
 * At most COMMIT_QUEUE_MAX requests wait; the rest fail as unavailable. */
#define COMMIT_QUEUE_MAX 10000
void commit_submit(struct commit *, struct model_request *request,
                   commit_done_cb *done, void *aux);

/* Finds out what 'request' would do; takes over its contents.  'done' is
 * called as by commit_submit(): refused as the request itself would be, or
 * with a plan.  At most COMMIT_PLANS_MAX wait. */
#define COMMIT_PLANS_MAX 100
void commit_plan(struct commit *, struct model_request *request,
                 commit_done_cb *done, void *aux);

/* Applies 'request' as a plan does, and calls 'inspect', which may call
 * commit_yield(); then undoes it and calls 'done', without a plan.  One that
 * is refused is not inspected.  They wait among the plans. */
void commit_dry_run(struct commit *, struct model_request *request, void
                    (*inspect)(void *aux), commit_done_cb *done, void *aux);

const struct engine *commit_engine(const struct commit *);

/* Sets how long a group may wait for more requests while hosts are behind, in
 * milliseconds; 0, and until this is called: never.  See batching.h. */
#define COMMIT_MAX_DELAY_MS 1000
void commit_set_max_delay(struct commit *, int ms);
/* Says whether most hosts owe answers to what they were sent. */
void commit_set_behind(struct commit *, bool behind);

/* For /metrics and unixctl. */
struct commit_stats {
    uint64_t n_queue;           /* Requests that wait. */
    uint64_t n_groups, n_requests; /* Begun, and in all of them. */
    uint64_t delay_us;          /* Of the next group. */
    uint64_t n_waits, waited_us; /* Groups that waited, and how long. */
    uint64_t n_revisions;       /* Stored since the start. */
    struct histogram stored;    /* Groups of revisions, from the beginning of
                                 * their making until they were durable. */
};
void commit_get_stats(const struct commit *, struct commit_stats *);

/* Registers "engine/verify", "engine/problems" and "commit/show" with
 * unixctl. */
void commit_unixctl_init(struct commit *);

/* Returns why the newest write failed, or NULL if it did not: the network goes
 * on, but nothing can be changed.  Valid until the next turn of the loop. */
const char *commit_store_error(const struct commit *);

/* Returns what the last groups were and took; see activity.h. */
const struct activity *commit_activity(const struct commit *);

/* Returns true when nothing is being written: the engine's items are then
 * exactly what is durable.  A host is reconciled only at such a moment. */
bool commit_is_quiescent(const struct commit *);
/* Calls 'cb' once, at the next such moment (from the loop; before the next
 * group starts).  It stays that moment until 'cb' returns, even if it calls
 * commit_yield(). */
void commit_when_quiescent(struct commit *, void (*cb)(void *aux), void *aux);
void commit_cancel_when_quiescent(struct commit *, void (*cb)(void *aux),
                                  void *aux);

#endif /* controller/commit/commit.h */
