/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer's batches: each is appended by a transaction that fails unless
 * this member is the writer and the batch the next one.  If the connection is
 * lost meanwhile, the database says afterwards what became of it: the batch is
 * there, or the transaction is sent again, or another member has become the
 * writer, and it never will be.
 *
 * While the database does not say that, the batch is given up after some
 * seconds, so that hosts are managed on without it: its requests are told that
 * it may take effect.  If it did, this member starts anew. */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/batch-text.h"
#include "controller/store/store-changes.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_append);

/* Before what is not known is looked at again. */
#define AGAIN_MS 50
#define NO_DATABASE "the cluster's database cannot be reached, or most of " \
    "its servers are gone"
/* A batch whose outcome is not known for so many times the lease is given up.
 * For that of a lease one waits for a connection that was lost just now. */
#define GIVE_UP_LEASES 3
/* A server that was started again shows an older state, until it hears from
 * the others: for so long, at most. */
#define STALE_MS 5000
/* Bytes of batches that the majority of members lacks. */
#define UNCONFIRMED_MAX (INT64_C(256) * 1024 * 1024)
/* Batches, and bytes of them, from one deletion of old ones to the next. */
#define TRIM_EVERY 100
#define TRIM_EVERY_BYTES (INT64_C(4) * 1024 * 1024)

static void
end_append(struct cluster *c, int error, const char *text)
{
    struct vmn_error why = VMN_ERROR_INIT;
    store_appended_cb *done = c->append.done;
    void *aux = c->append.done_aux;
    int64_t index = c->append.index;

    free(c->append.text);
    c->append.text = NULL;
    c->append.state = APPEND_NONE;
    if (error) {
        vmn_error_errno(&why, error, "%s", text);
    }
    done(aux, error, &why, index);
    vmn_error_uninit(&why);
}

static void
end_appended(struct cluster *c)
{
    struct appended *appended = xmalloc(sizeof *appended);

    appended->index = c->append.index;
    appended->bytes = c->append.length;
    ovs_list_push_back(&c->unconfirmed, &appended->node);
    c->applied = c->append.index;
    cluster_db_set_applied(c->db, c->applied);
    end_append(c, 0, NULL);
}

/* Returns how many bytes a majority of members lacks. */
static int64_t
count_unconfirmed(struct cluster *c, int64_t have)
{
    struct appended *appended, *next;
    int64_t bytes = 0;

    LIST_FOR_EACH_SAFE (appended, next, node, &c->unconfirmed) {
        if (appended->index <= have) {
            ovs_list_remove(&appended->node);
            free(appended);
        } else {
            bytes += appended->bytes;
        }
    }
    return bytes;
}

/* A transaction under way: the reply to one that was given up says nothing of
 * the next. */
struct try {
    struct cluster *cluster;
    int64_t serial;
};

static void on_appended(void *try, const char *fault);

static void
send_append(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    struct cluster_ops_writer w = cluster_as_writer(c);
    struct try *try = xmalloc(sizeof *try);
    int64_t trim = 0;

    if (c->append.index - c->trimmed >= TRIM_EVERY
        || view->bytes - c->trimmed_bytes >= TRIM_EVERY_BYTES) {
        c->trimmed = c->append.index;
        c->trimmed_bytes = view->bytes;
        trim = cluster_members_have(view);
    }
    w.revision = model_revision(c->model); /* That of the batch. */
    *try = (struct try) { c, c->append.serial };
    c->append.state = APPEND_SENT;
    if (!cluster_db_transact(
            c->db, cluster_ops_append(
                &w, c->append.index, c->append.serial,
                view->bytes + c->append.length, c->append.text, trim),
            on_appended, try)) {
        c->append.state = APPEND_DOUBTFUL;
        free(try);
    }
}

static void
on_appended(void *try_, const char *fault)
{
    struct try *try = try_;
    struct cluster *c = try->cluster;
    bool mine = (c->append.state != APPEND_NONE
                 && try->serial == c->append.serial);

    free(try);
    if (!mine) {
        return;
    }
    if (fault) {
        VLOG_DBG("batch %"PRId64" was not appended: %s", c->append.index,
                 fault);
        c->append.state = APPEND_DOUBTFUL;
        c->append.again_ms = loop_now_ms(c->loop) + AGAIN_MS;
    } else {
        end_appended(c);
    }
    cluster_run(c);
}

/* Ends the batch in flight, if there is one, as the database says. */
static void
resolve(struct cluster *c, const struct cluster_view *view,
        const struct cluster_batch *batch, int64_t now_ms, int64_t *wake_ms)
{
    if (c->append.state == APPEND_NONE) {
        return;
    }
    if (batch && batch->epoch == c->epoch
        && batch->serial == c->append.serial) {
        end_appended(c);
    } else if (batch || view->lease.epoch != c->epoch) {
        /* It was there, and others have it, or it never will be: in its place
         * is one that was given up, or another writer's. */
        end_append(c, !batch && view->head >= c->append.index ? EINTR : EPERM,
                   "another member has become the writer");
    } else if (now_ms >= c->append.again_ms) {
        send_append(c);
    } else {
        *wake_ms = MIN(*wake_ms, c->append.again_ms);
    }
}

