/* SPDX-License-Identifier: Apache-2.0
 *
 * Waits for a quiescent state: one in which nothing is being written, so that
 * the engine's items are exactly the durable ones. */

#include <config.h>

#include "controller/commit/commit.h"
#include "controller/commit/commit-private.h"

#include <stdlib.h>

#include "util.h"

struct quiescent_cb {
    struct ovs_list node;
    void (*cb)(void *aux);
    void *aux;
};

bool
commit_is_quiescent(const struct commit *commit)
{
    return commit->state == COMMIT_QUIESCENT;
}

bool
commit_is_trying(const struct commit *commit)
{
    return (commit->state == COMMIT_TRYING
            && !model_is_put_back(commit->model));
}

void
commit_when_quiescent(struct commit *commit, void (*cb)(void *aux), void *aux)
{
    struct quiescent_cb *waiter = xmalloc(sizeof *waiter);

    waiter->cb = cb;
    waiter->aux = aux;
    ovs_list_push_back(&commit->quiescent_cbs, &waiter->node);
    commit_schedule(commit);
}

void
commit_cancel_when_quiescent(struct commit *commit, void (*cb)(void *aux),
                             void *aux)
{
    struct quiescent_cb *waiter, *next;

    LIST_FOR_EACH_SAFE (waiter, next, node, &commit->quiescent_cbs) {
        if (waiter->cb == cb && waiter->aux == aux) {
            ovs_list_remove(&waiter->node);
            free(waiter);
        }
    }
}

void
commit_call_quiescent(struct commit *commit)
{
    size_t n = ovs_list_size(&commit->quiescent_cbs);

    /* Take one at a time off the list, since a callback may cancel others. */
    for (; n && !ovs_list_is_empty(&commit->quiescent_cbs); n--) {
        struct quiescent_cb *waiter
            = CONTAINER_OF(ovs_list_pop_front(&commit->quiescent_cbs),
                           struct quiescent_cb, node);

        waiter->cb(waiter->aux);
        free(waiter);
        commit_yield(commit);
    }
}

void
commit_drop_quiescent(struct commit *commit)
{
    struct quiescent_cb *waiter;

    LIST_FOR_EACH_POP (waiter, node, &commit->quiescent_cbs) {
        free(waiter);
    }
}
