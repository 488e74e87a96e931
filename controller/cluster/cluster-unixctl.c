/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of a member's operator, by unixctl: they work on each member,
 * whether it is the writer or stands by. */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "proto/loop/loop.h"
#include "unixctl.h"
#include "util.h"

/* Replies with the error, which this releases. */
static void
reply_error(struct unixctl_conn *conn, struct vmn_error *why)
{
    unixctl_command_reply_error(conn, why->text);
    vmn_error_uninit(why);
}

static void
on_done(void *conn, const char *fault)
{
    if (fault) {
        unixctl_command_reply_error(conn, fault);
    } else {
        unixctl_command_reply(conn, NULL);
    }
}

static void
put_member(const struct cluster *c, const struct cluster_member *member,
           struct ds *ds)
{
    const struct cluster_view *view = cluster_db_view(c->db);
    const char *role = (!strcmp(view->lease.holder, member->name) ? "writer"
                        : "standby");

    ds_put_format(ds, "    %s%s: %s", member->name,
                  member->run == c->run ? " (this one)" : "", role);
    if (view->head > member->applied) {
        ds_put_format(ds, ", %"PRId64" batches behind",
                      view->head - member->applied);
    }
    ds_put_format(ds, ", heard %"PRId64" ms ago, vmnd %s",
                  loop_now_ms(c->loop) - member->heard_ms, member->version);
    if (*member->address) {
        ds_put_format(ds, ", %s", member->address);
    }
    ds_put_char(ds, '\n');
}

static void
status_cb(struct unixctl_conn *conn, int argc OVS_UNUSED,
          const char *argv[] OVS_UNUSED, void *cluster)
{
    const struct cluster *c = cluster;
    const struct cluster_view *view = cluster_db_view(c->db);
    const struct shash_node **nodes = shash_sort(&view->members);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "member: %s\nrole: %s\ndatabase: %s, %s\n",
                  c->options->name, c->writer ? "writer" : "standby",
                  c->options->remote,
                  view->current ? "connected" : "not connected, or without "
                  "most of its servers");
    if (c->problem) {
        ds_put_format(&ds, "problem: %s\n", c->problem);
    }
    if (view->has_row) {
        ds_put_format(&ds, "writer: %s\nepoch: %"PRId64"\nbatch: %"PRId64
                      " (this member has %"PRId64")\nrevision: %"PRIu64
                      "\nmembers:\n",
                      *view->lease.holder ? view->lease.holder : "none",
                      view->lease.epoch, view->head, cluster_stored(c),
                      model_durable_revision(c->model));
        for (size_t i = 0; i < shash_count(&view->members); i++) {
            put_member(c, nodes[i]->data, &ds);
        }
    } else {
        ds_put_cstr(&ds, "the database has no cluster: begin one with "
                    "cluster/init on the member whose state it is to have\n");
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
    free(nodes);
}

static void
init_cb(struct unixctl_conn *conn, int argc OVS_UNUSED,
        const char *argv[] OVS_UNUSED, void *cluster)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (cluster_found(cluster, on_done, conn, &why)) {
        reply_error(conn, &why);
    }
}

static void
transfer_cb(struct unixctl_conn *conn, int argc, const char *argv[],
            void *cluster)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (cluster_hand_over(cluster, argc > 1 ? argv[1] : "", &why)) {
        reply_error(conn, &why);
    } else {
        unixctl_command_reply(conn, NULL);
    }
}

static void
remove_cb(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[],
          void *cluster)
{
    struct vmn_error why = VMN_ERROR_INIT;

    if (cluster_remove_member(cluster, argv[1], on_done, conn, &why)) {
        reply_error(conn, &why);
    }
}

void
cluster_unixctl_init(struct cluster *c)
{
    unixctl_command_register("cluster/status", "", 0, 0, status_cb, c);
    unixctl_command_register("cluster/init", "", 0, 0, init_cb, c);
    unixctl_command_register("cluster/transfer", "[MEMBER]", 0, 1,
                             transfer_cb, c);
    unixctl_command_register("cluster/remove", "MEMBER", 1, 1, remove_cb, c);
}
