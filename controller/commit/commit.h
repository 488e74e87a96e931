/* SPDX-License-Identifier: Apache-2.0
 *
 * Commits changes of the state: all of them, operators' requests and hosts'
 * reports alike.
 *
 * Requests are queued while a group is being written.  Once the write is
 * complete, all queued ones are applied (each as a revision of its own),
 * compiled once, and written as the next group with one fsync.  When the group
 * is durable, its flows go to the sink, and then its requests are completed.
 * If the store rejects it, the model is rolled back, and all its requests
 * fail; the contents of an internal commit (the state loaded at the start, and
 * units that are compiled again since IDs were freed) are written again until
 * they are durable, and everything else waits or fails until then.  The group
 * is also rolled back when a host would exceed the engine's limit; its
 * requests are then tried one by one, and the one that exceeds the limit is
 * rejected.
 *
 * Plans have a queue of their own.  Between two groups one is applied,
 * compiled, described and rolled back, without being visible to anyone
 * else. */

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
    bool changed;               /* False: the state was already as
                                 * requested. */
    uint64_t revision;          /* New, or that of the unchanged objects. */
    struct model_request *request; /* With each op's outcome. */
    struct vmn_errors *errors;  /* If !ok. */
    const struct plan *plan;    /* Of commit_plan(); or NULL. */
};
typedef void commit_done_cb(void *aux, const struct commit_result *);

/* A group that became durable.  The first one after the start has no revision
 * (first_revision > last_revision): it is the loaded state, compiled.  Neither
 * has one in which units that had failed because IDs were exhausted are
 * computed again (engine_take_freed_ids()). */
struct commit_group {
    uint64_t first_revision;    /* Revisions in it: first to last. */
    uint64_t last_revision;
    int64_t time_ms;
    int64_t begin_us;           /* time_usec() at its start. */
    const struct engine_delta *delta;
    bool of_people;             /* Some requests are users'
                                 * (store_retention). */
};
/* The receiver of durable groups: the fabric. */
typedef void commit_sink_cb(void *aux, const struct commit_group *);

/* Yields to the event loop if the time slice is over.  For the sink, for
 * callbacks in a quiescent state and for loading at the start; elsewhere it
 * does nothing. */
void commit_yield(struct commit *);
/* As put_receipt() and get_receipt() of struct store_class; without support in
 * the store, none is kept. */
void commit_put_receipt(struct commit *, const struct store_receipt *);
int commit_get_receipt(const struct commit *, uint64_t revision, bool body,
                       struct store_receipt *);
/* Calls fiber_set_max_yields(), for tests. */
void commit_set_max_yields(struct commit *, unsigned n);

struct commit *commit_create(struct event_base *, struct model *,
                             struct engine *, const struct store_class *,
                             struct store *);
/* Waits for the write in progress, and fails requests that have not begun.
 * From then on requests are dropped, without a call of 'done': the callbacks'
 * owners are about to be destroyed. */
void commit_stop(struct commit *);
/* Stops first, if necessary. */
void commit_destroy(struct commit *);
void commit_set_sink(struct commit *, commit_sink_cb *, void *aux);
/* Has 'follow' called when rows have changed, in a group, a batch or as they
 * are rolled back, before anything is computed from them: it has the engine's
 * apps be those of the rows (engine_add_app(), engine_remove_app()), and
 * returns true if it had to change any. */
void commit_set_follow(struct commit *, bool (*follow)(void *aux), void *aux);
/* Has 'note' (NULL: nothing) called in a group after 'follow' has changed
 * apps: it adds to the request what the rows are to say of these.  That is a
 * revision of its own in that group, so members of a cluster, and a state that
 * is loaded at a start, have the one with the other.  If the model refuses it,
 * that is logged, and tried again in the next group. */
void commit_set_note(struct commit *,
                     void (*note)(void *aux, struct model_request *),
                     void *aux);
/* Has the callback called with each group after the sink: the model's pending
 * rows and revisions (model_get_pending()) are those of the group, and are not
 * settled yet: who goes by durable rows does so when the state is quiescent.
 * It may call commit_yield().  There are at most COMMIT_WATCHERS_MAX. */
#define COMMIT_WATCHERS_MAX 16
void commit_add_watch(struct commit *, commit_sink_cb *, void *aux);
void commit_remove_watch(struct commit *, commit_sink_cb *, void *aux);

/* Holds back the first group, and all others with it, until commit_begin(), so
 * that what is reported meanwhile can be loaded into the model as a part of
 * the state that is compiled first.  Returns false if it has begun already. */
bool commit_hold(struct commit *);
/* Ends commit_hold().  'load' is called before anything is compiled, and may
 * call commit_yield(); NULL: there is nothing to load. */
