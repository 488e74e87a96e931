/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches that another member of a cluster has committed: applied, compiled
 * and written here one by one, with the revisions and IDs that they have
 * there, so that the flows of this member are those of the other at any time.
 * Not for how batches get here (controller/cluster), nor for requests, which a
 * member refuses while it follows. */

#include <config.h>

#include "controller/commit/commit.h"
#include "controller/commit/commit-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "controller/commit/activity.h"
#include "controller/model/id-pools.h"
#include "timeval.h"
#include "util.h"

void
commit_follow(struct commit *commit)
{
    ovs_assert(commit->state == COMMIT_LOADED || commit->state == COMMIT_HELD);
    commit->role = COMMIT_FOLLOWS;
    id_pools_set_frozen(model_id_pools(commit->model), true);
    engine_set_following(commit->engine, true);
}

void
commit_lead(struct commit *commit)
{
    ovs_assert(commit->role == COMMIT_FOLLOWS
               && commit->state == COMMIT_QUIESCENT);
    commit->role = COMMIT_LEADS;
    id_pools_set_frozen(model_id_pools(commit->model), false);
    engine_set_following(commit->engine, false);
    commit_schedule(commit);
}

void
commit_apply_batch(struct commit *commit, const char *text, int64_t index,
                   store_done_cb *done, void *aux)
{
    ovs_assert(commit->role == COMMIT_FOLLOWS && !commit->batch.text);
    commit->batch = (struct followed_batch) {
        .text = xstrdup(text), .index = index, .done = done, .aux = aux,
    };
    commit_schedule(commit);
}

void
commit_end_batch(struct commit *commit, int error,
                 const struct vmn_error *why)
{
    struct followed_batch batch = commit->batch;

    /* The callback may have the next one applied. */
    commit->batch.text = NULL;
    free(batch.text);
    batch.done(batch.aux, error, why);
}

void
commit_run_batch(struct commit *commit)
{
    struct followed_batch *batch = &commit->batch;
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    commit_set_state(commit, COMMIT_WRITING);
    commit->info = (struct commit_group) {
        .time_ms = time_wall_msec(),
        .begin_us = time_usec(),
    };
    activity_begin(commit->activity, commit->info.time_ms);
    error = commit->store_class->apply(commit->store, commit->model,
                                       batch->text, batch->index,
                                       commit_stored, commit, &why);
    if (error) {
        struct vmn_error all = VMN_ERROR_INIT;

        /* The model is not a state that ever was. */
        commit_set_state(commit, COMMIT_BROKEN);
        vmn_error_errno(&all, EUCLEAN, "batch %"PRId64" cannot be applied: "
                        "%s", batch->index, why.text);
        commit_end_batch(commit, EUCLEAN, &all);
        vmn_error_uninit(&all);
        vmn_error_uninit(&why);
        return;
    }
    /* A new writer leaves a gap before its first one. */
    commit->info.first_revision = model_first_unsettled(commit->model);
    commit->info.last_revision = model_revision(commit->model);
    activity_step(commit->activity, ACTIVITY_APPLY);
    commit_follow_rows(commit);
    engine_take_ready_workers(commit->engine);
    commit->info.delta = engine_run(commit->engine);
    activity_compiled(commit->activity, commit->info.delta);
}

/* Not while it is written: the store reads what is pending. */
void
commit_note_people(struct commit *commit)
{
    struct model_pending pending;

    model_get_pending(commit->model, &pending);
    for (size_t i = 0; i < pending.n_logs; i++) {
        commit->info.of_people |= model_is_of_people(pending.logs[i].who);
    }
}
