/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of a member's operator, by unixctl: they work on the writer and
 * on standbys. */

#include <config.h>

#include "controller/cluster/cluster-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/model/model.h"
#include "controller/schema/arena.h"
#include "controller/schema/status.h"
#include "controller/schema/tables.h"
#include "openvswitch/dynamic-string.h"
#include "proto/relay/relay.h"
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
put_member(const struct status_cluster_member *member, bool self,
           struct ds *ds)
{
    ds_put_format(ds, "    %s%s: %s", member->name, self ? " (this one)" : "",
                  member->role);
    if (member->behind) {
        ds_put_format(ds, ", %"PRId64" batches behind", member->behind);
    }
    ds_put_format(ds, ", connected to %"PRId64" host%s", member->hosts,
                  member->hosts == 1 ? "" : "s");
    if (member->database_disk) {
        ds_put_format(ds, ", disk of its server %"PRId64" %% full",
                      member->database_disk);
    }
    ds_put_format(ds, ", heard %.0f ms ago, vmnd %s", member->heard * 1000,
                  member->version);
    if (member->address) {
        ds_put_format(ds, ", %s", member->address);
    }
    ds_put_char(ds, '\n');
}

static void
put_status(const struct status_cluster *status, const char *remote,
           struct ds *ds)
{
    ds_put_format(ds, "member: %s\nrole: %s\ndatabase: %s, %s\n",
                  status->member, status->role, remote,
                  status->connected ? "connected" : "not connected, or "
                  "without most of its servers");
    if (status->problem) {
        ds_put_format(ds, "problem: %s\n", status->problem);
    }
    if (status->unknown_fields) {
        ds_put_format(ds, "rows with fields that this version does not know: "
                      "%"PRIuSIZE"\n", status->unknown_fields);
    }
    if (!status->epoch) {
        ds_put_cstr(ds, !status->connected ? ""
                    : "the database has no cluster: begin one with "
                    "cluster/init on the member whose state it is to have\n");
        return;
    }
    ds_put_format(ds, "writer: %s\nepoch: %"PRId64"\nbatch: %"PRId64" (this "
                  "member has %"PRId64")\nrevision: %"PRIu64"\nmembers:\n",
                  status->writer ? status->writer : "none", status->epoch,
                  status->batch, status->stored, status->revision);
    for (size_t i = 0; i < status->n_members; i++) {
        put_member(&status->members[i],
                   !strcmp(status->members[i].name, status->member), ds);
    }
}

static void
put_relayed(const struct relay *relay, struct ds *ds)
{
    struct relay_stats stats;

    relay_get_stats(relay, &stats);
    ds_put_format(ds, "requests passed on: %"PRIuSIZE" now, %"PRIu64
                  " replied, %"PRIu64" sent again, %"PRIu64" given up\n",
                  stats.n_now, stats.n_passed, stats.n_again,
                  stats.n_failed);
}

static void
status_cb(struct unixctl_conn *conn, int argc OVS_UNUSED,
          const char *argv[] OVS_UNUSED, void *cluster)
{
    const struct cluster *c = cluster;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct status_cluster status;
    struct arena arena;

    arena_init(&arena);
    cluster_get_status(c, &arena, &status);
    put_status(&status, c->options->remote, &ds);
    if (c->relay) {
        put_relayed(c->relay, &ds);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
    arena_uninit(&arena);
}

static void
init_cb(struct unixctl_conn *conn, int argc, const char *argv[],
        void *cluster)
{
    struct vmn_error why = VMN_ERROR_INIT;
    long long int epoch = 0;

    if (argc > 1 && (!str_to_llong(argv[1], 10, &epoch) || epoch < 0
                     || epoch > CLUSTER_EPOCH_MAX / 2)) {
        unixctl_command_reply_error(conn, "EPOCH must be a number from 0 to "
                                    "2^32 - 1");
    } else if (cluster_found(cluster, epoch, on_done, conn, &why)) {
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
    unixctl_command_register("cluster/init", "[EPOCH]", 0, 1, init_cb, c);
    unixctl_command_register("cluster/transfer", "[MEMBER]", 0, 1,
                             transfer_cb, c);
    unixctl_command_register("cluster/remove", "MEMBER", 1, 1, remove_cb, c);
}
