/* SPDX-License-Identifier: Apache-2.0
 *
 * The batches of other members: handed to who applies them, one by one, in
 * their order. */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/batch-text.h"
#include "controller/model/model.h"
#include "openvswitch/vlog.h"
#include "proto/loop/loop.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cluster_follow);

/* Before a batch that could not be written is written again. */
#define RETRY_MS 1000

/* Ends following: 'why' is that a batch does not fit, which may be since it is
 * of another version. */
static void
stand_still(struct cluster *c, const char *why)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct cluster_member *writer
        = shash_find_data(&view->members, view->lease.holder);
    char *text = (writer && strcmp(writer->version, VMN_VERSION)
                  ? xasprintf("%s (the writer is of version %.64s, and this "
                              "member of version %s)", why, writer->version,
                              VMN_VERSION)
                  : xstrdup(why));

    if (c->state == CLUSTER_FOLLOWS) {
        cluster_set_state(c, CLUSTER_BROKEN);
    }
    cluster_set_problem(c, text);
    free(text);
}

/* Says once that there are fields which have no effect here. */
static void
note_unknown(struct cluster *c)
{
    size_t n = model_count_unknown(c->model);

    if (n && !c->has_unknown) {
        VLOG_WARN("%"PRIuSIZE" row%s fields that this version of vmnd does "
                  "not know: they are kept, and have no effect here", n,
                  n == 1 ? " has" : "s have");
    }
    c->has_unknown = n > 0;
}

static void
on_applied(void *cluster, int error, const struct vmn_error *why)
{
    struct cluster *c = cluster;

    if (c->state == CLUSTER_APPLIES) {
        cluster_set_state(c, CLUSTER_FOLLOWS);
    }
    if (error == EUCLEAN) {
        stand_still(c, why->text);
    } else if (error) {
        /* A full disk may be emptied. */
        cluster_set_problem(c, why->text);
        c->retry_ms = loop_now_ms(c->loop) + RETRY_MS;
    } else {
        cluster_set_problem(c, NULL);
        c->retry_ms = 0;
        c->applied++;
        cluster_db_set_applied(c->db, c->applied);
        note_unknown(c);
    }
    cluster_run(c);
}

/* Applies 'batch', the next one. */
static void
apply(struct cluster *c, const struct cluster_batch *batch)
{
    char *text = batch_text_unpack(batch->text);

    if (!text) {
        stand_still(c, "the next batch is neither text nor compressed text");
        return;
    }
    cluster_set_state(c, CLUSTER_APPLIES);
    c->callbacks->apply(c->aux, text, batch->index, on_applied, c);
    free(text);
}

/* Returns why this member cannot follow the cluster at all, or NULL. */
static char *
find_obstacle(const struct cluster *c, const struct cluster_view *view)
{
    struct store_place place;

    c->store_class->get_place(c->store, &place);
    if (c->membership == MEMBER_TAKEN) {
        return xstrdup(CLUSTER_TAKEN);
    }
    if (view->format > CLUSTER_FORMAT) {
        return xasprintf("the cluster is of format %"PRId64", and this vmnd "
                         "knows format %d", view->format, CLUSTER_FORMAT);
    }
    if (place.cluster != view->number) {
        return xasprintf(
            "the state of this member is %s: if others go on, vmn-cluster "
            "leave, and join again; if all are to go back to a backup, see "
            "\"Back to a backup\" in docs/cluster.md", place.cluster
            ? "that of another cluster" : "that of no cluster");
    }
    if (c->applied > view->head) {
        return xasprintf("the state of this member has batch %"PRId64", and "
                         "the cluster has %"PRId64" only: its database was "
                         "replaced", c->applied, view->head);
    }
    if (c->applied < view->head
        && !cluster_view_find_batch(view, c->applied + 1)) {
        return xasprintf(
            "the cluster does not have batch %"PRId64" any more, which this "
            "member lacks: vmn-cluster leave, and join again",
            c->applied + 1);
    }
    return NULL;
}

/* A new writer shows the revision that it goes on from before it has made a
 * batch: who has all that there are has that state. */
static void
skip_gap(struct cluster *c, const struct cluster_view *view)
{
    uint64_t revision = view->revision;

    if (c->applied == view->head
        && revision >= model_revision(c->model) + REVISION_GAP) {
        model_skip_revisions(c->model, revision);
    }
}

void
cluster_follow_run(struct cluster *c, int64_t now_ms, int64_t *wake_ms)
{
    const struct cluster_view *view = cluster_db_view(c->db);

    if (c->state != CLUSTER_FOLLOWS || !view->current || !view->has_row) {
        return;
    }
    note_unknown(c);
    if (c->retry_ms > now_ms) {
        *wake_ms = MIN(*wake_ms, c->retry_ms);
        return;
    }

    char *obstacle = find_obstacle(c, view);
    if (obstacle) {
        cluster_set_problem(c, obstacle);
        free(obstacle);
        return;
    }
    if (!c->retry_ms) {
        cluster_set_problem(c, NULL);
    }
    skip_gap(c, view);
    if (c->applied < view->head) {
        apply(c, cluster_view_find_batch(view, c->applied + 1));
    }
}
