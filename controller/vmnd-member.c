/* SPDX-License-Identifier: Apache-2.0
 *
 * A vmnd that is a member of a cluster: it follows the writer until it becomes
 * it.  Not for how members agree on who that is (controller/cluster). */

#include <config.h>

#include "controller/vmnd.h"

#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/commit/commit.h"
#include "controller/fabric/fabric-stats.h"
#include "controller/fabric/fabric.h"
#include "controller/model/model.h"
#include "controller/northbound/northbound.h"
#include "controller/service-notify.h"
#include "svec.h"
#include "util.h"

/* The other members, as hosts are told of them.  ------------------------- */

struct others {
    struct svec controllers, managers;
    struct fabric_others told;  /* Points to these. */
};

static void
get_others(const struct vmnd *vmnd, struct others *others)
{
    struct store_place place;

    svec_init(&others->controllers);
    svec_init(&others->managers);
    others->told = (struct fabric_others) {
        .controllers = &others->controllers,
        .managers = &others->managers,
    };
    vmnd->store_class->get_place(vmnd->store, &place);
    others->told.cluster = place.cluster;
    cluster_get_controllers(vmnd->cluster, &others->controllers);
    others->told.all_managers = cluster_get_managers(vmnd->cluster,
                                                     &others->managers);
}

static void
others_uninit(struct others *others)
{
    svec_destroy(&others->controllers);
    svec_destroy(&others->managers);
}

/* What the cluster decides.  --------------------------------------------- */

static void
activate_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;
    struct others others;

    model_skip_revisions(vmnd->model, vmnd->first_revision);
    commit_lead(vmnd->commit);
    get_others(vmnd, &others);
    fabric_lead(vmnd->fabric, vmnd->epoch, &others.told);
    others_uninit(&others);
    vmnd_start_active(vmnd);
    cluster_relay_to_self(vmnd->cluster);
}

/* What was loaded at the start is compiled. */
static void
following_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    northbound_set_ready(vmnd->northbound, true);
}

/* Has the next turn activate it: this one is the commit's fiber's, or the
 * cluster's task's, and what that would wait for by poll_fd_wait() would be
 * mixed up with what the rooms ask for, such as listeners of OVSDB. */
static void
compiled_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    loop_defer(&vmnd->activation);
}

/* Waits until what was loaded at the start is compiled; all else is. */
static void
activated_cb(void *vmnd_, uint64_t revision, int64_t epoch)
{
    struct vmnd *vmnd = vmnd_;

    vmnd->epoch = epoch;
    vmnd->first_revision = revision;
    commit_when_quiescent(vmnd->commit, compiled_cb, vmnd);
}

void
vmnd_cancel_activation(struct vmnd *vmnd)
{
    commit_cancel_when_quiescent(vmnd->commit, following_cb, vmnd);
    commit_cancel_when_quiescent(vmnd->commit, compiled_cb, vmnd);
    loop_deferred_cancel(&vmnd->activation);
}

static void
deposed_cb(void *vmnd_, const char *why OVS_UNUSED)
{
    struct vmnd *vmnd = vmnd_;

    vmnd->deposed = true;
    vmnd_cancel_activation(vmnd);
    northbound_retire(vmnd->northbound);
    loop_exit(vmnd->loop);
}

static void
apply_cb(void *vmnd_, const char *text, int64_t index,
         cluster_applied_cb *done, void *aux)
{
    struct vmnd *vmnd = vmnd_;

    commit_apply_batch(vmnd->commit, text, index, done, aux);
}

static void
seen_cb(void *vmnd_)
{
    struct vmnd *vmnd = vmnd_;

    if (vmnd->active) {
        struct others others;

        get_others(vmnd, &others);
        fabric_set_others(vmnd->fabric, &others.told);
        others_uninit(&others);
    }
    fabric_set_epoch(vmnd->fabric, cluster_epoch(vmnd->cluster));
}

static int64_t
count_hosts_cb(void *vmnd_)
{
    const struct vmnd *vmnd = vmnd_;

    return fabric_n_connected(vmnd->fabric);
}

void
vmnd_start_standby(struct vmnd *vmnd)
{
    static const struct cluster_callbacks callbacks = {
        .apply = apply_cb, .seen = seen_cb,
        .count_hosts = count_hosts_cb,
        .activated = activated_cb, .deposed = deposed_cb,
    };
    const struct options *options = &vmnd->options;
    struct vmn_error why = VMN_ERROR_INIT;
    int error;

    loop_deferred_init(&vmnd->activation, vmnd->loop, activate_cb, vmnd);
    vmnd->cluster_options = (struct cluster_options) {
        .name = options->cluster_member,
        .remote = options->cluster_db,
        .database_dir = options->cluster_db_dir,
        .state = options->state,
        .lease_ms = options->cluster_lease_ms,
        .address = options->api_listen ? options->api_listen : "",
        .openflow = options->openflow_target,
        .ovsdb = options->ovsdb_target,
        .listen = (options->cluster_listen
                   ? options->cluster_listen + strlen("ssl:") : NULL),
        .private_key = options->cluster_private_key,
        .certificate = options->cluster_certificate,
        .ca_cert = options->cluster_ca_cert,
    };
    vmnd->cluster = cluster_create(vmnd->loop, &vmnd->cluster_options,
                                   vmnd->store_class, vmnd->store,
                                   vmnd->model, &callbacks, vmnd);
    cluster_unixctl_init(vmnd->cluster);
    vmnd_start_fabric(vmnd, true);
    error = cluster_open_relay(vmnd->cluster, options->host_ca_cert,
                               options->api_ca_cert, &why);
    vmnd_die_of(error, "cannot serve the API", why.text);
    vmnd_start_northbound(vmnd, true);
    commit_when_quiescent(vmnd->commit, following_cb, vmnd);
    service_notify("READY=1\nSTATUS=standing by");
}