/* Returns why this writer must start anew, since the database is not as it
 * left it; or NULL.  'batch' is that after what it has. */
static const char *
find_fault(const struct cluster *c, const struct cluster_view *view,
           const struct cluster_batch *batch)
{
    struct store_place place;

    c->store_class->get_place(c->store, &place);
    if (!view->has_row || view->number != place.cluster) {
        return "the database was replaced";
    }
    if (view->lease.epoch != c->epoch) {
        return NULL;            /* It is none any more. */
    }
    if (batch ? c->append.state == APPEND_NONE || batch->epoch != c->epoch
                || batch->serial != c->append.serial
        : view->head > c->applied) {
        return "a change that was given up has been stored all the same";
    }
    return NULL;
}

/* Does what follows from the view, which is current. */
static void
heed_view(struct cluster *c, const struct cluster_view *view, int64_t now_ms,
          int64_t *wake_ms)
{
    const struct cluster_batch *batch
        = cluster_view_find_batch(view, c->applied + 1);
    const char *fault = find_fault(c, view, batch);

    if (cluster_view_is_stale(c) && !fault) {
        c->stale_ms = c->stale_ms ? c->stale_ms : now_ms;
        if (now_ms < c->stale_ms + STALE_MS) {
            *wake_ms = MIN(*wake_ms, c->stale_ms + STALE_MS);
            return;
        }
        fault = "the database lacks changes that were stored";
    }
    c->stale_ms = 0;
    if (fault) {
        cluster_append_abandon(c, fault);
        cluster_depose(c, fault);
    } else {
        resolve(c, view, batch, now_ms, wake_ms);
    }
}

void
cluster_append_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    if (!cluster_is_writer(c)) {
        return;
    }
    /* A reply that is still to come says nothing that the database does not
     * say once it has another epoch. */
    if (view->current && (c->append.state != APPEND_SENT
                          || view->lease.epoch != c->epoch)) {
        heed_view(c, view, now_ms, wake_ms);
    }
    if (c->append.state == APPEND_NONE) {
        return;
    }

    bool is_new = c->append.state == APPEND_NEW;
    int64_t end_ms = c->append.begin_ms + (c->options->lease_ms
                                           * (is_new ? 1 : GIVE_UP_LEASES));
    if (now_ms < end_ms) {
        *wake_ms = MIN(*wake_ms, end_ms);
    } else if (is_new) {
        end_append(c, EAGAIN, NO_DATABASE);
    } else {
        cluster_append_abandon(c, "the cluster's database does not answer, "
                               "and the change may yet take effect");
    }
}

void
cluster_append(void *cluster, char *text, size_t length,
               store_appended_cb *done, void *aux)
{
    struct cluster *c = cluster;
    const struct cluster_view *view = cluster_db_view(c->db);

    ovs_assert(c->append.state == APPEND_NONE);
    c->append.state = APPEND_NEW;
    c->append.text = batch_text_pack(text, length);
    c->append.length = strlen(c->append.text);
    free(text);
    c->append.index = c->applied + 1;
    c->append.serial = ++c->serial;
    c->append.begin_ms = loop_now_ms(c->loop);
    c->append.again_ms = 0;
    c->append.done = done;
    c->append.done_aux = aux;
    if (c->state != CLUSTER_WRITES) {
        end_append(c, EAGAIN, "another member is the cluster's writer, or "
                   "about to be");
    } else if (view->current ? !view->has_row
               : (loop_now_ms(c->loop)
                  >= c->lost_ms + c->options->lease_ms)) {
        end_append(c, EAGAIN, NO_DATABASE);
    } else if (length > STORE_CHANGES_MAX) {
        end_append(c, E2BIG, "the change is too large for the cluster");
    } else if (count_unconfirmed(c, cluster_members_have(view))
               > UNCONFIRMED_MAX) {
        end_append(c, EAGAIN, "most members of the cluster are too far "
                   "behind");
    } else if (!view->current) {
        cluster_run(c);
    } else {
        send_append(c);
        cluster_run(c);
    }
}

void
cluster_append_lost(struct cluster *c)
{
    if (c->append.state == APPEND_SENT) {
        c->append.state = APPEND_DOUBTFUL;
    }
    c->lost_ms = loop_now_ms(c->loop);
}

void
cluster_append_abandon(struct cluster *c, const char *why)
{
    if (c->append.state != APPEND_NONE) {
        end_append(c, EINTR, why);
    }
}

void
cluster_fell_behind(void *cluster, const char *why)
{
    struct cluster *c = cluster;

    cluster_set_problem(c, why);
    if (c->state == CLUSTER_WRITES) {
        cluster_begin_hand_over(c, "");
    }
    cluster_run(c);
}

void
cluster_append_uninit(struct cluster *c)
{
    free(c->append.text);
    count_unconfirmed(c, INT64_MAX);
}
