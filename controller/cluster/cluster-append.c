/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer's batches: each is appended by a transaction that fails unless
 * this member is the writer and the batch the next one.  If the connection is
 * lost meanwhile, the database says afterwards what became of it: the batch is
 * there, or the transaction is sent again, or another member has become the
 * writer, and it never will be. */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <errno.h>
#include <stdlib.h>

#include "controller/store/store-changes.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_append);

/* Before what is not known is looked at again. */
#define AGAIN_MS 50
/* A batch whose outcome is not known for so long has its requests answered. */
#define STALLED_MS 3000
/* Bytes of batches that the majority of members lacks. */
#define UNCONFIRMED_MAX (INT64_C(256) * 1024 * 1024)
/* Batches from one deletion of old ones to the next. */
#define TRIM_EVERY 100

static void
end_append(struct cluster *c, int error, const char *text)
{
    struct vmn_error why = VMN_ERROR_INIT;
    store_appended_cb *done = c->append.done;
    void *aux = c->append.done_aux;
    int64_t index = c->append.index;

    free(c->append.text);
    c->append.text = NULL;
    c->append.active = false;
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

static void on_appended(void *cluster, const char *fault);

static void
send_append(struct cluster *c)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_ops_writer w = cluster_as_writer(c);
    bool trim = c->append.index - c->trimmed >= TRIM_EVERY;

    c->append.in_doubt = false;
    if (trim) {
        c->trimmed = c->append.index;
    }
    c->append.sent = cluster_db_transact(
        c->db, cluster_ops_append(
            &w, c->append.index, view->bytes + c->append.length,
            c->append.text, trim ? cluster_members_have(view) : 0),
        on_appended, c);
    if (!c->append.sent) {
        c->append.in_doubt = true;
    }
}

static void
on_appended(void *cluster, const char *fault)
{
    struct cluster *c = cluster;

    c->append.sent = false;
    if (!c->append.active) {
        return;
    }
    if (fault) {
        VLOG_DBG("batch %"PRId64" was not appended: %s", c->append.index,
                 fault);
        c->append.in_doubt = true;
        c->append.again_ms = loop_now_ms(c->loop) + AGAIN_MS;
    } else {
        end_appended(c);
    }
    cluster_run(c);
}

void
cluster_append_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_batch *batch;

    if (!c->append.active) {
        return;
    }
    if (now_ms >= c->append.begin_ms + STALLED_MS) {
        c->append.begin_ms = now_ms;
        c->callbacks->stalled(c->aux, "the cluster's database does not say "
                              "whether it has stored the change");
    }
    *wake_ms = MIN(*wake_ms, c->append.begin_ms + STALLED_MS);
    /* A reply that is still to come says nothing that the database does not
     * say once it has another epoch. */
    if (!view->current || !view->has_row
        || (!c->append.in_doubt && view->lease.epoch == c->epoch)) {
        return;
    }
    batch = cluster_view_find_batch(view, c->append.index);
    if (batch && batch->epoch == c->epoch) {
        end_appended(c);
    } else if (batch || view->lease.epoch != c->epoch) {
        end_append(c, EPERM, "another member has become the writer");
    } else if (now_ms >= c->append.again_ms) {
        send_append(c);
    } else {
        *wake_ms = MIN(*wake_ms, c->append.again_ms);
    }
}

void
cluster_append(void *cluster, char *text, size_t length,
               store_appended_cb *done, void *aux)
{
    struct cluster *c = cluster;
    const struct cluster_view *view = cluster_db_view(c->db);

    ovs_assert(!c->append.active);
    c->append.active = true;
    c->append.sent = c->append.in_doubt = false;
    c->append.text = text;
    c->append.length = length;
    c->append.index = c->applied + 1;
    c->append.begin_ms = loop_now_ms(c->loop);
    c->append.again_ms = 0;
    c->append.done = done;
    c->append.done_aux = aux;
    if (c->handing_over) {
        end_append(c, EAGAIN, "another member is becoming the cluster's "
                   "writer");
    } else if (!c->writer) {
        end_append(c, EPERM, "this member is not the cluster's writer");
    } else if (!view->current) {
        end_append(c, EAGAIN, "the cluster's database cannot be reached, or "
                   "most of its servers are gone");
    } else if (length > STORE_CHANGES_MAX) {
        end_append(c, E2BIG, "the change is too large for the cluster");
    } else if (count_unconfirmed(c, cluster_members_have(view))
               > UNCONFIRMED_MAX) {
        end_append(c, EAGAIN, "most members of the cluster are too far "
                   "behind");
    } else {
        send_append(c);
        cluster_run(c);
    }
}

void
cluster_append_lost(struct cluster *c)
{
    c->append.sent = false;
    c->append.in_doubt = c->append.active;
}

void
cluster_append_abandon(struct cluster *c, const char *why)
{
    if (c->append.active) {
        end_append(c, EINTR, why);
    }
}

void
cluster_fell_behind(void *cluster, const char *why)
{
    struct cluster *c = cluster;

    c->broken = true;
    cluster_set_problem(c, why);
    cluster_run(c);
}

void
cluster_append_uninit(struct cluster *c)
{
    free(c->append.text);
    count_unconfirmed(c, INT64_MAX);
}