void commit_begin(struct commit *, void (*load)(void *aux), void *aux);

/* Has this member of a cluster follow another one: requests are refused, and
 * no ID is allocated (id_pools_set_frozen()).  To be called before the loop's
 * next turn after commit_create(). */
void commit_follow(struct commit *);
/* Applies a batch that another member appended as 'index', as a group: 'done'
 * is called once it is settled, or with a positive errno and an error: it
 * could not be written, and may be applied again; or it does not fit
 * (EUCLEAN), and nothing is committed any more.  Not after commit_destroy().
 * One at a time. */
void commit_apply_batch(struct commit *, const char *text, int64_t index,
                        store_done_cb *done, void *aux);
/* Has units computed again that found the worker of their app absent, if that
 * is worth another try (engine_take_ready_workers()), and requests applied
 * again whose objects an app has not checked yet. */
void commit_retry(struct commit *);
/* Has the engine run, apart from requests' groups, since something else than
 * rows has changed what it computes.  To be called while the state is
 * quiescent, by a callback of commit_when_quiescent(). */
void commit_recompute(struct commit *);
/* Ends commit_follow(), in a quiescent state. */
void commit_lead(struct commit *);

/* Queues 'request'; takes ownership of its contents and leaves it empty.
 * 'done' is called from the loop, never from inside this call, or may be NULL.
 * At most COMMIT_QUEUE_MAX requests are queued; the rest fail as
 * unavailable. */
#define COMMIT_QUEUE_MAX 10000
void commit_submit(struct commit *, struct model_request *request,
                   commit_done_cb *done, void *aux);

/* Plans what 'request' would do; takes ownership of its contents.  'done' is
 * called as by commit_submit(): with the errors that the request itself would
 * get, or with a plan.  At most COMMIT_PLANS_MAX are queued, and
 * COMMIT_PLANS_ACCOUNT_MAX of an account with a scope. */
#define COMMIT_PLANS_MAX 100
#define COMMIT_PLANS_ACCOUNT_MAX 20
void commit_plan(struct commit *, struct model_request *request,
                 commit_done_cb *done, void *aux);

/* Applies 'request' as a plan does, and calls 'inspect', which may call
 * commit_yield(); then rolls it back and calls 'done', without a plan.  One
 * that is rejected is not inspected.  They are queued with the plans. */
void commit_dry_run(struct commit *, struct model_request *request, void
                    (*inspect)(void *aux), commit_done_cb *done, void *aux);

const struct engine *commit_engine(const struct commit *);

/* Sets how long a group may wait for more requests, in milliseconds; 0, and
 * until this is called: never.  While hosts are behind: see batching.h; as the
 * writer of a cluster for who was answered just now: see gathering.h. */
#define COMMIT_MAX_DELAY_MS 1000
void commit_set_max_delay(struct commit *, int ms);
/* Sets whether most hosts have outstanding replies. */
void commit_set_behind(struct commit *, bool behind);

/* For /metrics and unixctl. */
struct commit_stats {
    uint64_t n_queue;           /* Queued requests. */
    uint64_t n_groups, n_requests; /* Started, and the requests in them. */
    uint64_t delay_us;          /* Of the next group, while hosts are
                                 * behind. */
    uint64_t n_waits, waited_us; /* Groups that waited, and how long. */
    uint64_t n_revisions;       /* Stored since the start. */
    struct histogram stored;    /* Latency of groups of revisions, from their
                                 * start until they are durable. */
};
void commit_get_stats(const struct commit *, struct commit_stats *);

/* Registers "engine/verify", "engine/problems" and "commit/show" with
 * unixctl. */
void commit_unixctl_init(struct commit *);

/* Returns why the newest write failed, or NULL if it did not: the network
 * keeps working, but nothing can be changed.  Valid until the next iteration
 * of the loop. */
const char *commit_store_error(const struct commit *);

/* Returns the records of the last groups; see activity.h. */
const struct activity *commit_activity(const struct commit *);

/* Returns true if the state is quiescent: nothing is being written, and the
 * engine's items are exactly the durable ones.  A host is reconciled only
 * then. */
bool commit_is_quiescent(const struct commit *);
/* Returns true while current rows and the engine's results are of a plan or a
 * dry run, which is rolled back: reads wait.  Not while the plan is compared
 * with the former rows (model_is_put_back()). */
bool commit_is_trying(const struct commit *);
/* Calls 'cb' once, from the loop, when the state is quiescent (before the next
 * group starts).  It stays quiescent until 'cb' returns, even if it calls
 * commit_yield(). */
void commit_when_quiescent(struct commit *, void (*cb)(void *aux), void *aux);
void commit_cancel_when_quiescent(struct commit *, void (*cb)(void *aux),
                                  void *aux);

#endif /* controller/commit/commit.h */
